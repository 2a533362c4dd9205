import { randomUUID } from 'node:crypto';
import type { Sandbox } from 'modal';
import { UserError } from '../base/errors.ts';
import { type AnswerLimits, execWith } from '../modal/exec.ts';
import type { RunRequest } from '../run/request.ts';
import { strings } from './strings.ts';

const LIMITS: AnswerLimits = { maxBytes: 100_000, timeoutMs: 30_000 };

/** The files of a run of tests whose streams belong to a debugger. */
export interface DebugFiles {
  /** The file with the run's options. */
  readonly options: string;
  readonly events: string;
  /** What the script has printed. */
  readonly said: string;
}

/**
 * Writes the options of a debugged run, with the path of its events, to a sandbox. A shell script with arguments may prepare more.
 * Throws `UserError` and the SDK's errors.
 */
export async function putDebugOptions(
  sandbox: Sandbox,
  options: object,
  [script, ...args]: readonly [script: string, ...args: string[]],
  signal?: AbortSignal,
): Promise<DebugFiles> {
  const folder = `/tmp/modal-tests-${randomUUID()}`;
  const events = `${folder}/events`;
  const text = Buffer.from(JSON.stringify({ ...options, events }));
  const whole = `mkdir -p "$1" && cat > "$1/options" && : > "$1/events" && shift && ${script} && printf done`;
  const said = await execWith(sandbox, ['sh', '-c', whole, 'sh', folder, ...args], {
    ...LIMITS,
    signal,
    source: () => ({ readFrom: (offset) => once(text.subarray(offset)) }),
  });
  const [, own] = /^([\s\S]*)done$/.exec(said.toString()) ?? [];
  if (own === undefined) throw new UserError(strings.notPrepared());
  return { options: `${folder}/options`, events, said: own };
}

/** Returns the run that reads the events of a debugged run, in its sandbox, until it's canceled. */
export function debugEventsRequest(program: RunRequest, events: string, sandboxId: string): RunRequest {
  const programs = [{ argv: ['tail', '-n', '+1', '-f', events] }] as const;
  return { ...program, programs, args: [], pty: false, sync: false, pull: [], sandboxId };
}

/** Yields bytes once, as a program's input. */
export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
