import { AccountError } from './accounts.ts';
import { Code, shapeOf } from './error-shape.ts';
import { RemoteFileError } from './remote-files.ts';
import type { SandboxEnd } from './sandbox-ends.ts';
import { strings } from './strings.ts';

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

  readonly end: SandboxEnd;

  constructor(end: SandboxEnd) {
    super(strings.sandboxEnded(end));
    this.end = end;
  }
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

/** True when Modal doesn't accept a token. */
export function isTokenRejected(error: unknown): boolean {
  return shapeOf(error).code === Code.unauthenticated;
}

/** True for failures that are resolved by signing in, or by selecting another account. */
export function isAccountProblem(error: unknown): boolean {
  return error instanceof AccountError || isTokenRejected(error);
}
