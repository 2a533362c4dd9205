import * as vscode from 'vscode';
import { cleanLine } from '../../base/text.ts';
import { type SandboxSummary, sandboxLabel } from '../../modal/sandbox-list.ts';
import { readSandboxLog, type SandboxLog } from '../../modal/sandbox-logs.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { PolledStore } from '../common/polled-store.ts';
import { strings } from './strings.ts';

const SCHEME = 'modal-logs';

/** The logs of sandboxes, as documents that are updated while they are visible. */
export class SandboxLogs implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #sessions: Sessions;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  readonly #stores = new Map<string, PolledStore<SandboxLog>>();
  /** Paths of the documents that don't scroll to their end, since the cursor was moved away from it. */
  readonly #held = new Set<string>();
  readonly #disposables: vscode.Disposable[];

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
    this.#disposables = [
      this.#changed,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.window.onDidChangeVisibleTextEditors(() => this.#watchVisible()),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.#forget(uri)),
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.#follow(document)),
      vscode.window.onDidChangeTextEditorSelection((event) => this.#decideToFollow(event)),
    ];
  }

  dispose(): void {
    for (const each of [...this.#disposables, ...this.#stores.values()]) each.dispose();
  }

  /** `modal.showSandboxLogs` */
  async show(sandbox: SandboxSummary): Promise<void> {
    const name = cleanLine(sandboxLabel(sandbox)).replaceAll(/[/\\]/g, ' ');
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${sandbox.id}/${name}.log` });
    await vscode.window.showTextDocument(uri, { preview: false });
    this.#watchVisible();
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    const { value, error } = this.#storeOf(uri);
    return error ? `${value?.text ?? ''}\n${error}\n` : value?.text || strings.emptyLog();
  }

  #storeOf(uri: vscode.Uri): PolledStore<SandboxLog> {
    const known = this.#stores.get(uri.path);
    if (known) return known;
    const [, id = ''] = uri.path.split('/');
    const store = new PolledStore<SandboxLog>({
      pollIntervalMs: 2_000,
      load: async (before) => readSandboxLog((await this.#sessions.connection()).client, id, before),
    });
    store.onDidChange(() => this.#changed.fire(uri));
    this.#stores.set(uri.path, store);
    return store;
  }

  #watchVisible(): void {
    const visible = new Set(vscode.window.visibleTextEditors.map(({ document }) => document.uri.path));
    for (const [path, store] of this.#stores) store.watch(visible.has(path));
  }

  #forget({ scheme, path }: vscode.Uri): void {
    if (scheme !== SCHEME) return;
    this.#held.delete(path);
    this.#stores.get(path)?.dispose();
    this.#stores.delete(path);
  }

  /** Stops scrolling when the user moves the cursor off the last line, and continues when it is back there. */
  #decideToFollow({ textEditor, kind, selections }: vscode.TextEditorSelectionChangeEvent): void {
    const { uri, lineCount } = textEditor.document;
    if (uri.scheme !== SCHEME || kind === undefined) return;
    if ((selections[0]?.active.line ?? 0) < lineCount - 1) this.#held.add(uri.path);
    else this.#held.delete(uri.path);
  }

  #follow(document: vscode.TextDocument): void {
    if (document.uri.scheme !== SCHEME || this.#held.has(document.uri.path)) return;
    const { end } = document.lineAt(document.lineCount - 1).range;
    for (const editor of vscode.window.visibleTextEditors.filter((each) => each.document === document)) {
      editor.selection = new vscode.Selection(end, end);
      editor.revealRange(editor.selection);
    }
  }
}
