import * as vscode from 'vscode';
import { UserError } from '../../../base/errors.ts';
import { shellLine, TASK_TYPE } from '../../../run/task-definition.ts';
import { folderOfScope, requireFolder } from '../../common/folders.ts';
import { shown } from '../../common/progress.ts';
import { window } from '../../common/window.ts';
import { strings } from '../strings.ts';
import type { ModalTasks } from './modal-tasks.ts';
import { problemMatchersOf } from './problem-matchers.ts';
import { TaskProblems } from './task-problems.ts';

/** Runs the workspace's own tasks in sandboxes. */
export class WorkspaceTasks implements vscode.Disposable {
  readonly #tasks: ModalTasks;
  readonly #problems = new TaskProblems();

  constructor(tasks: ModalTasks) {
    this.#tasks = tasks;
  }

  dispose(): void {
    this.#problems.dispose();
  }

  /**
   * `modal.runTask`: runs a shell or process task of the workspace in the sandbox, with the options, problem matchers, and
   * inputs that tasks.json gives it. Asks which one if there is no name. Resolves when it has started.
   */
  async run(name?: string): Promise<void> {
    await shown(async () => {
      const candidates = await findTasks();
      if (candidates.length === 0) throw new UserError(strings.noTasks());
      const picked = name ? candidates.find(({ task }) => task.name === name) : await pickTask(candidates);
      if (picked) await this.#start(picked, requireFolder(folderOfScope(picked.task.scope)));
    });
  }

  async #start({ task: { name }, definition }: Candidate, folder: vscode.WorkspaceFolder): Promise<void> {
    const task = this.#tasks.create(definition, folder, name, () => this.#problems.watch(folder, name));
    task.problemMatchers = [...(problemMatchersOf(folder, name)?.names ?? [])];
    await vscode.tasks.executeTask(task);
  }
}

/** A task of the workspace with the `modal` definition that does the same in a sandbox. */
interface Candidate {
  readonly task: vscode.Task;
  readonly definition: vscode.TaskDefinition;
}

async function findTasks(): Promise<Candidate[]> {
  return (await vscode.tasks.fetchTasks()).flatMap((task) => {
    const definition = definitionOf(task.execution);
    return definition ? [{ task, definition }] : [];
  });
}

async function pickTask(candidates: readonly Candidate[]): Promise<Candidate | undefined> {
  const items = candidates.map(({ task, definition }) => {
    return { task, definition, label: task.name, description: task.source, detail: task.detail ?? '' };
  });
  return window.showQuickPick(items, {
    title: strings.runTaskTitle(),
    placeHolder: strings.runTaskPlaceholder(),
  });
}

/** Returns the `modal` definition for an execution; undefined for those that aren't a command line. */
function definitionOf(execution: vscode.Task['execution']): vscode.TaskDefinition | undefined {
  if (execution instanceof vscode.ShellExecution) {
    const { command, args = [], commandLine, options } = execution;
    const script = commandLine ?? shellLine([command ?? '', ...args].map(shellWord));
    return { type: TASK_TYPE, script, ...optionsOf(options) };
  }
  if (execution instanceof vscode.ProcessExecution) {
    const { process: command, args, options } = execution;
    return { type: TASK_TYPE, command, args, ...optionsOf(options) };
  }
  return undefined;
}

function optionsOf(options: vscode.ShellExecutionOptions | vscode.ProcessExecutionOptions | undefined) {
  return { ...(options?.cwd && { cwd: options.cwd }), ...(options?.env && { env: options.env }) };
}

const QUOTING = {
  [vscode.ShellQuoting.Escape]: 'escape',
  [vscode.ShellQuoting.Strong]: 'strong',
  [vscode.ShellQuoting.Weak]: 'weak',
} as const;

function shellWord(word: string | vscode.ShellQuotedString) {
  return typeof word === 'string' ? word : { value: word.value, quoting: QUOTING[word.quoting] };
}
