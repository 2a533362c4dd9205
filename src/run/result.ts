import type { ActionId } from '../base/errors.ts';
import { explainLogged } from '../modal/explain/explain.ts';

/** The times that the phases of a run took, in milliseconds. */
export interface RunTimings {
  /** Until a sandbox was available. */
  readonly startMs: number;
  readonly syncMs: number;
  /** From the program's start to its first output; absent if it had none. */
  readonly firstOutputMs?: number;
  /** From the program's start to its end. */
  readonly runMs: number;
  /** To bring back files; absent if there were none to bring back. */
  readonly pullMs?: number;
}

/** The details of a run once it had a sandbox. */
interface RunFacts {
  readonly sandboxId?: string;
  /** The name of the profile that the sandbox was started with. */
  readonly profile?: string;
  readonly timings?: RunTimings;
  /** Estimated cost from start to end, in US dollars; absent for accounts that aren't billed. */
  readonly costUsd?: number;
  /** The price that the cost was estimated with. */
  readonly pricePerHourUsd?: number;
}

/** The program ran to its end. */
export interface RunExited extends RunFacts {
  readonly outcome: 'exited';
  readonly exitCode: number;
  /** The signal that ended the program, such as `SIGTERM`. */
  readonly signal: string | undefined;
  readonly error?: undefined;
}

/** The run was canceled before its program exited. */
export interface RunCanceled extends RunFacts {
  readonly outcome: 'canceled';
  readonly exitCode?: undefined;
  readonly error?: undefined;
}

/** The program didn't start, was lost, or its outputs couldn't be pulled. */
export interface RunFailed extends RunFacts {
  readonly outcome: 'failed';
  /** A message for users. */
  readonly error: string;
  /** Set if the program itself ran to its end. */
  readonly exitCode?: number;
  /** The next steps to offer, the most helpful one first. */
  readonly actions?: readonly ActionId[];
  /** Nothing has run, and can be after the user has signed in again or chosen another account. */
  readonly needsAccount?: boolean;
}

/** The outcome of a run. `summaryOf` describes it in words. */
export type RunResult = RunExited | RunCanceled | RunFailed;

export const CANCELED: RunCanceled = { outcome: 'canceled' };

/** Linux's signals that end programs, by number, which differ from those of other systems. */
const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  5: 'SIGTRAP',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  10: 'SIGUSR1',
  11: 'SIGSEGV',
  12: 'SIGUSR2',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
  16: 'SIGSTKFLT',
  24: 'SIGXCPU',
  25: 'SIGXFSZ',
  26: 'SIGVTALRM',
  27: 'SIGPROF',
  29: 'SIGIO',
  30: 'SIGPWR',
  31: 'SIGSYS',
};
/** A signal is reported as this plus its number. Programs can exit with such a code, too. */
const SIGNAL_BASE = 128;

/** Returns the name of the signal that an exit code stands for if a signal ended the program. */
export function signalOf(exitCode: number): string | undefined {
  return SIGNALS[exitCode - SIGNAL_BASE];
}

/** Returns the result of a program that exited. Unless it's known that no signal ended it, its code may stand for one. */
export function exited(exitCode: number, { isSignal = true }: { readonly isSignal?: boolean } = {}): RunExited {
  return { outcome: 'exited', exitCode, signal: isSignal ? signalOf(exitCode) : undefined };
}

/** Returns the result of a run that failed with a message for users. */
export function failed(error: string): RunFailed {
  return { outcome: 'failed', error };
}

/** Logs an error, and returns the result of a run that failed with it. */
export function failureOf(cause: unknown): RunFailed {
  const { message, actions } = explainLogged(cause);
  return { outcome: 'failed', error: message, actions };
}
