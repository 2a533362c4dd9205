import * as vscode from 'vscode';
import type { SandboxSummary } from '../../modal/sandbox-list.ts';
import { Tag } from '../../modal/sandboxes.ts';
import { outcomeOf, type RunHistory, type RunStart } from '../../run/history.ts';
import { CANCELED, type RunResult } from '../../run/result.ts';
import type { Target } from '../../run/targets/target.ts';
import { folderKey } from '../../sandboxes/sandbox-origin.ts';
import type { AccountService } from '../account/account-service.ts';
import { syncedFolder } from '../common/folders.ts';
import { report, reportAccountProblem, reportError } from '../common/report.ts';
import { strings } from '../common/strings.ts';
import type { RunRequests } from './run-requests.ts';
import type { RunTasks } from './tasks/tasks.ts';

const RUN_HERE = 'Run There';
const NO_FILE = 'No file is open in the editor. Open the file to run, then run again.';

/** What the commands that run something work with. */
export interface RunCommandServices {
  readonly tasks: RunTasks;
  readonly requests: RunRequests;
  readonly accounts: AccountService;
  readonly history: RunHistory;
}

/** The commands that run something. Each resolves when the run has ended; what went wrong is shown and is in `error`. */
export class RunCommands {
  readonly #services: RunCommandServices;

  constructor(services: RunCommandServices) {
    this.#services = services;
  }

  /** `modal.runActiveFile`: the given file, or the one in the active editor. */
  async runActiveFile(uri?: vscode.Uri): Promise<RunResult> {
    const target = uri ?? vscode.window.activeTextEditor?.document.uri;
    return target ? this.#run({ uri: target.toString() }) : report(NO_FILE);
  }

  /** `modal.runActiveFileHere`: the file in the active editor, in a sandbox of the view. */
  async runActiveFileHere(sandbox: SandboxSummary): Promise<RunResult> {
    const file = vscode.window.activeTextEditor?.document.uri;
    if (!file) return report(NO_FILE);
    const own = vscode.workspace.getWorkspaceFolder(file);
    const folder = sandbox.tags[Tag.folder];
    if (own && folder !== undefined && folder !== folderKey(syncedFolder(own).path)) {
      const question = `This sandbox serves “${sandbox.tags[Tag.folderName]}”. Sync “${own.name}” into it and run there?`;
      if ((await vscode.window.showWarningMessage(question, { modal: true }, RUN_HERE)) !== RUN_HERE) return CANCELED;
    }
    return this.#run({ uri: file.toString() }, sandbox.id);
  }

  /** `modal.runWithArguments`: asks for the arguments first, with the last ones filled in. */
  async runWithArguments(uri?: vscode.Uri): Promise<RunResult> {
    const target = (uri ?? vscode.window.activeTextEditor?.document.uri)?.toString();
    if (!target) return report(NO_FILE);
    const args = await vscode.window.showInputBox({
      title: 'Modal: Run with Arguments',
      prompt: 'As you would type them in a shell; the sandbox’s shell expands them',
      value: this.#services.history.argsOf(target),
      validateInput: (text) => (hasOpenQuote(text) ? 'A quote is not closed.' : undefined),
      ignoreFocusOut: true,
    });
    return args === undefined ? CANCELED : this.#run({ uri: target, args });
  }

  /** `modal.runTarget`: a part of a file, as the code lenses name it. */
  runTarget(uri: vscode.Uri, target: Target): Promise<RunResult> {
    return this.#run({ uri: uri.toString(), target });
  }

  /** `modal.runHistory`: the last runs, to do one again. */
  async runAgain(): Promise<RunResult> {
    const items = this.#services.history.runs.map((run) => ({
      run,
      label: run.args ? `${run.label} ${run.args}` : run.label,
      description: new Date(run.at).toLocaleString(),
      detail: outcomeOf(run),
      iconPath: new vscode.ThemeIcon(run.exitCode === 0 ? 'pass' : 'error'),
    }));
    if (items.length === 0) return report('Nothing was run in this workspace yet. Run a file first.');
    const picked = await vscode.window.showQuickPick(items, { title: 'Modal: Run History', placeHolder: 'Run again' });
    return picked ? this.#run({ uri: picked.run.uri, target: picked.run.target, args: picked.run.args }) : CANCELED;
  }

  async #run(start: RunStart, sandboxId?: string): Promise<RunResult> {
    const { accounts, history, tasks } = this.#services;
    try {
      const make = async () => ({ ...(await this.#request(start)), sandboxId });
      const request = await make();
      if (!accounts.isChosen && !(await accounts.offer())) {
        return { outcome: 'failed', error: strings.notSignedIn() };
      }
      const startedAt = Date.now();
      const result = await tasks.run(request, make);
      await history.add(request.label, start, startedAt, result);
      return reportAccountProblem(result);
    } catch (error) {
      return reportError(error);
    }
  }

  async #request({ uri, target, args }: RunStart) {
    const { requests } = this.#services;
    const file = vscode.Uri.parse(uri);
    const request = await (target ? requests.forTarget(file, target) : requests.forFile(file));
    return { ...request, shellArgs: args ?? '' };
  }
}

/** Whether a shell would wait for the rest of a quoted word. */
function hasOpenQuote(text: string): boolean {
  return /^(?:[^'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")*$/s.test(text) === false;
}
