import * as vscode from 'vscode';
import { projectsOf } from '../../../run/projects.ts';
import { commandOf } from '../../../run/targets/command.ts';
import { findPackageScripts } from '../../../run/targets/package-json.ts';
import { TASK_TYPE } from '../../../run/task-definition.ts';
import { diskFolders } from '../../common/folders.ts';
import { strings } from '../strings.ts';
import type { ModalTasks } from './modal-tasks.ts';

/** Offers `modal` tasks: the active file and the package.json scripts, and those of tasks.json. */
export class ModalTaskProvider implements vscode.TaskProvider {
  readonly #tasks: ModalTasks;

  constructor(tasks: ModalTasks) {
    this.#tasks = tasks;
  }

  /** Returns a task for the active file and one for each script in the folders' package.json files. */
  async provideTasks(): Promise<vscode.Task[]> {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: VS Code's own variable
    const file = { type: TASK_TYPE, file: '${file}' };
    const folders = diskFolders();
    const scripts = await Promise.all(folders.map((folder) => this.#packageScripts(folder)));
    return [
      ...folders.slice(0, 1).map((folder) => this.#tasks.create(file, folder, strings.runActiveFile())),
      ...scripts.flat(),
    ];
  }

  /** Adds the execution to a task of tasks.json. VS Code resolves variables such as `${file}` before it starts. */
  resolveTask(task: vscode.Task): vscode.Task {
    return this.#tasks.create(task.definition, task.scope ?? vscode.TaskScope.Workspace, task.name);
  }

  async #packageScripts(folder: vscode.WorkspaceFolder): Promise<vscode.Task[]> {
    const uri = vscode.Uri.joinPath(folder.uri, 'package.json');
    const text = await vscode.workspace.fs.readFile(uri).then(
      (bytes) => new TextDecoder().decode(bytes),
      () => '',
    );
    return findPackageScripts(text).flatMap((target) => {
      const command = commandOf(target, 'package.json', projectsOf(folder.uri.fsPath, 'package.json'));
      const [program, ...before] = command?.programs[0]?.argv ?? [];
      if (!command || !program) return [];
      const definition = { type: TASK_TYPE, command: program, args: [...before, ...command.args] };
      return [this.#tasks.create(definition, folder, command.label)];
    });
  }
}
