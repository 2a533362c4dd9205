import * as vscode from 'vscode';
import { untilAborted } from '../../base/cancellation.ts';
import { LocalPaths } from '../../run/local-paths.ts';
import type { RunRequest } from '../../run/request.ts';
import { CANCELED, failureOf, type RunResult } from '../../run/result.ts';
import { Run } from '../../run/run.ts';
import { RunInput } from '../../run/run-input.ts';
import type { RunServices } from '../../run/services.ts';
import { summaryOf } from '../../run/summary.ts';
import { strings } from './strings.ts';
import type { OutputWatcher } from './tasks/task-problems.ts';
import { TerminalWriter } from './terminal-writer.ts';

/** VS Code reports that a terminal “failed to launch” if it fails within half a second of its start. */
const LAUNCH_PERIOD_MS = 750;
/** The user may have closed the terminal of a program that runs for longer without wanting to stop it. */
const LONG_RUN_MS = 30_000;

export interface RunTerminalOptions {
  /** Builds the request. Its errors are shown in the terminal. */
  readonly request: () => Promise<RunRequest>;
  readonly services: RunServices;
  /** Replaces `/workspace/` in the output for problem matchers; undefined leaves the output unchanged. */
  readonly localPrefix: string | undefined;
  /** Receives the program's output with the sandbox's own paths. */
  readonly watcher?: OutputWatcher | undefined;
  /** VS Code removes the terminal and its content when it closes, so these results stay until a key is pressed. */
  readonly waitsForKey?: (result: RunResult) => boolean;
  onText(runId: string, text: string): void;
  /** Called when the terminal has been closed and its program continues. */
  onLeft?(runId: string): void;
  /**
   * Called when the terminal of a program that has been running for a while has been closed. Without it, and for other
   * programs, that stops them.
   */
  onClosed?(terminal: RunTerminal): void;
}

/** The pseudoterminal of one run: passes text between VS Code and the run, and shows how it ended. */
export class RunTerminal implements vscode.Pseudoterminal {
  readonly #options: RunTerminalOptions;
  readonly #writer: TerminalWriter;
  readonly #close = new vscode.EventEmitter<number>();
  readonly #stdout = new TextDecoder();
  readonly #stderr = new TextDecoder();
  readonly #ended = Promise.withResolvers<RunResult>();
  readonly #paths: LocalPaths | undefined;
  readonly #input = new RunInput((text) => this.#writer.text(text));
  #run: Run | undefined;
  #openedAt = 0;
  #hasEnded = false;
  /** The time when the program started. */
  #startedAt: number | undefined;
  #label = '';
  /** Called on the next key press after the run has ended. */
  #onKey: (() => void) | undefined;

  readonly onDidWrite: vscode.Event<string>;
  readonly onDidClose = this.#close.event;
  /** Resolves with the result when the run has ended. */
  readonly ended = this.#ended.promise;

  constructor(options: RunTerminalOptions) {
    this.#options = options;
    this.#writer = new TerminalWriter((text) => options.onText(this.#run?.id ?? '', text));
    this.onDidWrite = this.#writer.onDidWrite;
    if (options.localPrefix !== undefined) this.#paths = new LocalPaths(options.localPrefix);
  }

  open(dimensions: vscode.TerminalDimensions | undefined): void {
    this.#openedAt = performance.now();
    if (dimensions) this.setDimensions(dimensions);
    void this.#start();
  }

  /** Stops the program. */
  cancel(): void {
    this.#input.cancel();
  }

  close(): void {
    const isLong = this.#startedAt !== undefined && performance.now() - this.#startedAt > LONG_RUN_MS;
    if (this.#run?.outlivesWindow && !this.#hasEnded) this.#options.onLeft?.(this.#run.id);
    else if (isLong && !this.#hasEnded && this.#options.onClosed) this.#options.onClosed(this);
    else this.cancel();
    this.#ended.resolve(CANCELED);
  }

  /** The ID of the run; undefined before it exists. */
  get runId(): string | undefined {
    return this.#run?.id;
  }

  /** The label of the run. */
  get label(): string {
    return this.#label;
  }

  /** True while its program is running. */
  get isRunning(): boolean {
    return this.#startedAt !== undefined && !this.#hasEnded;
  }

  /** Lets the program outlive the terminal and the window. Resolves with false if it isn't running. */
  async keep(): Promise<boolean> {
    return (await this.#run?.keep()) ?? false;
  }

  handleInput(text: string): void {
    if (this.#onKey) this.#onKey();
    else this.#input.write(text);
  }

  setDimensions(dimensions: vscode.TerminalDimensions): void {
    this.#input.resize({ columns: dimensions.columns, rows: dimensions.rows });
  }

  async #start(): Promise<void> {
    const result = await this.#result().catch(
      (error): RunResult => (this.#input.signal.aborted ? CANCELED : failureOf(error)),
    );
    this.#hasEnded = true;
    this.#writer.text(this.#stdout.decode());
    this.#writer.text(this.#stderr.decode());
    this.#writer.text(this.#paths?.end() ?? '');
    this.#options.watcher?.end();
    const { outcome, exitCode } = result;
    if (outcome === 'exited' && exitCode === 0) this.#writer.status(summaryOf(result));
    else this.#writer.error(summaryOf(result));
    this.#ended.resolve(result);
    // A program may have succeeded although its outputs couldn't be pulled.
    const code = outcome === 'exited' ? exitCode : exitCode || 1;
    if (this.#options.waitsForKey?.(result)) {
      this.#writer.status(strings.pressAnyKey());
      this.#onKey = () => this.#close.fire(0);
    } else {
      const launching = code === 0 ? 0 : this.#openedAt + LAUNCH_PERIOD_MS - performance.now();
      setTimeout(() => this.#close.fire(code), Math.max(launching, 0));
    }
  }

  async #result(): Promise<RunResult> {
    const request = await untilAborted(this.#options.request(), this.#input.signal);
    this.#label = request.label;
    const output = {
      status: (line: string) => this.#writer.status(line),
      progress: (line: string) => this.#writer.progress(line),
      started: () => {
        this.#startedAt = performance.now();
      },
      stdout: (bytes: Uint8Array) => this.#program(this.#stdout.decode(bytes, { stream: true }), request),
      stderr: (bytes: Uint8Array) => this.#program(this.#stderr.decode(bytes, { stream: true }), request),
    };
    const run = new Run(request, this.#options.services, output, this.#input.size);
    this.#run = run;
    this.#input.connect(run, request);
    return run.done;
  }

  /** A program without a terminal ends lines with just a newline, which a terminal treats as “one line down”. */
  #program(text: string, { pty }: RunRequest): void {
    this.#options.watcher?.feed(text);
    const local = this.#paths?.feed(text) ?? text;
    this.#writer.text(pty ? local : local.replaceAll(/\r?\n/g, '\r\n'));
  }
}
