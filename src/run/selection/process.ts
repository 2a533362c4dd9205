import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../base/errors.ts';
import { formatDuration } from '../../base/text.ts';
import type { PushResult } from '../../sync/engine.ts';
import type { TerminalSize } from '../control.ts';
import type { Recording } from '../records/run-records.ts';
import type { RunRequest } from '../request.ts';
import { CANCELED, exited, failed, type RunResult } from '../result.ts';
import { Run } from '../run.ts';
import type { RunServices } from '../services.ts';
import { strings } from '../strings.ts';
import { describeEnd } from '../summary.ts';
import { syncReport } from '../sync-report.ts';
import type { Interpreter, Snippet } from './interpreters.ts';
import { MarkReader } from './mark.ts';

const INTERRUPT = '\u0003';
/** Passes its input to the process, unless the process has removed its pipe. */
const DELIVER = '[ -p "$0" ] && exec cat > "$0"';
/** The time to wait for a process without a pipe to exit. */
const END_TIMEOUT_MS = 3_000;

/** Receives everything that an interactive session shows. */
export interface SelectionOutput {
  /** Shows a line of our own. */
  status(line: string): void;
  /** Shows the current step, until the next step or text replaces it; `''` clears it. */
  progress(line: string): void;
  /** Shows the code that is about to run. */
  code(snippet: Snippet): void;
  text(text: string): void;
}

/** The parameters that an interactive session is started with. */
export interface SelectionProcessOptions {
  readonly interpreter: Interpreter;
  /** The interpreter's process; its arguments are added. */
  readonly request: RunRequest;
  readonly services: RunServices;
  readonly output: SelectionOutput;
  readonly size?: TerminalSize;
  /** The process is stopped after this long without a selection. */
  readonly idleTimeoutMs: number;
}

interface Job {
  readonly snippet: Snippet;
  end(result: RunResult): void;
}

/**
 * An interactive session: a process in the folder's sandbox that runs snippets one after another and keeps what they
 * define. It's a run like any other. Each snippet is delivered by a second run, which syncs the folder first. The process
 * is stopped once idle, so that it doesn't keep the sandbox from reaching its own idle timeout.
 */
export class SelectionProcess {
  /** Resolves when the process has ended. */
  readonly ended: Promise<RunResult>;
  readonly #options: SelectionProcessOptions;
  readonly #run: Run;
  readonly #marks: MarkReader;
  readonly #pipe: string;
  readonly #decoder = new TextDecoder();
  readonly #waiting: Job[] = [];
  /** The running snippet and its exit status. Number 0 is the process's start. */
  #current = { number: 0, done: Promise.withResolvers<number>() };
  #delivery: Run | undefined;
  #recording: Recording | undefined;
  /** Something was printed since the delivery of the current snippet began, so the snippet is running. */
  #hasPrinted = false;
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
      this.#marks.feed(this.#decoder.decode(bytes, { stream: true }), (each) => {
        this.#hasPrinted = true;
        this.#recording?.add(Buffer.from(each));
        output.text(each);
      });
    const streams = {
      status: (line: string) => output.status(line),
      progress: (line: string) => output.progress(line),
      stdout: text,
      stderr: text,
    };
    const process = { ...request, args: [this.#pipe, this.#marks.format(0)], record: 'none' as const };
    this.#run = new Run(process, services, streams, size);
    this.ended = this.#run.done.then((result) => this.#end(result));
  }

  /** Runs a snippet after the waiting ones. Exits with 0, or with another code after an error. */
  run(snippet: Snippet): Promise<RunResult> {
    return new Promise((end) => {
      this.#waiting.push({ snippet, end });
      void this.#work();
    });
  }

  /** True while a snippet is running or being delivered. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Sends typed text to the running snippet. An interrupt also drops the waiting snippets. */
  write(text: string): void {
    if (text.includes(INTERRUPT)) {
      this.#drop(CANCELED);
      // What is running already ends by the interrupt itself.
      if (!this.#hasPrinted) this.#delivery?.cancel();
    }
    this.#run.write(text);
  }

  resize(size: TerminalSize): void {
    this.#run.resize(size);
  }

  /** Stops the process and its child processes. */
  cancel(): void {
    this.#run.cancel();
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    clearTimeout(this.#idle);
    for (let job = this.#waiting.shift(); job; job = this.#waiting.shift())
      job.end(await this.#recorded(job.snippet, this.#runOne(job.snippet)));
    this.#isBusy = false;
    this.#options.output.progress('');
    // If the program has exited, there's nothing to stop.
    if (this.#run.sandboxId) this.#idle = setTimeout(() => this.#endIdle(), this.#options.idleTimeoutMs);
  }

  /** Records a snippet as a run of its own. */
  async #recorded(snippet: Snippet, running: Promise<RunResult>): Promise<RunResult> {
    const { request, services } = this.#options;
    const [program = ''] = request.programs[0]?.argv ?? [];
    const code = { programs: [{ argv: [program] as const }], args: ['-c', snippet.code], shellArgs: '' };
    this.#recording = services.records?.begin(crypto.randomUUID(), { ...request, ...code });
    const result = await running;
    if (this.#run.sandboxId) this.#recording?.inSandbox();
    this.#recording?.end({ ...result, ...(this.#run.sandboxId && { sandboxId: this.#run.sandboxId }) }, undefined);
    this.#recording = undefined;
    return result;
  }

  async #runOne(snippet: Snippet): Promise<RunResult> {
    const { interpreter, output } = this.#options;
    output.code(snippet);
    const ended = this.ended.then((result): RunResult => {
      return result.outcome === 'exited' ? failed(describeEnd(result)) : result;
    });
    const early = this.#isFirst && (await Promise.race([this.#current.done.promise, ended]));
    if (typeof early === 'object') return early;
    this.#current = { number: this.#current.number + 1, done: Promise.withResolvers() };
    this.#hasPrinted = false;
    const notDelivered = this.#deliver(interpreter.frame(snippet, this.#marks.format(this.#current.number))).then(
      (delivered): Promise<RunResult> | RunResult => {
        if (delivered.outcome !== 'exited') return delivered;
        if (delivered.exitCode === 0) return new Promise<never>(() => {});
        // A process without a pipe is usually about to exit, and its result says why.
        return Promise.race([ended, sleep(END_TIMEOUT_MS, failed(strings.sessionClosed()))]);
      },
    );
    const outcome = await Promise.race([this.#current.done.promise, notDelivered, ended]);
    return typeof outcome === 'number' ? exited(outcome) : outcome;
  }

  /** Syncs the folder, and then passes text to the process. */
  async #deliver(text: string): Promise<RunResult> {
    const { request, services, output } = this.#options;
    const { sandboxId } = this.#run;
    if (!sandboxId) throw new UserError(strings.sessionSandboxStopped());
    const streams = {
      status: (line: string) => output.status(line),
      progress: (line: string) => output.progress(line),
      synced: (result: PushResult) => {
        for (const line of changesIn(result)) output.status(line);
      },
      stdout: () => {},
      stderr: () => {},
    };
    const programs = [{ argv: ['sh', '-c', DELIVER] as const }];
    // The process itself was started with a sync, which the first snippet doesn't have to repeat.
    const sync = request.sync && !this.#isFirst;
    this.#isFirst = false;
    this.#delivery = new Run(
      { ...request, programs, args: [this.#pipe], cwd: '/', env: {}, pty: false, sync, sandboxId, record: 'none' },
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
    return failed(strings.sessionIdle(idle));
  }
}

/** Returns the lines that report a sync, without the first one if nothing was sent. */
function changesIn(result: PushResult): string[] {
  return syncReport(result).slice(result.files === 0 && result.deleted === 0 ? 1 : 0);
}
