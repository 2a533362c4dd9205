import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import { z } from 'zod';
import { CANCELLED, type RunRequest, type RunResult } from '../run/request.ts';
import type { RunServices } from '../run/run.ts';
import { requestForFile } from './run-request.ts';
import { RunTerminal } from './run-terminal.ts';

export const TASK_TYPE = 'modal';
/** VS Code ends a task just after its terminal; this is the most that is waited for it. */
const TASK_END_TIMEOUT_MS = 5_000;

/** A `modal` task as written in tasks.json. */
const TaskSchema = z.object({
  type: z.literal(TASK_TYPE),
  file: z.string().min(1),
  args: z.array(z.string()).default([]),
});

/** Carries every run as a task of VS Code's own, so that re-run, panels and 'Terminate Task' are VS Code's. */
export class RunTasks implements vscode.TaskProvider, vscode.Disposable {
  readonly #services: RunServices;
  /** What runs, by folder and name. */
  readonly #active = new Map<string, vscode.TaskExecution>();
  readonly #text = new vscode.EventEmitter<{ runId: string; data: string }>();
  readonly onDidWriteOutput = this.#text.event;

  constructor(services: RunServices) {
    this.#services = services;
  }

  dispose(): void {
    this.#text.dispose();
  }

  provideTasks(): vscode.Task[] {
    return [];
  }

  /** Gives a task of tasks.json its execution; VS Code resolves `${file}` and its like before it starts. */
  resolveTask(task: vscode.Task): vscode.Task | undefined {
    if (!TaskSchema.safeParse(task.definition).success) return undefined;
    const scope = task.scope ?? vscode.TaskScope.Workspace;
    return taskOf(task.definition, scope, task.name, async (resolved) => {
      const definition = TaskSchema.parse(resolved);
      const uri = vscode.Uri.file(definition.file);
      return this.#terminal(() => requestForFile(uri, definition.args));
    });
  }

  /**
   * Runs a request in a terminal of its own and resolves when VS Code has ended its task. `again` makes the request anew
   * when the task is re-run. A task that still runs is ended only by the user's word.
   */
  async run(request: RunRequest, again: () => Promise<RunRequest>): Promise<RunResult> {
    const name = await this.#freeName(request);
    if (name === undefined) return { error: CANCELLED };
    const opened = Promise.withResolvers<RunTerminal>();
    let isFirst = true;
    const definition = { type: TASK_TYPE, file: name };
    const task = taskOf(definition, scopeOf(request), name, async () => {
      const terminal = this.#terminal(isFirst ? async () => request : again);
      isFirst = false;
      opened.resolve(terminal);
      return terminal;
    });
    const execution = await vscode.tasks.executeTask(task);
    const run = { name: `${request.folder.path}\n${name}`, execution };
    this.#active.set(run.name, execution);
    const taskEnded = endOf(execution).then((): RunResult => {
      if (this.#active.get(run.name) === execution) this.#active.delete(run.name);
      return { error: CANCELLED };
    });
    // The terminal's own word comes first, where there is one: a task may be ended before it has a terminal.
    const result = await Promise.race([opened.promise.then((terminal) => terminal.ended), taskEnded]);
    await Promise.race([taskEnded, sleep(TASK_END_TIMEOUT_MS)]);
    return result;
  }

  /** The request's label, or a variation of it when a task of that name runs and shall go on. */
  async #freeName({ folder, label }: RunRequest): Promise<string | undefined> {
    const active = (name: string) => this.#active.get(`${folder.path}\n${name}`);
    const running = active(label);
    if (!running) return label;
    const restart = 'End It and Run Again';
    const both = 'Run Both';
    const pressed = await vscode.window.showWarningMessage(`“${label}” is still running.`, restart, both);
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

  #terminal(request: () => Promise<RunRequest>): RunTerminal {
    return new RunTerminal({
      request,
      services: this.#services,
      onText: (runId, data) => this.#text.fire({ runId, data }),
    });
  }
}

function taskOf(
  definition: vscode.TaskDefinition,
  scope: vscode.WorkspaceFolder | vscode.TaskScope,
  name: string,
  open: (resolved: vscode.TaskDefinition) => Promise<vscode.Pseudoterminal>,
): vscode.Task {
  const task = new vscode.Task(definition, scope, name, 'Modal', new vscode.CustomExecution(open));
  task.presentationOptions = {
    reveal: vscode.TaskRevealKind.Always,
    panel: vscode.TaskPanelKind.Dedicated,
    clear: true,
  };
  return task;
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
