import * as vscode from 'vscode';
import { report } from '../../providers/common/report.ts';
import { window } from '../../providers/common/window.ts';
import { costReport, monthName } from '../../run/records/cost-report.ts';
import type { RunRecords } from '../../run/records/run-records.ts';
import { strings } from './strings.ts';

const SCHEME = 'modal-cost';

/** Reports of what the runs of a month cost, as Markdown documents. */
export class CostDocument implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #records: RunRecords;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  readonly #registration: vscode.Disposable;

  constructor(records: RunRecords) {
    this.#records = records;
    this.#registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  }

  dispose(): void {
    this.#registration.dispose();
    this.#changed.dispose();
  }

  /** `modal.showCost`: shows the report of the only month with runs, or of the one that the user selects. */
  async show(): Promise<void> {
    const months = [...new Set((await this.#records.days()).map((day) => day.slice(0, 7)))];
    const [latest] = months;
    if (!latest) return void report(strings.noRuns());
    const items = months.map((month) => ({ month, label: monthName(month) }));
    const options = { title: strings.costTitle(), placeHolder: strings.selectMonth() };
    const month = months.length === 1 ? latest : (await window.showQuickPick(items, options))?.month;
    if (!month) return;
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${month}/${strings.costName(monthName(month))}.md` });
    this.#changed.fire(uri);
    // VS Code's own Markdown preview can be turned off.
    await vscode.commands
      .executeCommand('markdown.showPreview', uri)
      .then(undefined, () => vscode.window.showTextDocument(uri));
  }

  async provideTextDocumentContent({ path }: vscode.Uri): Promise<string> {
    const month = path.split('/')[1] ?? '';
    await this.#records.flush();
    const days = (await this.#records.days()).filter((day) => day.startsWith(month));
    const records = await Promise.all(days.map((day) => this.#records.ofDay(day)));
    return costReport(records.flat(), month);
  }
}
