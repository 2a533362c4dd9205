import { formatDuration } from '../base/text.ts';
import { type Account, accountKind } from '../modal/accounts.ts';
import { onServerWarning } from '../modal/client.ts';
import { explainLogged } from '../modal/explain/explain.ts';
import { identify } from '../modal/identity.ts';
import { checkLocalModal, checkStorage, checkVersions } from './computer.ts';
import { type Finding, failed, passed, skipped } from './finding.ts';
import { type Answer, checkClock, checkProxy, checkServer } from './network.ts';
import { checkSandbox } from './sandbox.ts';
import type { Sources } from './sources.ts';
import { strings } from './strings.ts';

/** The checks, in the order in which they're made and reported. */
export const CHECKS = ['storage', 'localModal', 'proxy', 'server', 'clock', 'account', 'sandbox', 'versions'] as const;
export type CheckId = (typeof CHECKS)[number];

/** A check that was made. */
export interface Checked extends Finding {
  readonly id: CheckId;
  /** The time that it took, if it did take time. */
  readonly duration?: string;
}

export interface ExamineOptions {
  /** Ends the examination. What hasn't been checked by then is reported as skipped. */
  readonly signal: AbortSignal;
  /** Called before each check. */
  readonly onCheck?: (id: CheckId) => void;
}

/** Makes all checks, one after the other, and explains what has failed. Never throws. */
export async function examine(sources: Sources, { signal, onCheck }: ExamineOptions): Promise<Checked[]> {
  const warnings: string[] = [];
  const listening = onServerWarning((text) => warnings.push(text));
  const account = once(() => sources.account());
  let answer: Answer | undefined;
  const ifReached = async (check: (account: Account, answer: Answer) => Finding | Promise<Finding>) =>
    answer ? check(await account(), answer) : skipped(strings.notReached());
  const checks: Readonly<Record<CheckId, () => Finding | Promise<Finding>>> = {
    storage: () => checkStorage(sources),
    async localModal() {
      // Local Modal tells only once it has been started.
      await account().catch(() => undefined);
      return checkLocalModal(sources);
    },
    proxy: async () => checkProxy(await account().catch(() => undefined), signal),
    async server() {
      const known = await account().catch(() => undefined);
      if (!known) return skipped(strings.noAccountToReach());
      return checkServer(known, sources.clock, signal, (given) => {
        answer = given;
      });
    },
    clock: () => ifReached((_, given) => checkClock(given)),
    async account() {
      await account();
      return ifReached((known) => checkAccount(known, signal));
    },
    sandbox: () => ifReached(() => checkSandbox(sources, signal)),
    versions: () => checkVersions(sources, answer?.sdkVersion, warnings),
  };
  const checked: Checked[] = [];
  try {
    for (const id of CHECKS) {
      if (!signal.aborted) onCheck?.(id);
      checked.push(signal.aborted ? { id, ...skipped(strings.canceled()) } : await made(id, checks[id], signal));
    }
  } finally {
    listening.dispose();
  }
  return checked;
}

async function made(id: CheckId, check: () => Finding | Promise<Finding>, signal: AbortSignal): Promise<Checked> {
  const begunAt = performance.now();
  try {
    const finding = await check();
    return { id, ...finding, ...(finding.result !== 'skipped' && since(begunAt)) };
  } catch (error) {
    if (signal.aborted) return { id, ...skipped(strings.canceled()) };
    const { message, actions } = explainLogged(error);
    return { id, ...failed(message, ...actions), ...since(begunAt) };
  }
}

function since(begunAt: number): Pick<Checked, 'duration'> {
  const durationMs = performance.now() - begunAt;
  return durationMs < 1 ? {} : { duration: formatDuration(durationMs) };
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}

/** Asks who the account is, which checks its token. Throws the SDK's errors. */
async function checkAccount(account: Account, signal: AbortSignal): Promise<Finding> {
  if (account.isLocal) return passed(strings.accountIsLocal());
  await identify(account, signal);
  return passed(strings.accountWorks(accountKind(account)));
}
