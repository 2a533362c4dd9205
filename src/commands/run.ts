import * as vscode from 'vscode';
import { explainError } from '../modal/errors.ts';
import type { RunRequests } from '../providers/run-requests.ts';
import type { RunTasks } from '../providers/tasks.ts';
import type { RunRequest, RunResult } from '../run/request.ts';
import type { Target } from '../run/targets/target.ts';
import type { AccountService } from './accounts.ts';

/** The commands that run something. Each resolves when the run has ended; what went wrong is shown and is in `error`. */
export class RunCommands {
  readonly #tasks: RunTasks;
  readonly #requests: RunRequests;
  readonly #accounts: AccountService;

  constructor(tasks: RunTasks, requests: RunRequests, accounts: AccountService) {
    this.#requests = requests;
    this.#tasks = tasks;
    this.#accounts = accounts;
  }

  /** `modal.runActiveFile`: the given file, or the one in the active editor. */
  async runActiveFile(uri?: vscode.Uri): Promise<RunResult> {
    const target = uri ?? vscode.window.activeTextEditor?.document.uri;
    if (!target) return report({ error: 'No file is open in the editor. Open the file to run, then run again.' });
    return this.#run(() => this.#requests.forFile(target));
  }

  /** `modal.runTarget`: a part of a file, as the code lenses name it. */
  runTarget(uri: vscode.Uri, target: Target): Promise<RunResult> {
    return this.#run(() => this.#requests.forTarget(uri, target));
  }

  async #run(make: () => Promise<RunRequest>): Promise<RunResult> {
    try {
      const request = await make();
      if (!this.#accounts.isChosen && !(await this.#accounts.offer())) {
        return { error: 'No Modal account is chosen. Sign in, or use the local Modal.' };
      }
      const result = await this.#tasks.run(request, make);
      return result.needsAccount ? report(result, 'modal.chooseAccount') : result;
    } catch (error) {
      return report({ error: explainError(error) });
    }
  }
}

function report(result: RunResult, command?: 'modal.chooseAccount'): RunResult {
  const buttons = command ? ['Choose Account…'] : [];
  void vscode.window.showErrorMessage(result.error ?? '', ...buttons).then((pressed) => {
    if (pressed && command) void vscode.commands.executeCommand(command);
  });
  return result;
}
