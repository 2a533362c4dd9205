import * as vscode from 'vscode';
import { cleanLine } from '../../../base/text.ts';
import { folderOfScope } from '../../common/folders.ts';
import { readSettings } from '../../common/settings.ts';
import type { RunRequests } from '../run-requests.ts';
import type { RunTerminals } from '../run-terminals.ts';
import { problemMatchersOf } from './problem-matchers.ts';
import type { OutputWatcher } from './task-problems.ts';

/** The maximum length of a task's name, which is also its terminal's. */
const MAX_NAME_CHARS = 300;

type Scope = vscode.WorkspaceFolder | vscode.TaskScope;

/** Creates VS Code tasks that run `modal` definitions. */
export class ModalTasks {
  readonly #terminals: RunTerminals;
  readonly #requests: RunRequests;

  constructor(terminals: RunTerminals, requests: RunRequests) {
    this.#terminals = terminals;
    this.#requests = requests;
  }

  /** Creates a task. Each of its runs calls `watch` for a watcher of the output. */
  create(
    definition: vscode.TaskDefinition,
    scope: Scope,
    name: string,
    watch: () => OutputWatcher | undefined = () => undefined,
  ): vscode.Task {
    return createTask(definition, scope, name, async (resolved) => {
      const folder = folderOfScope(scope);
      const localPrefix = folder && problemMatchersOf(folder, name)?.localPrefix;
      return this.#terminals.create(() => this.#requests.forTask(resolved, folder, name), localPrefix, watch());
    });
  }
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
