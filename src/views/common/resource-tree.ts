import * as vscode from 'vscode';
import type { AccountState } from '../../providers/common/account-state.ts';
import type { CommandId } from '../../providers/common/command-ids.ts';
import { setContextKey } from '../../providers/common/context-keys.ts';
import { onDidChangeSettings } from '../../providers/common/settings.ts';
import type { PolledStore } from './polled-store.ts';

/** The views of the account's resources. */
export type ResourceViewId = 'modal.sandboxes' | 'modal.snapshots' | 'modal.volumes';

/** A row that does something, where there is nothing to list. */
interface ActionRow {
  readonly action: { readonly label: string; readonly icon: string; readonly command: CommandId };
}

export interface ResourceTreeOptions<T, Row> {
  /** The view's id, `modal.sandboxes`; `<id>State` is the context key its welcome content waits for. */
  readonly id: ResourceViewId;
  readonly refreshCommand: CommandId;
  readonly store: PolledStore<T>;
  readonly account: AccountState;
  /** The rows of an answer. Rows of nothing leave the view to its welcome content. */
  readonly roots: (value: T) => readonly Row[];
  readonly children?: (row: Row) => readonly Row[] | Promise<readonly Row[]>;
  /** The row as VS Code shows it. Its `id` must be the same after each look, so that selection and unfolding stay. */
  readonly item: (row: Row) => vscode.TreeItem;
  readonly dragAndDrop?: vscode.TreeDragAndDropController<Row>;
  readonly canSelectMany?: boolean;
  /** Rows tell of time that passes: they are drawn anew once a minute. */
  readonly showsTime?: boolean;
}

const MINUTE_MS = 60_000;
/** How long VS Code may take to show a view. */
const VISIBLE_TIMEOUT_MS = 5_000;

/** One tree of the container: renders its store and nothing else, and has it look only while the tree is visible. */
export class ResourceTree<T, Row extends object>
  implements vscode.TreeDataProvider<Row | ActionRow>, vscode.Disposable
{
  readonly view: vscode.TreeView<Row | ActionRow>;
  readonly #options: ResourceTreeOptions<T, Row>;
  readonly #changed = new vscode.EventEmitter<Row | undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #disposables: { dispose(): void }[];
  #clock: NodeJS.Timeout | undefined;

  constructor(options: ResourceTreeOptions<T, Row>) {
    this.#options = options;
    const { id, store, dragAndDrop, canSelectMany = false } = options;
    this.view = vscode.window.createTreeView<Row | ActionRow>(id, {
      treeDataProvider: this,
      showCollapseAll: options.children !== undefined,
      canSelectMany,
      ...(dragAndDrop && { dragAndDropController: dragAndDrop as vscode.TreeDragAndDropController<Row | ActionRow> }),
    });
    this.#disposables = [
      this.view,
      this.#changed,
      store,
      this.view.onDidChangeVisibility(() => this.update()),
      store.onDidChange(() => {
        this.#describe();
        this.#changed.fire(undefined);
      }),
      // First: nothing of another account or app may be shown.
      options.account.onDidChange(() => store.reset()),
      onDidChangeSettings(() => this.update()),
    ];
    this.update();
  }

  dispose(): void {
    clearInterval(this.#clock);
    for (const each of this.#disposables) each.dispose();
  }

  /** Looks while the tree is visible and an account is chosen. */
  update(): void {
    const { store, account, showsTime } = this.#options;
    const watched = account.isChosen && this.view.visible;
    store.watch(watched);
    clearInterval(this.#clock);
    if (watched && showsTime) this.#clock = setInterval(() => this.#changed.fire(undefined), MINUTE_MS);
    this.#describe();
  }

  /** Draws a row, or all of them, anew without a look. */
  redraw(row?: Row): void {
    this.#changed.fire(row);
  }

  /** Opens the view, wherever it was, and looks. */
  async open(): Promise<void> {
    await vscode.commands.executeCommand(`${this.#options.id}.focus`);
    if (!this.view.visible) await this.#visible();
    this.update();
    await this.#options.store.refresh();
  }

  /** Resolves when the view is visible, or after a while in which it was not. */
  #visible(): Promise<void> {
    return new Promise((resolve) => {
      const settle = () => {
        clearTimeout(timer);
        listening.dispose();
        resolve();
      };
      const timer = setTimeout(settle, VISIBLE_TIMEOUT_MS);
      const listening = this.view.onDidChangeVisibility(settle);
    });
  }

  /** Shows a row of the first level, selected. */
  async reveal(row: Row): Promise<void> {
    await this.view.reveal(row, { focus: true, expand: true });
  }

  /** What `reveal` asks for: only rows of the first level are revealed. */
  getParent(): undefined {
    return undefined;
  }

  getChildren(row?: Row | ActionRow): vscode.ProviderResult<(Row | ActionRow)[]> {
    const { store, account, roots, children, refreshCommand } = this.#options;
    if (row) return 'action' in row ? [] : Promise.resolve(children?.(row as Row) ?? []).then((rows) => [...rows]);
    if (!account.isChosen) return [];
    const rows = store.value === undefined ? [] : roots(store.value);
    return store.error && rows.length === 0 ? failedActions(refreshCommand) : [...rows];
  }

  getTreeItem(row: Row | ActionRow): vscode.TreeItem {
    if (!('action' in row)) return this.#options.item(row);
    const { label, icon, command } = (row as ActionRow).action;
    const item = new vscode.TreeItem(label);
    item.iconPath = new vscode.ThemeIcon(icon);
    item.command = { title: label, command };
    return item;
  }

  #describe(): void {
    const { id, store, account } = this.#options;
    // Rows stay while a later look fails; the message above them says why they may be old.
    this.view.message = account.isChosen && store.error ? store.error : undefined;
    const state = store.error ? 'failed' : store.value ? 'loaded' : 'loading';
    setContextKey(`${id}State`, state);
  }
}

// A view shows its message or its welcome text, never both; the reason of a failure matters more.
function failedActions(refreshCommand: CommandId): ActionRow[] {
  return [
    { action: { label: 'Try Again', icon: 'refresh', command: refreshCommand } },
    { action: { label: 'Choose Account…', icon: 'account', command: 'modal.chooseAccount' } },
  ];
}
