/** The times that the phases of a run took, in milliseconds. */
export interface RunTimings {
  /** Until a sandbox was available. */
  readonly startMs: number;
  readonly syncMs: number;
  /** From the program's start to its first output; absent if it had none. */
  readonly firstOutputMs?: number;
  /** From the program's start to its end. */
  readonly runMs: number;
}

/** The details of a run once it had a sandbox. */
interface RunFacts {
  readonly sandboxId?: string;
  /** The name of the profile that the sandbox was started with. */
  readonly profile?: string;
  readonly timings?: RunTimings;
  /** Estimated cost from start to end, in US dollars; absent for accounts that aren't billed. */
  readonly costUsd?: number;
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
  /** Choosing another account can fix the error. */
  readonly needsAccount?: boolean;
}

/** The outcome of a run. `summaryOf` describes it in words. */
export type RunResult = RunExited | RunCanceled | RunFailed;

export const CANCELED: RunCanceled = { outcome: 'canceled' };

/** Names of the signals that usually end programs; Modal reports them as exit code 128 + number. */
const SIGNALS: Readonly<Record<number, string>> = {
  129: 'SIGHUP',
  130: 'SIGINT',
  131: 'SIGQUIT',
  132: 'SIGILL',
  134: 'SIGABRT',
  135: 'SIGBUS',
  136: 'SIGFPE',
  137: 'SIGKILL',
  139: 'SIGSEGV',
  141: 'SIGPIPE',
  143: 'SIGTERM',
};

/** Returns the result of a program that exited. */
export function exited(exitCode: number): RunExited {
  return { outcome: 'exited', exitCode, signal: SIGNALS[exitCode] };
}

/** Returns the result of a run that failed with a message for users. */
export function failed(error: string): RunFailed {
  return { outcome: 'failed', error };
}
