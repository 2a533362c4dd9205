import * as vscode from 'vscode';
import type { WarmUpService } from '../../providers/warm/warm-up-service.ts';
import type { WarmTarget } from '../../sandboxes/warm/pool.ts';
import type { WarmUpRecord } from '../../sandboxes/warm/warm-ups.ts';

type Row = WarmTarget | WarmUpRecord;

/** The Warm-ups view: what is kept ready now, and the last refreshes of all windows. Makes no call to Modal. */
export class WarmUpsTree implements vscode.TreeDataProvider<Row>, vscode.Disposable {
  readonly #service: WarmUpService;
  readonly #view: vscode.TreeView<Row>;
  readonly onDidChangeTreeData: vscode.Event<void>;

  constructor(service: WarmUpService) {
    this.#service = service;
    this.onDidChangeTreeData = service.onDidChange;
    this.#view = vscode.window.createTreeView('modal.warmUps', { treeDataProvider: this });
  }

  dispose(): void {
    this.#view.dispose();
  }

  async getChildren(row?: Row): Promise<Row[]> {
    if (row) return [];
    const { warmUps } = this.#service;
    return [...(await this.#service.targets()), ...(await warmUps.records())];
  }

  getTreeItem(row: Row): vscode.TreeItem {
    return 'named' in row ? this.#targetItem(row) : recordItem(row);
  }

  #targetItem({ folder, named, warm }: WarmTarget): vscode.TreeItem {
    const { pool, warmUps } = this.#service;
    const ready = pool.count(folder, named.name);
    const paused = warmUps.paused.get(`${folder.path}\0${named.name}`);
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
