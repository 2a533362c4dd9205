import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import type { RunRequest } from '../../../run/request.ts';
import { CANCELED, type RunResult } from '../../../run/result.ts';
import { TASK_TYPE } from '../../../run/task-definition.ts';
import { window } from '../../common/window.ts';
import type { RunTerminal } from '../run-terminal.ts';
import type { RunTerminals } from '../run-terminals.ts';
import { strings } from '../strings.ts';
import { createTask } from './modal-tasks.ts';

/** VS Code ends a task just after its terminal. This is the longest wait for it. */
const TASK_END_TIMEOUT_MS = 5_000;

/** Runs requests as VS Code tasks, so that rerunning, panels and “Terminate Task” work as for any task. */
export class RunTasks {
  readonly #terminals: RunTerminals;
  /** The running tasks, by folder and name. */
  readonly #active = new Map<string, vscode.TaskExecution>();

  constructor(terminals: RunTerminals) {
    this.#terminals = terminals;
  }

  /**
   * Runs a request in its own terminal. Resolves when VS Code has ended the task. `again` creates the request for a
   * rerun. A task that is still running is stopped only if the user agrees.
   */
  async run(request: RunRequest, again: () => Promise<RunRequest>): Promise<RunResult> {
    const name = await this.#freeName(request);
    if (name === undefined) return CANCELED;
    const opened = Promise.withResolvers<RunTerminal>();
    let isFirst = true;
    // VS Code distinguishes running tasks only by their definitions, even those of different folders.
    const definition = { type: TASK_TYPE, file: join(request.folder.path, name) };
    const task = createTask(definition, scopeOf(request), name, async () => {
      const terminal = this.#terminals.create(isFirst ? async () => request : again);
      isFirst = false;
      opened.resolve(terminal);
      return terminal;
    });
    const execution = await vscode.tasks.executeTask(task);
    const key = keyOf(request, name);
    this.#active.set(key, execution);
    const taskEnded = endOf(execution).then((): RunResult => {
      if (this.#active.get(key) === execution) this.#active.delete(key);
      return CANCELED;
    });
    // The terminal's result wins, if there is one: a task can end before it has a terminal.
    const result = await Promise.race([opened.promise.then((terminal) => terminal.ended), taskEnded]);
    await Promise.race([taskEnded, sleep(TASK_END_TIMEOUT_MS)]);
    return result;
  }

  /**
   * Returns the request's label, or a variant of it if a task of that name keeps running; undefined if the user
   * cancels.
   */
  async #freeName(request: RunRequest): Promise<string | undefined> {
    const { label } = request;
    const active = (name: string) => this.#active.get(keyOf(request, name));
    const running = active(label);
    if (!running) return label;
    const [restart, both] = [strings.stopAndRunAgain(), strings.runBoth()];
    const pressed = await window.showWarningMessage(strings.stillRunning(label), restart, both);
    if (pressed === restart) {
      running.terminate();
      if (active(label)) await endOf(running);
      return label;
    }
    if (pressed !== both) return undefined;
    let count = 2;
    while (active(`${label} (${count})`)) count += 1;
    return `${label} (${count})`;
  }
}

function keyOf({ folder }: RunRequest, name: string): string {
  return `${folder.path}\n${name}`;
}

function scopeOf({ folder }: RunRequest): vscode.WorkspaceFolder | vscode.TaskScope {
  return vscode.workspace.getWorkspaceFolder(vscode.Uri.file(folder.path)) ?? vscode.TaskScope.Workspace;
}

/** Resolves when VS Code has ended a task. */
function endOf(execution: vscode.TaskExecution): Promise<void> {
  return new Promise((resolve) => {
    const listener = vscode.tasks.onDidEndTask((event) => {
      if (event.execution !== execution) return;
      listener.dispose();
      resolve();
    });
  });
}
