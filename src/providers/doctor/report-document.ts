import * as vscode from 'vscode';
import type { ActionId } from '../../base/errors.ts';
import type { Report } from '../../doctor/report.ts';
import { commandTo, registerCommands } from '../common/commands.ts';
import { actionOf } from '../common/error-actions.ts';
import { window } from '../common/window.ts';
import { strings } from './strings.ts';

const SCHEME = 'modal-doctor';

/** The last report, as a read-only Markdown document with the next steps above what has failed. */
export class ReportDocument implements vscode.TextDocumentContentProvider, vscode.CodeLensProvider, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #lensesChanged = new vscode.EventEmitter<void>();
  readonly #subscriptions: vscode.Disposable;
  #report: Report | undefined;
  readonly onDidChange = this.#changed.event;
  readonly onDidChangeCodeLenses = this.#lensesChanged.event;

  /** `retry` makes a new report. */
  constructor(retry: () => unknown) {
    this.#subscriptions = vscode.Disposable.from(
      this.#changed,
      this.#lensesChanged,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.languages.registerCodeLensProvider({ scheme: SCHEME }, this),
      registerCommands({
        'modal.takeNextStep': (id: ActionId) => actionOf(id).run({ retry }),
        'modal.copyDoctorReport': async () => {
          await vscode.env.clipboard.writeText(this.#report?.text ?? '');
          void window.showInformationMessage(strings.copied());
        },
      }),
    );
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  provideTextDocumentContent(): string {
    return this.#report?.text ?? strings.reportGone();
  }

  provideCodeLenses(): vscode.CodeLens[] {
    if (!this.#report) return [];
    const lens = (line: number, command: vscode.Command) =>
      new vscode.CodeLens(new vscode.Range(line, 0, line, 0), command);
    return [
      lens(0, commandTo('modal.copyDoctorReport', [{ icon: 'copy' }, strings.copyReport()])),
      ...this.#report.places.flatMap(({ line, actions }) =>
        actions.map((id) => lens(line, commandTo('modal.takeNextStep', actionOf(id).title(), id))),
      ),
    ];
  }

  /** Shows a report in place of the last one. */
  async show(report: Report): Promise<void> {
    this.#report = report;
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${strings.reportName()}.md` });
    this.#changed.fire(uri);
    this.#lensesChanged.fire();
    await vscode.window.showTextDocument(uri, { preview: false });
  }
}
