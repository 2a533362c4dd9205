import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import type { SandboxSummary } from '../../modal/sandbox-list.ts';
import { Tag } from '../../modal/sandboxes.ts';
import { describeRecord } from '../../run/records/describe.ts';
import type { RunAgain, RunRecord } from '../../run/records/record.ts';
import type { RunRecords } from '../../run/records/run-records.ts';
import type { RunRequest } from '../../run/request.ts';
import { CANCELED, type RunResult } from '../../run/result.ts';
import { shellArgumentsProblem } from '../../run/shell-arguments.ts';
import type { Target } from '../../run/targets/target.ts';
import { folderKey } from '../../sandboxes/sandbox-origin.ts';
import { executeCommand } from '../common/commands.ts';
import type { ErrorContext } from '../common/error-actions.ts';
import { syncedFolder, workspaceFolderPaths } from '../common/folders.ts';
import { report, reportError, reportFailedRun } from '../common/report.ts';
import { strings as commonStrings } from '../common/strings.ts';
import { window } from '../common/window.ts';
import { type RunAccount, runInAccount } from './run-account.ts';
import type { RunRequests } from './run-requests.ts';
import { strings } from './strings.ts';
import type { RunTasks } from './tasks/run-tasks.ts';

export interface RunCommandServices {
  readonly tasks: RunTasks;
  readonly requests: RunRequests;
  readonly account: RunAccount;
  readonly records: RunRecords;
}

/** A file to run, by its URI, and the part of it. */
type RunStart = Omit<Extract<RunAgain, { kind: 'file' }>, 'kind'>;

/** The number of runs in the history. */
const MAX_RUNS = 50;

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

  /** `modal.runDetached`: the given file, or the one in the active editor, so that its program outlives the window. */
  async runDetached(uri?: vscode.Uri): Promise<RunResult> {
    const target = uri ?? vscode.window.activeTextEditor?.document.uri;
    return target ? this.#run({ uri: target.toString() }, { detach: true, pty: false }) : report(strings.noFileOpen());
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
    return this.#run({ uri: file.toString() }, { sandboxId: sandbox.id });
  }

  /** `modal.runWithArguments`: asks for arguments first, starting with the last ones. */
  async runWithArguments(uri?: vscode.Uri): Promise<RunResult> {
    const target = (uri ?? vscode.window.activeTextEditor?.document.uri)?.toString();
    if (!target) return report(strings.noFileOpen());
    const args = await window.showInputBox({
      title: strings.argumentsTitle(),
      prompt: strings.argumentsPrompt(),
      value: await this.#lastArguments(target),
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
  async runAgain(): Promise<RunResult | undefined> {
    const folders = workspaceFolderPaths();
    const isHere = ({ folder, again }: RunRecord) => again !== undefined && folders.includes(folder.path);
    const items = (await this.#services.records.latest(MAX_RUNS, isHere)).map((record) => ({
      record,
      label: labelOf(record),
      description: new Date(record.at).toLocaleString(),
      detail: [describeRecord(record, true), record.end?.profile].filter(Boolean).join(' · '),
      iconPath: new vscode.ThemeIcon(record.end?.exitCode === 0 ? 'pass' : 'error'),
    }));
    if (items.length === 0) return report(strings.noHistory());
    const picked = await window.showQuickPick(items, {
      title: strings.historyTitle(),
      placeHolder: strings.historyPlaceholder(),
    });
    return picked ? this.repeat(picked.record) : CANCELED;
  }

  /** `modal.repeatRun`: runs the same file, or starts the same task, with the same arguments. */
  async repeat({ again, label }: RunRecord): Promise<RunResult | undefined> {
    if (again?.kind === 'file') return this.#run({ uri: again.uri, target: again.target, args: again.args });
    if (again?.kind !== 'task') return report(strings.cannotRepeat(label));
    await executeCommand('modal.runTask', again.name);
    return undefined;
  }

  async #lastArguments(uri: string): Promise<string> {
    const hasArguments = ({ again }: RunRecord) =>
      again?.kind === 'file' && again.uri === uri && again.args !== undefined;
    const [last] = await this.#services.records.latest(1, hasArguments);
    return last?.again?.kind === 'file' ? (last.again.args ?? '') : '';
  }

  /** Runs what `make` builds, which is built again for a rerun. */
  run(make: () => Promise<RunRequest>, context: ErrorContext): Promise<RunResult> {
    return this.#start(make, { retry: () => this.run(make, context), ...context });
  }

  async #run(start: RunStart, overrides: Partial<RunRequest> = {}): Promise<RunResult> {
    const context = { retry: () => this.#run(start, overrides), uri: vscode.Uri.parse(start.uri) };
    const make = async () => ({ ...(await this.#request(start)), ...overrides });
    return this.#start(make, context);
  }

  async #start(make: () => Promise<RunRequest>, context: ErrorContext): Promise<RunResult> {
    const { account, tasks } = this.#services;
    try {
      const request = await make();
      if (!(await account.ensureChosen())) return { outcome: 'failed', error: commonStrings.notSignedIn() };
      const result = await runInAccount(account, () => tasks.run(request, make));
      return reportFailedRun(result, { ...context, profile: request.profile });
    } catch (error) {
      return reportError(error, context);
    }
  }

  async #request({ uri, target, args }: RunStart) {
    const { requests } = this.#services;
    // A record may hold arguments that weren't checked.
    const problem = shellArgumentsProblem(args ?? '');
    if (problem !== undefined) throw new UserError(problem);
    const file = vscode.Uri.parse(uri);
    const request = await (target ? requests.forTarget(file, target) : requests.forFile(file));
    const again = { kind: 'file', uri, ...(target && { target }), ...(args !== undefined && { args }) } as const;
    return { ...request, shellArgs: args ?? '', again };
  }
}

function labelOf({ label, again }: RunRecord): string {
  return again?.kind === 'file' && again.args ? `${label} ${again.args}` : label;
}
