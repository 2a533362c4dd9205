import * as vscode from 'vscode';
import { cleanLine } from '../../base/text.ts';
import type { DetachedRun, DetachedRuns, EndedDetachedRun } from '../../run/detached/detached-runs.ts';
import { describeRecord } from '../../run/records/describe.ts';
import type { RunRecord } from '../../run/records/record.ts';
import type { RunRecords } from '../../run/records/run-records.ts';
import { executeCommand } from '../common/commands.ts';
import { workspaceFolderPaths } from '../common/folders.ts';
import { report, reportError } from '../common/report.ts';
import { window } from '../common/window.ts';
import { AttachedTerminal } from './attached-terminal.ts';
import { strings } from './strings.ts';

const MAX_NAME_CHARS = 100;

export interface DetachedCommandServices {
  readonly detached: DetachedRuns;
  readonly records: RunRecords;
  /** Receives the text that terminals show. */
  onText(runId: string, text: string): void;
}

/** The commands and notifications of runs that outlive their windows. */
export class DetachedCommands implements vscode.Disposable {
  readonly #services: DetachedCommandServices;
  readonly #disposables: readonly { dispose(): void }[];

  constructor(services: DetachedCommandServices) {
    this.#services = services;
    const { detached } = services;
    this.#disposables = [
      detached,
      detached.onDidEnd((ended) => void this.#notifyEnd(ended)),
      detached.onDidTakeOver((record) => void this.#notifyLeft(record, strings.stillRunning(record.label))),
    ];
    detached.watch();
  }

  dispose(): void {
    for (const each of this.#disposables) each.dispose();
  }

  /** `modal.attachToRun`: shows a run in a terminal, or the one that the user selects. */
  async attach(record?: Pick<RunRecord, 'id'>): Promise<void> {
    const run = await this.#find(record, strings.attachTitle());
    if (!run) return;
    const { detached, onText } = this.#services;
    const label = (await this.#services.records.find(run))?.label ?? '';
    const pty = new AttachedTerminal(run, detached, onText);
    const name = cleanLine(label, MAX_NAME_CHARS);
    window.createTerminal({ name, pty, iconPath: new vscode.ThemeIcon('debug-disconnect') }).show();
  }

  /** `modal.stopRun`: stops the program of a run, or of the one that the user selects. */
  async stop(record?: Pick<RunRecord, 'id'>): Promise<void> {
    try {
      const run = await this.#find(record, strings.stopTitle());
      if (run) await this.#services.detached.stop(run);
    } catch (error) {
      await reportError(error, { retry: () => this.stop(record) });
    }
  }

  /** Says that a run continues although its terminal was closed. */
  async left(id: string): Promise<void> {
    const [record] = await this.#services.records.latest(1, (each) => each.id === id);
    if (record) await this.#notifyLeft(record, strings.keepsRunning(record.label));
  }

  async #find(record: Pick<RunRecord, 'id'> | undefined, title: string): Promise<DetachedRun | undefined> {
    const { detached, records } = this.#services;
    const all = await detached.all();
    const found = record ? all.filter(({ id }) => id === record.id) : all;
    if (found.length === 0) {
      await report(record ? strings.runHasEnded() : strings.noDetachedRuns());
      return undefined;
    }
    if (record) return found[0];
    const items = found.map(async (run) => ({
      run,
      label: (await records.find(run))?.label ?? run.id,
      description: new Date(run.at).toLocaleString(),
      iconPath: new vscode.ThemeIcon('sync'),
    }));
    const picked = await window.showQuickPick(Promise.all(items), {
      title,
      placeHolder: strings.detachedPlaceholder(),
    });
    return picked?.run;
  }

  async #notifyLeft(record: RunRecord, message: string): Promise<void> {
    if (!workspaceFolderPaths().includes(record.folder.path)) return;
    const [attach, stop] = [strings.attach(), strings.stop()];
    const answer = await window.showInformationMessage(message, attach, stop);
    if (answer === attach) await this.attach(record);
    else if (answer === stop) await this.stop(record);
  }

  async #notifyEnd({ record, result }: EndedDetachedRun): Promise<void> {
    if (result.outcome === 'canceled') return;
    const hasSucceeded = result.outcome === 'exited' && result.exitCode === 0;
    const message = strings.detachedRunEnded(record.label, describeRecord(record, false));
    const showOutput = strings.showOutput();
    const show = hasSucceeded ? window.showInformationMessage : window.showWarningMessage;
    if ((await show(message, showOutput)) === showOutput) await executeCommand('modal.openRunOutput', record);
  }
}
