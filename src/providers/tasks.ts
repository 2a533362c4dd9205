import * as vscode from 'vscode';
import { z } from 'zod';
import type { RunRequest, RunResult } from '../run/run.ts';
import type { Sessions } from '../session/sessions.ts';
import { requestForFile } from './run-request.ts';
import { RunTerminal } from './run-terminal.ts';

export const TASK_TYPE = 'modal';

/** A `modal` task as written in tasks.json. */
const TaskSchema = z.object({
  type: z.literal(TASK_TYPE),
  file: z.string().min(1),
  args: z.array(z.string()).default([]),
});

/** Carries every run as a task of VS Code's own, so that re-run, panels and 'Terminate Task' are VS Code's. */
export class RunTasks implements vscode.TaskProvider, vscode.Disposable {
  readonly #sessions: Sessions;
  readonly #text = new vscode.EventEmitter<{ runId: string; data: string }>();
  readonly onDidWriteOutput = this.#text.event;

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
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
   * Runs a request in a terminal of its own and resolves when it has ended. `again` makes the request anew when the task
   * is re-run.
   */
  async run(request: RunRequest, again: () => Promise<RunRequest>): Promise<RunResult> {
    const opened = Promise.withResolvers<RunTerminal>();
    let isFirst = true;
    const definition = { type: TASK_TYPE, file: request.label };
    const scope =
      vscode.workspace.getWorkspaceFolder(vscode.Uri.file(request.folder.path)) ?? vscode.TaskScope.Workspace;
    const task = taskOf(definition, scope, request.label, async () => {
      const terminal = this.#terminal(isFirst ? async () => request : again);
      isFirst = false;
      opened.resolve(terminal);
      return terminal;
    });
    const execution = await vscode.tasks.executeTask(task);
    const ended = opened.promise.then((terminal) => terminal.ended);
    return Promise.race([ended, endOf(execution, ended)]);
  }

  #terminal(request: () => Promise<RunRequest>): RunTerminal {
    return new RunTerminal({
      request,
      sessions: this.#sessions,
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

/** Resolves when VS Code has ended a task that never got as far as its terminal. */
function endOf(execution: vscode.TaskExecution, ended: Promise<unknown>): Promise<RunResult> {
  return new Promise((resolve) => {
    const listener = vscode.tasks.onDidEndTask((event) => {
      if (event.execution !== execution) return;
      listener.dispose();
      // The terminal's own word comes first, where there is one.
      setImmediate(() => resolve({ error: 'Cancelled.' }));
    });
    void ended.then(() => listener.dispose());
  });
}
