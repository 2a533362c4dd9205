import { z } from 'zod';
import { type ActionId, UserError } from '../../base/errors.ts';
import { logError } from '../../base/log.ts';
import { withoutSecrets } from '../../base/secrets.ts';
import { cleanLine } from '../../base/text.ts';
import { AccountError } from '../accounts.ts';
import { NO_REASON } from '../connection-reason.ts';
import { Code, shapeOf } from '../error-shape.ts';
import { isConnectionLost, isSandboxGone, SandboxEndedError } from '../errors.ts';
import { localModalEnd } from '../local-server.ts';
import { proxyProblem } from '../proxy.ts';
import { RemoteFileError } from '../remote-files.ts';
import type { SandboxEnd } from '../sandbox-ends.ts';
import { strings as modalStrings } from '../strings.ts';
import { computerKind, connectionKind } from './computer.ts';
import { type Kind, kindOf } from './kind.ts';
import { modalKind } from './modal.ts';
import { strings } from './strings.ts';

/** An error as users see it. */
export interface Explanation {
  /** What happened, and what to do. */
  readonly message: string;
  /** The reason in the words of the server or system, if they gave one. */
  readonly cause?: string;
  /** The next steps to offer, the most helpful one first. */
  readonly actions: readonly ActionId[];
}

/** Explains any error, as `explain` does, and logs it in full. */
export function explainLogged(error: unknown): Explanation {
  logError(error);
  return explain(error);
}

/** Returns the message for any error, and logs the error in full. */
export function explainAndLog(error: unknown): string {
  return explainLogged(error).message;
}

/** Turns any error into a message for users with next steps. The only place that does so. */
export function explain(error: unknown): Explanation {
  const { message, cause, actions } = explanationOf(error);
  const shown = (text: string) => cleanLine(withoutSecrets(text));
  return { message: shown(message), ...(cause !== undefined && { cause: shown(cause) }), actions };
}

function explanationOf(error: unknown): Explanation {
  const { name, message: given, code, details } = shapeOf(error);
  const own = ownExplanation(error, name, given, code);
  if (own) return own;
  const system = code === undefined ? systemErrorOf(error) : undefined;
  const cause = system ? system.path || reasonOf(system.message) : reasonOf(details ?? given);
  const kind = system ? computerKind(system.code) : kindOfError(error, name, code, cause);
  const { say, actions } = kind ?? unexpected;
  const message = say(cause || modalStrings.noReason());
  const problem = code === Code.unavailable ? proxyProblem() : undefined;
  return {
    message: problem === undefined ? message : `${message} ${problem}`,
    ...(cause && { cause }),
    actions: problem === undefined ? actions : ['showProxySettings', ...actions],
  };
}

/** Returns the explanation of an error that has its own message for users, or is explained without its reason. */
function ownExplanation(error: unknown, name: string, message: string, code?: number): Explanation | undefined {
  if (error instanceof AccountError)
    return { message: strings.withSignInHint(message), actions: [...error.actions, 'signIn', 'useLocalModal'] };
  if (error instanceof UserError) return { message, actions: error.actions };
  if (error instanceof RemoteFileError) return { message, actions: [] };
  if (error instanceof SandboxEndedError) return { message, actions: ENDED[error.end] ?? ['retry', 'raiseMemory'] };
  if (name === 'AbortError') return { message: strings.canceled(), actions: [] };
  if (error instanceof z.ZodError) return { message: invalidData(error), actions: ['showLog'] };
  if (error instanceof SyntaxError) return { message: strings.damagedFile(reasonOf(message)), actions: ['showLog'] };
  // The network has nothing to do with it, whatever the error says.
  const localEnd = localModalEnd();
  if (localEnd?.aborted && isConnectionLost(error)) return { message: localEnd.reason.message, actions: ['retry'] };
  const proxy = code === Code.unavailable && NO_REASON.test(message) ? proxyHost(process.env) : undefined;
  return proxy === undefined
    ? undefined
    : { message: strings.proxyRefused(proxy), actions: ['retry', 'showProxySettings'] };
}

const ENDED: Readonly<Partial<Record<SandboxEnd, readonly ActionId[]>>> = {
  timeout: ['retry', 'raiseTimeout'],
  idle: ['retry', 'raiseIdleTimeout'],
  terminated: ['retry'],
  preempted: ['retry'],
};

const unexpected = kindOf(strings.unexpected, 'retry', 'showLog');
const stopped = kindOf(strings.sandboxStopped, 'retry');

function kindOfError(error: unknown, name: string, code: number | undefined, cause: string): Kind | undefined {
  if (code === Code.unavailable) return connectionKind(cause) ?? modalKind(code, name, cause);
  return modalKind(code, name, cause) ?? (isSandboxGone(error) ? stopped : undefined);
}

interface SystemError {
  readonly code: string;
  readonly message: string;
  readonly path?: string;
}

/** Returns the error of Node with a known code that an error is, sums up, or was caused by. */
function systemErrorOf(error: unknown, depth = 0): SystemError | undefined {
  if (!(error instanceof Error) || depth > 5) return undefined;
  const { code, message, path, cause, errors } = error as NodeJS.ErrnoException & { errors?: unknown };
  for (const each of [...(Array.isArray(errors) ? errors : []), cause]) {
    const found = systemErrorOf(each, depth + 1);
    if (found) return found;
  }
  if (typeof code !== 'string' || !computerKind(code)) return undefined;
  return { code, message: message || code, ...(typeof path === 'string' && { path }) };
}

/** The text in which grpc-js wraps the reason of a failed connection. */
const GRPC_NOISE =
  /^No connection established\. Last error: (?:Error: )?(.*?)\.?(?: \(\d{4}-[^)]*\))?\.?(?: Resolution note:.*)?$/;

/** Returns the first line of a text, and the next one if the first one only introduces it. */
function reasonOf(text: string): string {
  const [first = '', second = ''] = text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const line = first.endsWith(':') ? `${first} ${second}` : first;
  return NO_REASON.test(line) ? '' : line.replace(GRPC_NOISE, '$1').replace(/(?<!\.)\.$/, '');
}

/** Returns the host of the proxy that gRPC uses, in the order in which grpc-js reads the variables. */
function proxyHost(env: NodeJS.ProcessEnv): string | undefined {
  const proxy = env.grpc_proxy || env.https_proxy || env.http_proxy;
  return proxy && URL.canParse(proxy) ? new URL(proxy).host : proxy && modalStrings.noReason();
}

function invalidData({ issues }: z.ZodError): string {
  const { path = [], message = '' } = issues[0] ?? {};
  return path.length > 0 ? strings.invalidData(path.join('.'), message) : strings.invalidValue(message);
}
