import * as vscode from 'vscode';
import { type SandboxSummary, Tag } from '../modal/sandboxes.ts';
import type { SandboxStore } from './sandbox-store.ts';

export const SANDBOXES_VIEW = 'modal.sandboxes';

/** A row that does something, where there is nothing to list. */
interface ActionRow {
  readonly label: string;
  readonly icon: string;
  readonly command: string;
}

// A view shows its message or its welcome text, never both; the reason of a failure matters more.
const FAILED_ACTIONS: readonly ActionRow[] = [
  { label: 'Try Again', icon: 'refresh', command: 'modal.refreshSandboxes' },
  { label: 'Choose Account…', icon: 'account', command: 'modal.chooseAccount' },
];

type Row = SandboxSummary | ActionRow;

/** The Sandboxes view: what runs on the account, newest first. Renders the store and nothing else. */
export class SandboxesTree implements vscode.TreeDataProvider<Row>, vscode.Disposable {
  readonly #store: SandboxStore;
  readonly #view: vscode.TreeView<Row>;
  readonly #disposables: vscode.Disposable[];
  readonly #isAccountChosen: () => boolean;
  readonly onDidChangeTreeData: vscode.Event<void>;

  constructor(store: SandboxStore, isAccountChosen: () => boolean) {
    this.#store = store;
    this.#isAccountChosen = isAccountChosen;
    this.onDidChangeTreeData = store.onDidChange;
    this.#view = vscode.window.createTreeView(SANDBOXES_VIEW, { treeDataProvider: this, showCollapseAll: false });
    this.#disposables = [
      this.#view,
      this.#view.onDidChangeVisibility(() => this.update()),
      store.onDidChange(() => this.#describe()),
    ];
    this.update();
  }

  dispose(): void {
    for (const each of this.#disposables) each.dispose();
  }

  /** Looks at the account while the view is visible and an account is chosen. */
  update(): void {
    const chosen = this.#isAccountChosen();
    void vscode.commands.executeCommand('setContext', 'modal.account', chosen ? 'chosen' : 'none');
    this.#store.watch(chosen && this.#view.visible);
    this.#describe();
  }

  getChildren(): Row[] {
    if (!this.#isAccountChosen()) return [];
    const { sandboxes = [], error } = this.#store;
    return error && sandboxes.length === 0 ? [...FAILED_ACTIONS] : [...sandboxes];
  }

  getTreeItem(row: Row): vscode.TreeItem {
    return 'command' in row ? actionItem(row) : sandboxItem(row);
  }

  #describe(): void {
    const { error } = this.#store;
    // Rows stay while a later look fails; the message above them says why they may be old.
    this.#view.message = this.#isAccountChosen() && error ? error : undefined;
    const state = error ? 'failed' : this.#store.sandboxes ? 'loaded' : 'loading';
    void vscode.commands.executeCommand('setContext', 'modal.sandboxesState', state);
  }
}

function actionItem({ label, icon, command }: ActionRow): vscode.TreeItem {
  const item = new vscode.TreeItem(label);
  item.iconPath = new vscode.ThemeIcon(icon);
  item.command = { title: label, command };
  return item;
}

function sandboxItem(sandbox: SandboxSummary): vscode.TreeItem {
  const folder = sandbox.tags[Tag.folderName];
  const item = new vscode.TreeItem(folder ?? sandbox.id);
  item.id = sandbox.id;
  item.description = `since ${sandbox.createdAt.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}`;
  item.tooltip = [
    sandbox.id,
    `Started ${sandbox.createdAt.toLocaleString()}`,
    `Ends at the latest ${sandbox.endsAt.toLocaleString()}`,
  ].join('\n');
  item.iconPath = new vscode.ThemeIcon('vm-running');
  item.contextValue = 'sandbox';
  item.accessibilityInformation = { label: `Sandbox of ${folder ?? 'no folder'}, ${item.description}` };
  return item;
}
