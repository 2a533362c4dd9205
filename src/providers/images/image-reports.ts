import * as vscode from 'vscode';
import { cleanLine } from '../../base/text.ts';
import { strings } from './strings.ts';

const SCHEME = 'modal-image';

/** Reports on images, as read-only documents. */
export class ImageReports implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #texts = new Map<string, string>();
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  readonly onDidChange = this.#changed.event;

  dispose(): void {
    this.#registration.dispose();
    this.#changed.dispose();
  }

  provideTextDocumentContent({ path }: vscode.Uri): string {
    return this.#texts.get(path) ?? strings.reportGone();
  }

  /** Shows a report, and replaces an earlier one for the same profile. */
  async show(profile: string, text: string): Promise<void> {
    const title = cleanLine(strings.reportTitle(profile)).replaceAll(/[/\\]/g, ' ');
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${title}` });
    this.#texts.set(uri.path, text);
    this.#changed.fire(uri);
    await vscode.window.showTextDocument(uri);
  }
}
