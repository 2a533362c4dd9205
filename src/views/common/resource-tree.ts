import * as vscode from 'vscode';
import { MINUTE_MS } from '../../base/clock.ts';
import type { AccountState } from '../../providers/common/account-state.ts';
import type { CommandId } from '../../providers/common/command-ids.ts';
import { commandTo } from '../../providers/common/commands.ts';
import { setContextKey } from '../../providers/common/context-keys.ts';
import { onDidChangeSettings } from '../../providers/common/settings.ts';
import { strings as commonStrings } from '../../providers/common/strings.ts';
import { window } from '../../providers/common/window.ts';
import type { PolledStore } from './polled-store.ts';
import { strings } from './strings.ts';

/** The views of an account's resources. */
export type ResourceViewId = 'modal.sandboxes' | 'modal.snapshots' | 'modal.volumes';

/** A row that runs a command, shown if there is nothing to list. */
interface ActionRow {
  readonly action: { readonly label: string; readonly icon: string; readonly command: CommandId };
}

export interface ResourceTreeOptions<T, Row> {
  /** The view's ID. `<id>State` is the context key that its welcome content waits for. */
  readonly id: ResourceViewId;
  readonly refreshCommand: CommandId;
  readonly store: PolledStore<T>;
  readonly account: AccountState;
  /** The rows of a value. Without rows, the view shows its welcome content. */
  readonly roots: (value: T) => readonly Row[];
  readonly children?: (row: Row) => readonly Row[] | Promise<readonly Row[]>;
  /** The row as VS Code shows it. Its `id` must be stable, so that selected and expanded rows stay so. */
  readonly item: (row: Row) => vscode.TreeItem;
  readonly dragAndDrop?: vscode.TreeDragAndDropController<Row>;
  readonly canSelectMany?: boolean;
  /** Redraws the rows once a minute, since they show durations. */
  readonly showsTime?: boolean;
}

/** The maximum time for VS Code to show a view. */
const VISIBLE_TIMEOUT_MS = 5_000;

/** A tree that renders a store, which is polled only while the tree is visible. */
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
    this.view = window.createTreeView<Row | ActionRow>(id, {
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
      // Before the update below, so that nothing of another account or app is shown.
      options.account.onDidChange(() => store.reset()),
      onDidChangeSettings(() => this.update()),
    ];
    this.update();
  }

  dispose(): void {
    clearInterval(this.#clock);
    for (const each of this.#disposables) each.dispose();
  }

  /** Polls while the tree is visible and an account is chosen. */
  update(): void {
    const { store, account, showsTime } = this.#options;
    const watched = account.isChosen && this.view.visible;
    store.watch(watched);
    clearInterval(this.#clock);
    if (watched && showsTime) this.#clock = setInterval(() => this.#changed.fire(undefined), MINUTE_MS);
    this.#describe();
  }

  /** Redraws a row, or all of them, without a request. */
  redraw(row?: Row): void {
    this.#changed.fire(row);
  }

  /** Shows the view and refreshes it. */
  async open(): Promise<void> {
    await vscode.commands.executeCommand(`${this.#options.id}.focus`);
    if (!this.view.visible) await this.#visible();
    this.update();
    await this.#options.store.refresh();
  }

  /** Resolves when the view becomes visible, or after a timeout. */
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

  /** Reveals and selects a row of the first level. */
  async reveal(row: Row): Promise<void> {
    await this.view.reveal(row, { focus: true, expand: true });
  }

  /** Required by `reveal`. Only rows of the first level are revealed. */
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
    item.command = commandTo(command, label);
    return item;
  }

  #describe(): void {
    const { id, store, account } = this.#options;
    // Rows stay if a later request fails; the message above them says why they may be outdated.
    this.view.message = account.isChosen && store.error ? store.error : undefined;
    const state = store.error ? 'failed' : store.value ? 'loaded' : 'loading';
    setContextKey(`${id}State`, state);
  }
}

// A view shows either its message or its welcome content; the reason for a failure matters more.
function failedActions(refreshCommand: CommandId): ActionRow[] {
  return [
    { action: { label: strings.tryAgain(), icon: 'refresh', command: refreshCommand } },
    { action: { label: commonStrings.chooseAccount(), icon: 'account', command: 'modal.chooseAccount' } },
  ];
}
