import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import type { RunOutputEvent } from '../../api/api.ts';
import type { RunRequest } from '../../run/request.ts';
import type { Interpreter } from '../../run/selection/interpreters.ts';
import type { RunServices } from '../../run/services.ts';
import { RunTerminal } from './run-terminal.ts';
import { SelectionTerminal } from './selection/selection-terminal.ts';
import type { OutputWatcher } from './tasks/task-problems.ts';

/** Makes the terminals of runs, and tells what all of them show. */
export class RunTerminals implements vscode.Disposable {
  readonly #services: RunServices;
  readonly #output = new vscode.EventEmitter<RunOutputEvent>();
  readonly onDidWriteOutput = this.#output.event;

  constructor(services: RunServices) {
    this.#services = services;
  }

  dispose(): void {
    this.#output.dispose();
  }

  /**
   * A terminal that runs a request when VS Code opens it; errors of making the request are shown in it. With a
   * `localPrefix`, it takes the place of `/workspace/` in the output; `watcher` sees the output without that.
   */
  create(request: () => Promise<RunRequest>, localPrefix?: string, watcher?: OutputWatcher): RunTerminal {
    return new RunTerminal({ ...this.#common(request), localPrefix, watcher });
  }

  /** A terminal outside of any task, which goes when the request's program ends. */
  createShell(request: () => Promise<RunRequest>): RunTerminal {
    return new RunTerminal({ ...this.#common(request), localPrefix: undefined, isRemovedOnClose: true });
  }

  /** A terminal for processes that are kept for selections. */
  createForSelections(interpreter: Interpreter, onClose: () => void): SelectionTerminal {
    const runId = randomUUID();
    return new SelectionTerminal({
      interpreter,
      services: this.#services,
      onText: (data) => this.#output.fire({ runId, data }),
      onClose,
    });
  }

  #common(request: () => Promise<RunRequest>) {
    return {
      request,
      services: this.#services,
      onText: (runId: string, data: string) => this.#output.fire({ runId, data }),
    };
  }
}
