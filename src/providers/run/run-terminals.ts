import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import type { RunOutputEvent } from '../../api/api.ts';
import type { RunRequest } from '../../run/request.ts';
import type { RunResult } from '../../run/result.ts';
import type { Interpreter } from '../../run/selection/interpreters.ts';
import type { RunServices } from '../../run/services.ts';
import { RunTerminal } from './run-terminal.ts';
import { SelectionTerminal } from './selection/selection-terminal.ts';
import type { OutputWatcher } from './tasks/task-problems.ts';

/** Creates the terminals of runs, and reports the text that all of them show. */
export class RunTerminals implements vscode.Disposable {
  readonly #services: RunServices;
  readonly #output = new vscode.EventEmitter<RunOutputEvent>();
  readonly onDidWriteOutput = this.#output.event;
  readonly #left = new vscode.EventEmitter<string>();
  /** Fires with the ID of a run whose terminal was closed, and whose program continues. */
  readonly onDidLeave = this.#left.event;
  readonly #closed = new vscode.EventEmitter<RunTerminal>();
  /** Fires when the terminal of a program that has been running for a while was closed. It continues until it's canceled. */
  readonly onDidClose = this.#closed.event;
  readonly #open = new Set<RunTerminal>();

  constructor(services: RunServices) {
    this.#services = services;
  }

  dispose(): void {
    this.#output.dispose();
    this.#left.dispose();
    this.#closed.dispose();
  }

  /**
   * Creates a terminal that runs a request when VS Code opens it, and shows errors from building the request.
   * `localPrefix` replaces `/workspace/` in the output; `watcher` receives the output without that.
   */
  create(request: () => Promise<RunRequest>, localPrefix?: string, watcher?: OutputWatcher): RunTerminal {
    const onClosed = (closed: RunTerminal) => this.#closed.fire(closed);
    const terminal = new RunTerminal({ ...this.#common(request), localPrefix, watcher, onClosed });
    this.#open.add(terminal);
    void terminal.ended.then(() => this.#open.delete(terminal));
    return terminal;
  }

  /** The terminals of tasks whose programs are running. */
  get running(): RunTerminal[] {
    return [...this.#open].filter(({ isRunning }) => isRunning);
  }

  /** Creates a terminal that belongs to no task and closes when the program ends. */
  createShell(request: () => Promise<RunRequest>): RunTerminal {
    const waitsForKey = ({ outcome }: RunResult) => outcome !== 'exited';
    return new RunTerminal({ ...this.#common(request), localPrefix: undefined, waitsForKey });
  }

  /** Creates a terminal that belongs to no task and shows the output of its program until a key is pressed. */
  createForProgram(request: () => Promise<RunRequest>): RunTerminal {
    return new RunTerminal({ ...this.#common(request), localPrefix: undefined, waitsForKey: () => true });
  }

  /** Creates a terminal for the persistent processes of selections. */
  createForSelections(interpreter: Interpreter, onClose: () => void): SelectionTerminal {
    const runId = randomUUID();
    return new SelectionTerminal({
      interpreter,
      services: this.#services,
      onText: (data) => this.#output.fire({ runId, data }),
      onClose,
    });
  }

  /** Reports text that a terminal shows. */
  onText(runId: string, data: string): void {
    this.#output.fire({ runId, data });
  }

  #common(request: () => Promise<RunRequest>) {
    return {
      request,
      services: this.#services,
      onText: (runId: string, data: string) => this.onText(runId, data),
      onLeft: (runId: string) => this.#left.fire(runId),
    };
  }
}
