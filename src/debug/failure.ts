import type { ActionId } from '../base/errors.ts';
import type { LinkEnd } from './adapter-link.ts';
import { strings } from './strings.ts';

/** Why a session has failed, with next steps; empty if it hasn't. */
export interface Failure {
  readonly error?: string;
  readonly actions?: readonly ActionId[];
}

/** How far a session has come. */
export interface SessionState {
  /** The program was to be started. */
  readonly hasBegun: boolean;
  /** The adapter has said that the program has ended. */
  readonly hasTerminated: boolean;
}

/** Returns what the end of an adapter means for its session. */
export function failureOf({ result, errors }: LinkEnd, { hasBegun, hasTerminated }: SessionState): Failure {
  if (result.outcome === 'failed') return { error: result.error, actions: result.actions ?? [] };
  if (result.outcome === 'canceled' || hasTerminated) return {};
  if (hasBegun) return { error: strings.debuggerLost() };
  const reason = errors.trim().split('\n').at(-1) ?? '';
  const { exitCode } = result;
  const error = reason === '' ? strings.debuggerEndedSilently(exitCode) : strings.debuggerEnded(exitCode, reason);
  return { error, actions: ['showProfile'] };
}
