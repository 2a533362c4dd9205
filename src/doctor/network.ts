/** The checks of the way to Modal. */
import type { Clock } from '../base/clock.ts';
import { formatDuration } from '../base/text.ts';
import { type Account, serverUrlOf } from '../modal/accounts.ts';
import { newClient } from '../modal/client.ts';
import { whyNotConnected } from '../modal/connection-reason.ts';
import { isTokenRejected } from '../modal/errors.ts';
import { proxyInUse, proxyProblem } from '../modal/proxy.ts';
import { trustProblem } from '../modal/trust.ts';
import { type Finding, failed, passed, skipped, warning } from './finding.ts';
import { strings } from './strings.ts';

/** The time for a proxy or a server to answer. */
export const ANSWER_TIMEOUT_MS = 15_000;
/** Certificates and tokens are valid some time before and after. */
const MAX_CLOCK_ERROR_MS = 2 * 60_000;

/** What a server has said. */
export interface Answer {
  /** Its time, in milliseconds since 1970, and this computer's at the same moment. Undefined if it told none. */
  readonly times?: { readonly server: number; readonly here: number } | undefined;
  /** The version of the SDK that asked. */
  readonly sdkVersion: string;
}

/** Connects to the proxy, and looks at the certificates that are trusted. */
export async function checkProxy(account: Account | undefined, signal: AbortSignal): Promise<Finding> {
  if (account?.isLocal) return skipped(strings.notForLocalModal());
  const trust = trustProblem();
  const problem = proxyProblem() ?? trust;
  if (problem !== undefined)
    return problem === trust ? warning(problem, 'showProxySettings') : failed(problem, 'showProxySettings');
  const proxy = proxyInUse();
  if (!proxy) return passed(strings.noProxy());
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
  const reason = await whyNotConnected(proxy, limit);
  if (reason === undefined) return passed(strings.proxyWorks(proxy.host));
  return failed(
    strings.proxyClosed(proxy.host, limit.aborted ? strings.noAnswer() : reason),
    'showProxySettings',
    'retry',
  );
}

/** Asks the server for anything. Throws the SDK's errors. */
export async function checkServer(
  account: Account,
  clock: Clock,
  signal: AbortSignal,
  noteAnswer: (answer: Answer) => void,
): Promise<Finding> {
  const client = await newClient(account);
  const begunAt = performance.now();
  let date: string | undefined;
  try {
    const onHeader = (header: { get(name: string): string | Uint8Array | undefined }) => {
      date = header.get('date')?.toString();
    };
    await client.cpClient.clientHello({}, { timeoutMs: ANSWER_TIMEOUT_MS, signal, onHeader });
  } catch (error) {
    // It has answered.
    if (!isTokenRejected(error)) throw error;
  } finally {
    client.close();
  }
  const durationMs = performance.now() - begunAt;
  const { protocol, host } = new URL(serverUrlOf(account));
  // Not every gRPC server tells its time.
  if (date === undefined && protocol === 'https:') date = await dateOf(`https://${host}`, signal);
  noteAnswer({
    times: date === undefined ? undefined : { server: Date.parse(date), here: clock.now() },
    sdkVersion: client.version(),
  });
  return passed(strings.reachable(host, formatDuration(durationMs)));
}

async function dateOf(url: string, signal: AbortSignal): Promise<string | undefined> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
  const response = await fetch(url, { method: 'HEAD', redirect: 'manual', signal: limit }).catch(() => undefined);
  return response?.headers.get('date') ?? undefined;
}

/** Compares this computer's time with that of the server. */
export function checkClock({ times }: Answer): Finding {
  if (!times || Number.isNaN(times.server)) return skipped(strings.noServerTime());
  const aheadMs = times.here - times.server;
  if (Math.abs(aheadMs) <= MAX_CLOCK_ERROR_MS) return passed(strings.clockIsRight());
  const error = formatDuration(Math.abs(aheadMs));
  return failed(aheadMs > 0 ? strings.clockAhead(error) : strings.clockBehind(error), 'retry');
}
