import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import type { SandboxSummary } from '../../modal/sandbox-list.ts';
import { Tag } from '../../modal/sandboxes.ts';
import { describePastRun, type RunHistory, type RunStart } from '../../run/history.ts';
import { CANCELED, type RunResult } from '../../run/result.ts';
import { shellArgumentsProblem } from '../../run/shell-arguments.ts';
import type { Target } from '../../run/targets/target.ts';
import { folderKey } from '../../sandboxes/sandbox-origin.ts';
import { syncedFolder } from '../common/folders.ts';
import { report, reportAccountProblem, reportError } from '../common/report.ts';
import { strings as commonStrings } from '../common/strings.ts';
import { window } from '../common/window.ts';
import type { RunRequests } from './run-requests.ts';
import { strings } from './strings.ts';
import type { RunTasks } from './tasks/run-tasks.ts';

/** The account, as runs need it. */
export interface RunAccount {
  /** Offers to choose an account if none is chosen. Resolves with true if one is chosen then. */
  ensureChosen(): Promise<boolean>;
}

export interface RunCommandServices {
  readonly tasks: RunTasks;
  readonly requests: RunRequests;
  readonly account: RunAccount;
  readonly history: RunHistory;
}

/** The commands that run files. Each resolves when the run has ended; errors are shown and are part of the result. */
export class RunCommands {
  readonly #services: RunCommandServices;

  constructor(services: RunCommandServices) {
    this.#services = services;
  }

  /** `modal.runActiveFile`: the given file, or the one in the active editor. */
  async runActiveFile(uri?: vscode.Uri): Promise<RunResult> {
    const target = uri ?? vscode.window.activeTextEditor?.document.uri;
    return target ? this.#run({ uri: target.toString() }) : report(strings.noFileOpen());
  }

  /** `modal.runActiveFileHere`: the file in the active editor, in the given sandbox. */
  async runActiveFileHere(sandbox: SandboxSummary): Promise<RunResult> {
    const file = vscode.window.activeTextEditor?.document.uri;
    if (!file) return report(strings.noFileOpen());
    const own = vscode.workspace.getWorkspaceFolder(file);
    const folder = sandbox.tags[Tag.folder];
    if (own && folder !== undefined && folder !== folderKey(syncedFolder(own).path)) {
      const question = strings.confirmOtherFolder(sandbox.tags[Tag.folderName] ?? '', own.name);
      const syncAndRun = strings.syncAndRun();
      if ((await window.showWarningMessage(question, { modal: true }, syncAndRun)) !== syncAndRun) return CANCELED;
    }
    return this.#run({ uri: file.toString() }, sandbox.id);
  }

  /** `modal.runWithArguments`: asks for arguments first, starting with the last ones. */
  async runWithArguments(uri?: vscode.Uri): Promise<RunResult> {
    const target = (uri ?? vscode.window.activeTextEditor?.document.uri)?.toString();
    if (!target) return report(strings.noFileOpen());
    const args = await window.showInputBox({
      title: strings.argumentsTitle(),
      prompt: strings.argumentsPrompt(),
      value: this.#services.history.argsOf(target),
      validateInput: shellArgumentsProblem,
      ignoreFocusOut: true,
    });
    return args === undefined ? CANCELED : this.#run({ uri: target, args });
  }

  /** `modal.runTarget`: a part of a file, as identified by its code lens. */
  runTarget(uri: vscode.Uri, target: Target): Promise<RunResult> {
    return this.#run({ uri: uri.toString(), target });
  }

  /** `modal.runHistory`: lists the last runs and repeats the one that the user selects. */
  async runAgain(): Promise<RunResult> {
    const items = this.#services.history.runs.map((run) => ({
      run,
      label: run.args ? `${run.label} ${run.args}` : run.label,
      description: new Date(run.at).toLocaleString(),
      detail: describePastRun(run),
      iconPath: new vscode.ThemeIcon(run.exitCode === 0 ? 'pass' : 'error'),
    }));
    if (items.length === 0) return report(strings.noHistory());
    const picked = await window.showQuickPick(items, {
      title: strings.historyTitle(),
      placeHolder: strings.historyPlaceholder(),
    });
    return picked ? this.#run({ uri: picked.run.uri, target: picked.run.target, args: picked.run.args }) : CANCELED;
  }

  async #run(start: RunStart, sandboxId?: string): Promise<RunResult> {
    const { account, history, tasks } = this.#services;
    try {
      const make = async () => ({ ...(await this.#request(start)), sandboxId });
      const request = await make();
      if (!(await account.ensureChosen())) return { outcome: 'failed', error: commonStrings.notSignedIn() };
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
    // The history may hold arguments that weren't checked.
    const problem = shellArgumentsProblem(args ?? '');
    if (problem !== undefined) throw new UserError(problem);
    const file = vscode.Uri.parse(uri);
    const request = await (target ? requests.forTarget(file, target) : requests.forFile(file));
    return { ...request, shellArgs: args ?? '' };
  }
}
