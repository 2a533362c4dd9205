import { setTimeout as sleep } from 'node:timers/promises';
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
import type { RunTerminal } from './run-terminal.ts';
import { strings } from './strings.ts';

const MAX_NAME_CHARS = 100;
/** The time to answer before a program is stopped whose terminal was closed. */
const CLOSE_TIMEOUT_MS = 15_000;
/** The time until VS Code says why a terminal was closed. */
const CLOSE_EVENT_TIMEOUT_MS = 1_000;

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

  /** `modal.keepRunning`: lets the program of a run of this window, or of the one that the user selects, outlive the window. */
  async keep(all: readonly RunTerminal[], record?: Pick<RunRecord, 'id'>): Promise<void> {
    const running = all.filter(({ runId }) => !record || record.id === runId);
    const [first, ...others] = running;
    if (!first) return void report(strings.nothingToKeep());
    const items = running.map((terminal) => ({ label: terminal.label, terminal }));
    const options = { title: strings.keepTitle(), placeHolder: strings.keepPlaceholder() };
    const terminal = others.length === 0 ? first : (await window.showQuickPick(items, options))?.terminal;
    if (terminal) await this.#keep(terminal);
  }

  /** Asks whether a program continues whose terminal was closed, and stops it if the user doesn't answer soon. */
  async closed(terminal: RunTerminal): Promise<void> {
    if (!(await closedByUser(terminal.label))) return terminal.cancel();
    const keep = strings.keepRunningButton();
    const message = strings.stopsSoon(terminal.label, CLOSE_TIMEOUT_MS / 1000);
    const answer = window.showWarningMessage(message, keep, strings.stop());
    // An answer that comes too late finds that it has stopped.
    void answer.then((pressed) => (pressed === keep ? this.#keep(terminal) : undefined));
    const pressed = await Promise.race([answer.then((text) => text ?? ''), sleep(CLOSE_TIMEOUT_MS, '')]);
    if (pressed !== keep) terminal.cancel();
  }

  async #keep(terminal: RunTerminal): Promise<void> {
    const { label } = terminal;
    try {
      void ((await terminal.keep())
        ? window.showInformationMessage(strings.isKept(label))
        : report(strings.hasStopped(label)));
    } catch (error) {
      await reportError(error, { retry: () => this.#keep(terminal) });
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

/** Returns whether the user has just closed a terminal, as opposed to ended or restarted its task. */
async function closedByUser(name: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const listener = vscode.window.onDidCloseTerminal((terminal) => {
    if (terminal.name === name) resolve(terminal.exitStatus?.reason === vscode.TerminalExitReason.User);
  });
  const timeout = setTimeout(() => resolve(false), CLOSE_EVENT_TIMEOUT_MS);
  return promise.finally(() => {
    listener.dispose();
    clearTimeout(timeout);
  });
}
