import * as vscode from 'vscode';
import { TASK_TYPE } from '../../../run/task-definition.ts';
import type { ShellWord } from '../../../run/tasks/command-line.ts';
import type { TaskCommand, TaskReference } from '../../../run/tasks/tasks-json.ts';
import {
  configurationOf,
  configuredTasks,
  isCustom,
  isOfScope,
  matchesDefinition,
  type ScopedTask,
  scopeKey,
} from './configured-tasks.ts';
import type { Scope } from './modal-tasks.ts';

/** A task of the workspace. */
export interface Candidate {
  /** Identifies the task in this window. */
  readonly key: string;
  readonly name: string;
  readonly scope: Scope;
  /** What tasks.json says about it. */
  readonly configured: ScopedTask | undefined;
  /** VS Code's task; undefined if VS Code doesn't offer it on this computer. */
  readonly task: vscode.Task | undefined;
  /** Undefined for a task that only depends on others, and for one that can run only in its own way. */
  readonly command: TaskCommand | undefined;
}

/** Returns the workspace's tasks: those of tasks.json and those that extensions contribute, such as npm's. */
export async function findCandidates(): Promise<Candidate[]> {
  const configured = configuredTasks();
  const fetched = await vscode.tasks.fetchTasks();
  const custom = configured.flatMap((each) => {
    if (!each.isCustom || each.label === undefined) return [];
    const task = fetched.find((one) => isCustom(one) && one.name === each.label && isOfScope(one, each.scope));
    return [candidate(each.label, each.scope, each, task, each.command)];
  });
  const contributed = fetched.flatMap((task) => {
    if (isCustom(task)) return [];
    const own = configurationOf(task, configured);
    return [candidate(task.name, task.scope ?? vscode.TaskScope.Workspace, own, task, commandOf(task, own))];
  });
  return [...custom, ...contributed];
}

/** Returns true for a task that can run in a sandbox. Of those written for that, only the ones of tasks.json count. */
export function isOffered({ task, command, configured }: Candidate): boolean {
  if (task?.definition.type === TASK_TYPE) return configured !== undefined;
  return command !== undefined || configured?.isCustom === true;
}

/** Finds the task that another one depends on. */
export function dependencyOf(
  reference: TaskReference,
  { scope }: Candidate,
  candidates: readonly Candidate[],
): Candidate | undefined {
  // First those of the same tasks.json.
  const near = [...candidates].sort((a, b) => rank(a) - rank(b));
  return near.find(({ name, configured, task }) => {
    if (typeof reference !== 'string') return task !== undefined && matchesDefinition(reference, task.definition);
    return (
      name === reference || configured?.identifier === reference || (task && `${task.source}: ${name}` === reference)
    );
  });

  function rank(each: Candidate): number {
    return scopeKey(each.scope) === scopeKey(scope) ? (each.configured ? 0 : 1) : 2;
  }
}

function candidate(
  name: string,
  scope: Scope,
  configured: ScopedTask | undefined,
  task: vscode.Task | undefined,
  command: TaskCommand | undefined,
): Candidate {
  const type = task?.definition.type ?? '';
  return { key: [scopeKey(scope), type, name].join('\n'), name, scope, configured, task, command };
}

const QUOTING = {
  [vscode.ShellQuoting.Escape]: 'escape',
  [vscode.ShellQuoting.Strong]: 'strong',
  [vscode.ShellQuoting.Weak]: 'weak',
} as const;

/** Returns the command line of a contributed task, with the options that tasks.json gives it. */
function commandOf({ execution }: vscode.Task, configured: ScopedTask | undefined): TaskCommand | undefined {
  const own = configured?.options;
  if (execution instanceof vscode.ShellExecution) {
    const { command, commandLine, args = [], options } = execution;
    const { executable, shellArgs, shellQuoting } = options ?? {};
    const quoting = shellQuoting && {
      escape: shellQuoting.escape,
      strong: shellQuoting.strong,
      weak: shellQuoting.weak,
    };
    const shell = executable || shellArgs || quoting ? { executable, args: shellArgs, quoting } : undefined;
    return {
      kind: 'shell',
      command: commandLine ?? shellWord(command ?? ''),
      args: args.map(shellWord),
      cwd: own?.cwd ?? options?.cwd,
      env: { ...options?.env, ...own?.env },
      shell: own?.shell || shell ? { ...shell, ...own?.shell } : undefined,
    };
  }
  if (execution instanceof vscode.ProcessExecution) {
    const { process, args, options } = execution;
    const env = { ...options?.env, ...own?.env };
    return { kind: 'process', command: process, args, cwd: own?.cwd ?? options?.cwd, env, shell: undefined };
  }
  return undefined;
}

function shellWord(word: string | vscode.ShellQuotedString): ShellWord {
  return typeof word === 'string' ? word : { value: word.value, quoting: QUOTING[word.quoting] };
}
