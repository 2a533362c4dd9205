import { UserError } from '../base/errors.ts';
import { logError } from '../base/log.ts';
import { cleanLine } from '../base/text.ts';
import { AccountError } from './accounts.ts';
import { localModalEnd } from './local-server.ts';
import { RemoteFileError } from './remote-files.ts';
import type { SandboxEnd } from './sandbox-ends.ts';
import { strings } from './strings.ts';

/** gRPC status codes. https://grpc.io/docs/guides/status-codes/ */
const Code = {
  cancelled: 1,
  unknown: 2,
  invalid: 3,
  deadline: 4,
  notFound: 5,
  exists: 6,
  denied: 7,
  exhausted: 8,
  precondition: 9,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** Codes that the SDK retries, too. */
const CONNECTION_CODES: readonly number[] = [
  Code.cancelled,
  Code.unknown,
  Code.deadline,
  Code.internal,
  Code.unavailable,
];

/** The sandbox that a command ran in has stopped. */
export class SandboxEndedError extends Error {
  override name = 'SandboxEndedError';

  constructor(end: SandboxEnd) {
    super(strings.sandboxEnded(end));
  }
}

/** The text in which grpc-js wraps the reason of a failed connection. */
const GRPC_NOISE = /^No connection established\. Last error: (?:Error: )?(.*?)\.?(?: Resolution note:.*)?$/;

interface ErrorShape {
  readonly name: string;
  readonly message: string;
  readonly code?: number;
  readonly details?: string;
}

function shapeOf(error: unknown): ErrorShape {
  if (!(error instanceof Error)) return { name: '', message: String(error) };
  const { code, details } = error as Error & { code?: unknown; details?: unknown };
  return {
    name: error.name,
    message: error.message,
    ...(typeof code === 'number' && { code }),
    ...(typeof details === 'string' && { details }),
  };
}

/** True when something that a call refers to doesn't exist: an object in the account, or a file and its volume or sandbox. */
export function isNotFound(error: unknown): boolean {
  if (error instanceof RemoteFileError) return error.problem === 'notFound' || error.problem === 'gone';
  const { name, code } = shapeOf(error);
  return name === 'NotFoundError' || code === Code.notFound;
}

/** True when the sandbox that a call went to has stopped, so that a new one must be started. */
export function isSandboxGone(error: unknown): boolean {
  if (error instanceof RemoteFileError) return false;
  if (error instanceof SandboxEndedError || isNotFound(error)) return true;
  const { name, message } = shapeOf(error);
  return name === 'SandboxTimeoutError' || (name === 'ConflictError' && /finished/.test(message));
}

/** True when a file or command call failed because its sandbox isn't running. */
export function isSandboxStopped(error: unknown): boolean {
  const { name, code } = shapeOf(error);
  return isSandboxGone(error) || name === 'ConflictError' || code === Code.precondition;
}

/** True for a failed connection; the call can be retried. */
export function isConnectionLost(error: unknown): boolean {
  const { code, name } = shapeOf(error);
  return (code !== undefined && CONNECTION_CODES.includes(code)) || name === 'TimeoutError';
}

/** True when Modal rejects a request as invalid. */
export function isRefusedInput(error: unknown): boolean {
  const { code, name } = shapeOf(error);
  return code === Code.invalid || name === 'InvalidError';
}

/** Codes with which Modal refuses a start before there is a sandbox. */
const REFUSAL_CODES: readonly number[] = [
  Code.invalid,
  Code.notFound,
  Code.exists,
  Code.denied,
  Code.precondition,
  Code.unauthenticated,
];
const REFUSAL_NAMES: readonly string[] = ['InvalidError', 'NotFoundError', 'AlreadyExistsError', 'UserError'];

/** True when a start failed and there is certainly no sandbox. */
export function isRefusedStart(error: unknown): boolean {
  const { code, name } = shapeOf(error);
  return REFUSAL_NAMES.includes(name) || (code !== undefined && REFUSAL_CODES.includes(code));
}

/** True for failures that are resolved by selecting another account. */
export function isAccountProblem(error: unknown): boolean {
  return error instanceof AccountError || shapeOf(error).code === Code.unauthenticated;
}

/** Returns one sentence with a next step for any error, as `explainError` does, and logs the details. */
export function explainAndLog(error: unknown): string {
  logError(error);
  return explainError(error);
}

/** Returns one sentence with a next step for any error. The only place that formats errors. */
export function explainError(error: unknown): string {
  return cleanLine(sentenceOf(error));
}

function sentenceOf(error: unknown): string {
  const { name, message, code, details } = shapeOf(error);
  const text = firstLine(details || message).replace(GRPC_NOISE, '$1');
  if (error instanceof AccountError) return strings.withSignInHint(message);
  if (error instanceof UserError || error instanceof RemoteFileError || error instanceof SandboxEndedError)
    return message;
  if (name === 'AbortError') return strings.canceled();
  // The network has nothing to do with it, whatever the error says.
  const localEnd = localModalEnd();
  if (localEnd?.aborted && isConnectionLost(error)) return localEnd.reason.message;
  switch (code) {
    case Code.unauthenticated:
      return strings.tokenRejected(text);
    case Code.denied:
      return strings.permissionDenied(text);
    case Code.unavailable:
      return strings.unreachable(text);
    case Code.deadline:
      return strings.timedOut(text);
    case Code.exhausted:
      return strings.exhausted(text);
    case Code.notFound:
      return strings.notFound(text);
  }
  if (name === 'ResourceExhaustedError') return strings.exhausted(text);
  if (isSandboxGone(error)) return strings.sandboxStopped(text);
  const sentence = text.replace(/\.?$/, '.');
  return /^Image build/.test(text) ? strings.imageBuildFailed(sentence) : strings.unexpected(sentence);
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.trim() || strings.noReason();
}
