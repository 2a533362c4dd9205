import { sep } from 'node:path';
import * as vscode from 'vscode';
import { cleanLine } from '../../../base/text.ts';
import type { Presentation } from '../../../run/tasks/tasks-json.ts';
import { folderOfScope } from '../../common/folders.ts';
import { readSettings } from '../../common/settings.ts';
import type { RunRequests } from '../run-requests.ts';
import type { RunTerminals } from '../run-terminals.ts';
import { configurationOf, configuredTasks, variablesRead } from './configured-tasks.ts';
import { takesAbsolutePaths } from './problem-matchers.ts';

/** The maximum length of a task's name, which is also its terminal's. */
const MAX_NAME_CHARS = 300;

export type Scope = vscode.WorkspaceFolder | vscode.TaskScope;

/** Creates VS Code tasks that run `modal` definitions. */
export class ModalTasks {
  readonly #terminals: RunTerminals;
  readonly #requests: RunRequests;

  constructor(terminals: RunTerminals, requests: RunRequests) {
    this.#terminals = terminals;
    this.#requests = requests;
  }

  create(definition: vscode.TaskDefinition, scope: Scope, name: string): vscode.Task {
    const task = createTask(definition, scope, name, async (resolved) => {
      const folder = folderOfScope(scope);
      // VS Code applies the matchers of this task itself, to the output that it sees.
      const matchers = configurationOf(task, configuredTasks())?.matchers ?? [];
      const localPrefix = matchers.length === 0 ? undefined : localPrefixOf(folder, matchers);
      return this.#terminals.create(
        () => this.#requests.forTask(resolved, folder, { name, reads: variablesRead(definition, scope) }),
        localPrefix,
      );
    });
    return task;
  }
}

/** Returns the text that replaces `/workspace/` for matchers that VS Code applies. */
function localPrefixOf(folder: vscode.WorkspaceFolder | undefined, matchers: readonly unknown[]): string {
  return folder && takesAbsolutePaths(matchers) ? folder.uri.fsPath + sep : '';
}

/** Creates a task that runs in the terminal that `open` returns. */
export function createTask(
  definition: vscode.TaskDefinition,
  scope: Scope,
  name: string,
  open: (resolved: vscode.TaskDefinition) => Promise<vscode.Pseudoterminal>,
): vscode.Task {
  const task = new vscode.Task(
    definition,
    scope,
    cleanLine(name, MAX_NAME_CHARS),
    'Modal',
    new vscode.CustomExecution(open),
  );
  task.presentationOptions = {
    reveal: vscode.TaskRevealKind.Always,
    panel: vscode.TaskPanelKind.Dedicated,
    focus: readSettings().terminal.focus,
    clear: true,
  };
  return task;
}

const REVEAL = {
  always: vscode.TaskRevealKind.Always,
  silent: vscode.TaskRevealKind.Silent,
  never: vscode.TaskRevealKind.Never,
} as const;
const PANEL = {
  shared: vscode.TaskPanelKind.Shared,
  dedicated: vscode.TaskPanelKind.Dedicated,
  new: vscode.TaskPanelKind.New,
} as const;

/** Returns the presentation of a workspace's own task, with VS Code's defaults. */
export function presentationOf(presentation: Presentation): vscode.TaskPresentationOptions {
  const { reveal = 'always', panel = 'shared', focus = readSettings().terminal.focus, clear = false } = presentation;
  const { echo = true, showReuseMessage = true, close = false } = presentation;
  return { reveal: REVEAL[reveal], panel: PANEL[panel], focus, clear, echo, showReuseMessage, close };
}
