import * as vscode from 'vscode';
import { type CommandToRun, TASK_TYPE } from '../../../run/task-definition.ts';
import type { Matcher } from '../../../run/tasks/matcher.ts';
import { type CommandDefinition, CommandDefinitionSchema, type TaskCommand } from '../../../run/tasks/tasks-json.ts';
import { diskFolders, folderOfScope, requireFolder } from '../../common/folders.ts';
import { window } from '../../common/window.ts';
import { type RunRequests, taskPlace } from '../run-requests.ts';
import type { RunTerminal } from '../run-terminal.ts';
import type { RunTerminals } from '../run-terminals.ts';
import { strings } from '../strings.ts';
import { variablesRead } from './configured-tasks.ts';
import { defaultShells } from './default-shells.ts';
import { createTask, presentationOf } from './modal-tasks.ts';
import { type ProblemMatchers, problemMatchersOf } from './problem-matchers.ts';
import type { Candidate } from './task-candidates.ts';
import { TaskProblems, type WatchOptions } from './task-problems.ts';

/** A task that has started. */
export interface StartedTask {
  /**
   * Resolves with the exit code when tasks that depend on this one can start: when it has ended, or, for a background
   * task, when its work is done.
   */
  readonly ready: Promise<number | undefined>;
}

interface RunningTask extends StartedTask {
  readonly instance: number;
  readonly execution: vscode.TaskExecution;
  readonly ended: Promise<number | undefined>;
}

/** Starts the workspace's own tasks in sandboxes, each as a VS Code task. */
export class SandboxTasks implements vscode.Disposable {
  readonly #terminals: RunTerminals;
  readonly #requests: RunRequests;
  readonly #problems = new TaskProblems();
  /** The running tasks, by candidate, the oldest first. */
  readonly #running = new Map<string, readonly RunningTask[]>();

  constructor(terminals: RunTerminals, requests: RunRequests) {
    this.#terminals = terminals;
    this.#requests = requests;
  }

  dispose(): void {
    this.#problems.dispose();
  }

  /** Starts a task. If others depend on it and it is running already, that run counts. */
  async start(candidate: Candidate, isDependency: boolean): Promise<StartedTask> {
    const { key, task, command } = candidate;
    const running = this.#running.get(key) ?? [];
    const newest = running.at(-1);
    if (isDependency && newest) return newest;
    if (!command) return execute(task as vscode.Task);
    const instance = await this.#freeInstance(candidate, running);
    if (instance === undefined) return { ready: Promise.resolve(undefined) };
    const workDone = Promise.withResolvers<number>();
    const { execution, ready: ended } = await execute(
      this.#create(candidate, command, instance, () => workDone.resolve(0)),
    );
    const started = {
      instance,
      execution,
      ended,
      ready: execution.task.isBackground ? Promise.race([ended, workDone.promise]) : ended,
    };
    this.#running.set(key, [...(this.#running.get(key) ?? []), started]);
    void ended.then(() => {
      const others = (this.#running.get(key) ?? []).filter((each) => each !== started);
      this.#running.set(key, others);
    });
    return started;
  }

  #create(candidate: Candidate, command: TaskCommand, instance: number, onReady: () => void): vscode.Task {
    const { key, name, scope, configured, task: original } = candidate;
    const matchers = problemMatchersOf(configured?.matchers ?? original?.problemMatchers ?? []);
    const locations = matchers.own.map(({ location: { folders, exclude } }) => ({ folders, exclude }));
    const definition = { type: TASK_TYPE, workspaceTask: { command, locations, instance } };
    const task = createTask(definition, scope, name, async (resolved) => {
      const filled = CommandDefinitionSchema.parse(resolved.workspaceTask);
      const toRun = { command: filled.command, original: command.command, defaultShells: defaultShells() };
      const { isBackground } = task;
      return this.#open(
        `${key}\n${instance}`,
        toRun,
        filled,
        matchers,
        { ...candidate, command },
        { isBackground, onReady },
      );
    });
    task.isBackground = configured?.isBackground ?? original?.isBackground ?? false;
    task.problemMatchers = [...matchers.names];
    task.presentationOptions = configured?.isCustom
      ? presentationOf(configured.presentation)
      : (original?.presentationOptions ?? presentationOf({}));
    task.runOptions = { reevaluateOnRerun: configured?.reevaluateOnRerun ?? true };
    return task;
  }

  #open(
    key: string,
    command: CommandToRun,
    { locations }: CommandDefinition,
    matchers: ProblemMatchers,
    { name, scope, command: written }: Candidate,
    background: Pick<WatchOptions, 'isBackground' | 'onReady'>,
  ): RunTerminal {
    // Errors are shown in the terminal.
    const prepared = attempt(() => {
      const workspaceFolder = requireFolder(folderOfScope(scope));
      return { workspaceFolder, place: taskPlace(workspaceFolder, command.command.cwd) };
    });
    if ('error' in prepared) return this.#terminals.create(() => Promise.reject(prepared.error));
    const { workspaceFolder, place } = prepared.value;
    const folder = place.folder.path;
    const watcher = this.#problems.watch({
      key,
      matchers: matchers.own.map((matcher, index) => withLocation(matcher, locations[index])),
      folder,
      workspaceFolders: diskFolders().map(({ uri }) => uri.fsPath),
      ...background,
    });
    const request = () =>
      this.#requests.forCommand(command, place, workspaceFolder, { name, reads: variablesRead(written, scope) });
    return this.#terminals.create(request, matchers.names.length > 0 ? '' : undefined, watcher);
  }

  /** Returns the number of the next run of a task; undefined if it must not start. */
  async #freeInstance({ name, configured }: Candidate, running: readonly RunningTask[]): Promise<number | undefined> {
    const limit = configured?.instanceLimit ?? 1;
    const numbers = running.map(({ instance }) => instance);
    if (running.length < limit) return Math.max(0, ...numbers) + 1;
    const policy = configured?.instancePolicy?.toLowerCase();
    if (policy === 'silent') return undefined;
    if (policy === 'warn') {
      void window.showWarningMessage(strings.instanceLimit(name, limit));
      return undefined;
    }
    const oldest = running[0];
    const newest = running.at(-1);
    const toStop = policy === 'terminateoldest' ? oldest : policy === 'terminatenewest' ? newest : undefined;
    // VS Code asks what to do if a task with the same definition is running.
    if (!toStop) return newest?.instance;
    toStop.execution.terminate();
    await toStop.ended;
    return toStop.instance;
  }
}

function withLocation(matcher: Matcher, location: CommandDefinition['locations'][number] | undefined): Matcher {
  return { ...matcher, location: { ...matcher.location, ...location } };
}

/** Executes a VS Code task. `ready` resolves with its exit code when it has ended. */
async function execute(task: vscode.Task): Promise<StartedTask & { execution: vscode.TaskExecution }> {
  const exitCodes = new Map<vscode.TaskExecution, number | undefined>();
  const ended = new Set<vscode.TaskExecution>();
  const ready = Promise.withResolvers<number | undefined>();
  let own: vscode.TaskExecution | undefined;
  const check = () => {
    if (!own || !ended.has(own)) return;
    listening.dispose();
    ready.resolve(exitCodes.get(own));
  };
  // A task can end before VS Code has returned its execution.
  const listening = vscode.Disposable.from(
    vscode.tasks.onDidEndTaskProcess(({ execution, exitCode }) => exitCodes.set(execution, exitCode)),
    vscode.tasks.onDidEndTask(({ execution }) => {
      ended.add(execution);
      check();
    }),
  );
  own = await vscode.tasks.executeTask(task);
  check();
  return { execution: own, ready: ready.promise };
}

function attempt<T>(action: () => T): { value: T } | { error: unknown } {
  try {
    return { value: action() };
  } catch (error) {
    return { error };
  }
}
