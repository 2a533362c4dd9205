import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../base/errors.ts';
import { formatDuration } from '../../base/text.ts';
import type { PushResult } from '../../sync/engine.ts';
import type { TerminalSize } from '../control.ts';
import type { RunRequest } from '../request.ts';
import { CANCELED, exited, type RunFailed, type RunResult } from '../result.ts';
import { Run } from '../run.ts';
import type { RunServices } from '../services.ts';
import { describeEnd } from '../summary.ts';
import { syncReport } from '../sync-report.ts';
import type { Interpreter, Snippet } from './interpreters.ts';
import { MarkReader } from './mark.ts';

const INTERRUPT = '\u0003';
/** Hands what it gets on its input to the process, unless that has taken its pipe away. */
const DELIVER = '[ -p "$0" ] && exec cat > "$0"';
/** How long a process that takes nothing any more may take to end. */
const END_TIMEOUT_MS = 3_000;
const NO_PIPE: RunFailed = {
  outcome: 'failed',
  error: 'The process takes no code any more. Restart it (“Modal: Restart Process of Selections”).',
};

/** Where a kept process's words go. */
export interface SelectionOutput {
  /** A line of our own about what happens. */
  status(line: string): void;
  /** What is being done; `''` when that is over. Replaced by the next word of it and by the next text. */
  progress(line: string): void;
  /** What is run, before its output. */
  code(snippet: Snippet): void;
  text(text: string): void;
}

/** What a kept process is started with. */
export interface SelectionProcessOptions {
  readonly interpreter: Interpreter;
  /** The process itself, without arguments. */
  readonly request: RunRequest;
  readonly services: RunServices;
  readonly output: SelectionOutput;
  readonly size?: TerminalSize;
  /** Without a selection for so long, the process ends. */
  readonly idleTimeoutMs: number;
}

interface Job {
  readonly snippet: Snippet;
  end(result: RunResult): void;
}

/**
 * A process in the folder's sandbox that runs snippets one after the other and keeps what they define. It is a run like
 * any other; a snippet comes to it by a second one, which syncs the folder first. It ends when nothing was run for the
 * sandbox's idle time, so that it does not keep the sandbox from ending.
 */
export class SelectionProcess {
  /** How the process ended. */
  readonly ended: Promise<RunResult>;
  readonly #options: SelectionProcessOptions;
  readonly #run: Run;
  readonly #marks: MarkReader;
  readonly #pipe: string;
  readonly #decoder = new TextDecoder();
  readonly #waiting: Job[] = [];
  /** What runs: settles with its exit status. The first one is the process's word that it can take something. */
  #current = { number: 0, done: Promise.withResolvers<number>() };
  #delivery: Run | undefined;
  #isBusy = false;
  #isFirst = true;
  #idle: NodeJS.Timeout | undefined;
  #isIdleTooLong = false;

  constructor(options: SelectionProcessOptions) {
    this.#options = options;
    const { request, services, output, size } = options;
    const id = crypto.randomUUID();
    this.#pipe = `/tmp/.modal-selection-${id}`;
    this.#marks = new MarkReader(id, (number, status) => {
      if (number === this.#current.number) this.#current.done.resolve(status);
    });
    const text = (bytes: Uint8Array) =>
      this.#marks.feed(this.#decoder.decode(bytes, { stream: true }), (each) => output.text(each));
    const streams = {
      status: (line: string) => output.status(line),
      progress: (line: string) => output.progress(line),
      stdout: text,
      stderr: text,
    };
    this.#run = new Run({ ...request, args: [this.#pipe, this.#marks.format(0)] }, services, streams, size);
    this.ended = this.#run.done.then((result) => this.#end(result));
  }

  /** Runs a snippet after those that are waiting. Resolves with its exit status: 0, or another one after an error. */
  run(snippet: Snippet): Promise<RunResult> {
    return new Promise((end) => {
      this.#waiting.push({ snippet, end });
      void this.#work();
    });
  }

  /** Whether something runs, or is on its way. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** What was typed, for the snippet that runs. An interrupt also drops the snippets that wait. */
  write(text: string): void {
    if (text.includes(INTERRUPT)) {
      this.#drop(CANCELED);
      this.#delivery?.cancel();
    }
    this.#run.write(text);
  }

  resize(size: TerminalSize): void {
    this.#run.resize(size);
  }

  /** Ends the process with everything it has started. */
  cancel(): void {
    this.#run.cancel();
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    clearTimeout(this.#idle);
    for (let job = this.#waiting.shift(); job; job = this.#waiting.shift()) job.end(await this.#runOne(job.snippet));
    this.#isBusy = false;
    this.#options.output.progress('');
    // Without a program there is nothing left to end.
    if (this.#run.sandboxId) this.#idle = setTimeout(() => this.#endIdle(), this.#options.idleTimeoutMs);
  }

  async #runOne(snippet: Snippet): Promise<RunResult> {
    const { interpreter, output } = this.#options;
    output.code(snippet);
    const ended = this.ended.then((result): RunResult => {
      return result.outcome === 'exited' ? { outcome: 'failed', error: describeEnd(result) } : result;
    });
    const early = this.#isFirst && (await Promise.race([this.#current.done.promise, ended]));
    if (typeof early === 'object') return early;
    this.#current = { number: this.#current.number + 1, done: Promise.withResolvers() };
    const failed = this.#deliver(interpreter.frame(snippet, this.#marks.format(this.#current.number))).then(
      (delivered): Promise<RunResult> | RunResult => {
        if (delivered.outcome !== 'exited') return delivered;
        if (delivered.exitCode === 0) return new Promise<never>(() => {});
        // A process without its pipe is usually about to end, and then says why.
        return Promise.race([ended, sleep(END_TIMEOUT_MS, NO_PIPE)]);
      },
    );
    const outcome = await Promise.race([this.#current.done.promise, failed, ended]);
    return typeof outcome === 'number' ? exited(outcome) : outcome;
  }

  /** Syncs the folder, then hands text to the process. */
  async #deliver(text: string): Promise<RunResult> {
    const { request, services, output } = this.#options;
    const { sandboxId } = this.#run;
    if (!sandboxId) throw new UserError('The sandbox has ended. Run the selection again.');
    const streams = {
      status: (line: string) => output.status(line),
      progress: (line: string) => output.progress(line),
      synced: (result: PushResult) => {
        for (const line of newsOf(result)) output.status(line);
      },
      stdout: () => {},
      stderr: () => {},
    };
    const programs = [{ argv: ['sh', '-c', DELIVER] as const }];
    // The process itself was started with a sync.
    const sync = request.sync && !this.#isFirst;
    this.#isFirst = false;
    this.#delivery = new Run(
      { ...request, programs, args: [this.#pipe], cwd: '/', env: {}, pty: false, sync, sandboxId },
      services,
      streams,
    );
    this.#delivery.write(text);
    this.#delivery.endInput();
    return this.#delivery.done.finally(() => {
      this.#delivery = undefined;
    });
  }

  #drop(result: RunResult): void {
    for (const job of this.#waiting.splice(0)) job.end(result);
  }

  #endIdle(): void {
    this.#isIdleTooLong = true;
    this.#run.cancel();
  }

  #end(result: RunResult): RunResult {
    clearTimeout(this.#idle);
    this.#delivery?.cancel();
    this.#drop(CANCELED);
    this.#options.output.text(this.#decoder.decode() + this.#marks.end());
    if (!this.#isIdleTooLong) return result;
    const idle = formatDuration(this.#options.idleTimeoutMs);
    return { outcome: 'failed', error: `Ended after ${idle} without a selection, so that the sandbox can end.` };
  }
}

/** What is worth a line each time: all but that there was nothing to do. */
function newsOf(result: PushResult): string[] {
  return syncReport(result).slice(result.files === 0 && result.deleted === 0 ? 1 : 0);
}
