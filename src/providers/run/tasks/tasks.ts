import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import type { RunRequest } from '../../../run/request.ts';
import { CANCELED, type RunResult } from '../../../run/result.ts';
import { commandOf } from '../../../run/targets/command.ts';
import { findPackageScripts } from '../../../run/targets/package-json.ts';
import { TASK_TYPE } from '../../../run/task-definition.ts';
import { diskFolders } from '../../common/folders.ts';
import { readSettings } from '../../common/settings.ts';
import { type RunRequests, siblingsOf } from '../run-requests.ts';
import type { RunTerminal } from '../run-terminal.ts';
import type { RunTerminals } from '../run-terminals.ts';
import { problemMatchersOf } from './problem-matchers.ts';
import { type OutputWatcher, TaskProblems } from './task-problems.ts';

/** VS Code ends a task just after its terminal; this is the most that is waited for it. */
const TASK_END_TIMEOUT_MS = 5_000;

/** Carries every run as a task of VS Code's own, so that re-run, panels and 'Terminate Task' are VS Code's. */
export class RunTasks implements vscode.TaskProvider, vscode.Disposable {
  readonly #terminals: RunTerminals;
  readonly #requests: RunRequests;
  readonly #problems = new TaskProblems();
  /** What runs, by folder and name. */
  readonly #active = new Map<string, vscode.TaskExecution>();

  constructor(terminals: RunTerminals, requests: RunRequests) {
    this.#terminals = terminals;
    this.#requests = requests;
  }

  dispose(): void {
    this.#problems.dispose();
  }

  /** The active file, and the scripts of each folder's package.json. */
  async provideTasks(): Promise<vscode.Task[]> {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: VS Code's own variable
    const file = { type: TASK_TYPE, file: '${file}' };
    const folders = diskFolders();
    const scripts = await Promise.all(folders.map((folder) => this.#packageScripts(folder)));
    return [
      ...folders.slice(0, 1).map((folder) => this.#configured(file, folder, 'Run Active File')),
      ...scripts.flat(),
    ];
  }

  /** Gives a task of tasks.json its execution; VS Code resolves `${file}` and its like before it starts. */
  resolveTask(task: vscode.Task): vscode.Task {
    return this.#configured(task.definition, task.scope ?? vscode.TaskScope.Workspace, task.name);
  }

  /** Starts a task made of a definition with VS Code's variables in it, under the name of the task it stands for. */
  async start(
    definition: vscode.TaskDefinition,
    folder: vscode.WorkspaceFolder,
    name: string,
  ): Promise<vscode.TaskExecution> {
    const task = this.#configured(definition, folder, name, () => this.#problems.watch(folder, name));
    task.problemMatchers = [...(problemMatchersOf(folder, name)?.names ?? [])];
    return vscode.tasks.executeTask(task);
  }

  async #packageScripts(folder: vscode.WorkspaceFolder): Promise<vscode.Task[]> {
    const uri = vscode.Uri.joinPath(folder.uri, 'package.json');
    const text = await vscode.workspace.fs.readFile(uri).then(
      (bytes) => new TextDecoder().decode(bytes),
      () => '',
    );
    return findPackageScripts(text).flatMap((target) => {
      const command = commandOf(target, 'package.json', siblingsOf(uri));
      const [program, ...before] = command?.programs[0]?.argv ?? [];
      if (!command || !program) return [];
      return [
        this.#configured(
          { type: TASK_TYPE, command: program, args: [...before, ...command.args] },
          folder,
          command.label,
        ),
      ];
    });
  }

  #configured(
    definition: vscode.TaskDefinition,
    scope: vscode.WorkspaceFolder | vscode.TaskScope,
    name: string,
    watch: () => OutputWatcher | undefined = () => undefined,
  ): vscode.Task {
    return taskOf(definition, scope, name, async (resolved) => {
      const folder = typeof scope === 'object' ? scope : diskFolders()[0];
      const localPrefix = folder && problemMatchersOf(folder, name)?.localPrefix;
      return this.#terminals.create(() => this.#requests.forTask(resolved, folder, name), localPrefix, watch());
    });
  }

  /**
   * Runs a request in a terminal of its own and resolves when VS Code has ended its task. `again` makes the request anew
   * when the task is re-run. A task that still runs is ended only by the user's word.
   */
  async run(request: RunRequest, again: () => Promise<RunRequest>): Promise<RunResult> {
    const name = await this.#freeName(request);
    if (name === undefined) return CANCELED;
    const opened = Promise.withResolvers<RunTerminal>();
    let isFirst = true;
    // VS Code tells running tasks apart by their definitions alone, also those of different folders.
    const definition = { type: TASK_TYPE, file: join(request.folder.path, name) };
    const task = taskOf(definition, scopeOf(request), name, async () => {
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
    // The terminal's own word comes first, where there is one: a task may be ended before it has a terminal.
    const result = await Promise.race([opened.promise.then((terminal) => terminal.ended), taskEnded]);
    await Promise.race([taskEnded, sleep(TASK_END_TIMEOUT_MS)]);
    return result;
  }

  /** The request's label, or a variation of it when a task of that name runs and shall go on. */
  async #freeName(request: RunRequest): Promise<string | undefined> {
    const { label } = request;
    const active = (name: string) => this.#active.get(keyOf(request, name));
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
}

function keyOf({ folder }: RunRequest, name: string): string {
  return `${folder.path}\n${name}`;
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
    focus: readSettings().terminal.focus,
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
