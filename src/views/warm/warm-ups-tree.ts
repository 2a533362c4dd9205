import * as vscode from 'vscode';
import type { Event } from '../../base/events.ts';
import { commandTo } from '../../providers/common/commands.ts';
import { window } from '../../providers/common/window.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { PauseReason } from '../../sandboxes/warm/pause-reason.ts';
import type { WarmTarget } from '../../sandboxes/warm/pool.ts';
import type { WarmUpRecord } from '../../sandboxes/warm/warm-ups.ts';
import { strings } from './strings.ts';

/** The warm-ups of this window. */
export interface WarmUpsSource {
  targets(): Promise<readonly WarmTarget[]>;
  records(): Promise<readonly WarmUpRecord[]>;
  /** The number of warm sandboxes for a folder's profile. */
  count(folder: Folder, profileName: string): number;
  /** Why warm-ups of a folder's profile are paused; undefined if they aren't. */
  pauseReason(folder: Folder, profileName: string): PauseReason | undefined;
  readonly onDidChange: Event<void>;
}

type Row = WarmTarget | WarmUpRecord;

/** The Warm-Ups view: the warm profiles, and the latest refreshes in all windows. Makes no requests to Modal. */
export class WarmUpsTree implements vscode.TreeDataProvider<Row>, vscode.Disposable {
  readonly #source: WarmUpsSource;
  readonly #view: vscode.TreeView<Row>;
  readonly onDidChangeTreeData: Event<void>;

  constructor(source: WarmUpsSource) {
    this.#source = source;
    this.onDidChangeTreeData = source.onDidChange;
    this.#view = window.createTreeView('modal.warmUps', { treeDataProvider: this });
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
    const item = new vscode.TreeItem(strings.target(named.name, folder.name));
    item.id = `target ${folder.path} ${named.name}`;
    item.description = paused ? strings.paused(paused.text) : strings.ready(ready, warm.sandboxes);
    const pauseIcon = paused?.needsPermission ? 'lock' : 'debug-pause';
    item.iconPath = new vscode.ThemeIcon(paused ? pauseIcon : ready > 0 ? 'flame' : 'sync');
    const refresh =
      typeof warm.refresh === 'number'
        ? strings.refreshedEvery(warm.refresh)
        : strings.refreshedOnSchedule(warm.refresh);
    item.tooltip = paused ? strings.pausedTooltip(paused.text, refresh) : refresh;
    if (paused?.needsPermission) {
      item.tooltip = strings.notAllowedTooltip(named.name, folder.name);
      item.contextValue = 'notAllowed';
      item.command = commandTo('modal.reviewPermissions', strings.review(), vscode.Uri.file(folder.path));
    }
    item.accessibilityInformation = { label: strings.targetLabel(named.name, folder.name, item.description) };
    return item;
  }
}

function recordItem({ profile, folder, startedAt, endedAt, did, error }: WarmUpRecord): vscode.TreeItem {
  const time = new Date(startedAt).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  const item = new vscode.TreeItem(strings.refresh(time, profile, folder));
  item.id = `record ${startedAt} ${profile} ${folder}`;
  const description = error ?? did.join(', ');
  const seconds = Math.round((endedAt - startedAt) / 1000);
  item.description = description;
  item.tooltip = strings.refreshTooltip(description, new Date(startedAt).toLocaleString(), seconds);
  item.iconPath = new vscode.ThemeIcon(error ? 'error' : 'pass');
  item.accessibilityInformation = { label: strings.refreshLabel(profile, time, description) };
  return item;
}
