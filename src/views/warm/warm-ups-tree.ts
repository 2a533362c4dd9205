import * as vscode from 'vscode';
import type { Event } from '../../base/events.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { WarmTarget } from '../../sandboxes/warm/pool.ts';
import type { WarmUpRecord } from '../../sandboxes/warm/warm-ups.ts';

/** The warm-ups, as the view shows them. */
export interface WarmUpsSource {
  targets(): Promise<readonly WarmTarget[]>;
  records(): Promise<readonly WarmUpRecord[]>;
  /** The number of warm sandboxes for a folder's profile. */
  count(folder: Folder, profileName: string): number;
  /** Why warm-ups of a folder's profile are paused; undefined if they aren't. */
  pauseReason(folder: Folder, profileName: string): string | undefined;
  readonly onDidChange: Event<void>;
}

type Row = WarmTarget | WarmUpRecord;

/** The Warm-ups view: what is kept ready now, and the last refreshes of all windows. Makes no call to Modal. */
export class WarmUpsTree implements vscode.TreeDataProvider<Row>, vscode.Disposable {
  readonly #source: WarmUpsSource;
  readonly #view: vscode.TreeView<Row>;
  readonly onDidChangeTreeData: Event<void>;

  constructor(source: WarmUpsSource) {
    this.#source = source;
    this.onDidChangeTreeData = source.onDidChange;
    this.#view = vscode.window.createTreeView('modal.warmUps', { treeDataProvider: this });
  }

  dispose(): void {
    this.#view.dispose();
  }

  async getChildren(row?: Row): Promise<Row[]> {
    if (row) return [];
    return [...(await this.#source.targets()), ...(await this.#source.records())];
  }

  getTreeItem(row: Row): vscode.TreeItem {
    return 'named' in row ? this.#targetItem(row) : recordItem(row);
  }

  #targetItem({ folder, named, warm }: WarmTarget): vscode.TreeItem {
    const ready = this.#source.count(folder, named.name);
    const paused = this.#source.pauseReason(folder, named.name);
    const item = new vscode.TreeItem(`${named.name} in ${folder.name}`);
    item.id = `target ${folder.path} ${named.name}`;
    item.description = paused ? `paused: ${paused}` : `${ready} of ${warm.sandboxes} ready`;
    item.iconPath = new vscode.ThemeIcon(paused ? 'debug-pause' : ready > 0 ? 'flame' : 'sync');
    const when = `Refreshed ${typeof warm.refresh === 'number' ? `every ${warm.refresh} minutes` : `at ${warm.refresh}`}`;
    item.tooltip = paused ? `Paused: ${paused}. ${when}` : when;
    item.accessibilityInformation = { label: `Warm-ups of ${named.name} in ${folder.name}, ${item.description}` };
    return item;
  }
}

function recordItem({ profile, folder, startedAt, endedAt, did, error }: WarmUpRecord): vscode.TreeItem {
  const time = new Date(startedAt).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  const item = new vscode.TreeItem(`${time} ${profile} in ${folder}`);
  item.id = `record ${startedAt} ${profile} ${folder}`;
  item.description = error ?? did.join(', ');
  item.tooltip = `${item.description}\n${new Date(startedAt).toLocaleString()}, ${Math.round((endedAt - startedAt) / 1000)} s`;
  item.iconPath = new vscode.ThemeIcon(error ? 'error' : 'pass');
  item.accessibilityInformation = { label: `Warm-up at ${time} of ${profile}, ${item.description}` };
  return item;
}
