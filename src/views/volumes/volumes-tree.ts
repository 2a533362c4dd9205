import * as vscode from 'vscode';
import { formatBytes } from '../../base/text.ts';
import { listVolumeFiles, listVolumes, type VolumeEntry, type VolumeSummary } from '../../modal/volumes.ts';
import type { AccountState } from '../../providers/common/account-state.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { RECORDS_VOLUME } from '../../snapshots/records.ts';
import { PolledStore } from '../common/polled-store.ts';
import { ResourceTree } from '../common/resource-tree.ts';
import { oneLine } from '../common/tooltip.ts';
import { PAGE_ROWS, VolumeBrowser } from './volume-browser.ts';

/** Made once: a thousand rows that each make one take fifty milliseconds longer. */
const SHORT_TIME = new Intl.DateTimeFormat([], { dateStyle: 'medium', timeStyle: 'short' });

export interface VolumeRow {
  readonly kind: 'volume';
  readonly volume: VolumeSummary;
}

/** A file or folder of a volume. */
export interface EntryRow {
  readonly kind: 'entry';
  readonly volume: VolumeSummary;
  readonly entry: VolumeEntry;
}

/** The rest of a long folder. */
export interface MoreRow {
  readonly kind: 'more';
  readonly volume: VolumeSummary;
  readonly path: string;
  readonly count: number;
}

interface ProblemRow {
  readonly kind: 'problem';
  readonly volume: VolumeSummary;
  readonly path: string;
  readonly text: string;
}

export type VolumesRow = VolumeRow | EntryRow | MoreRow | ProblemRow;

export interface VolumesTreeOptions {
  readonly sessions: Sessions;
  readonly account: AccountState;
  readonly uriOf: (volume: VolumeSummary, path: string) => vscode.Uri;
  readonly dragAndDrop: vscode.TreeDragAndDropController<VolumesRow>;
}

export interface VolumesTree {
  readonly tree: ResourceTree<VolumeSummary[], VolumesRow>;
  readonly store: PolledStore<VolumeSummary[]>;
  readonly browser: VolumeBrowser;
}

/** The Volumes view: volumes of the environment, and below them their folders and files as they are unfolded. */
export function volumesTree({ sessions, account, uriOf, dragAndDrop }: VolumesTreeOptions): VolumesTree {
  const client = async () => (await sessions.connection()).client;
  const store = new PolledStore({ pollMs: 15_000, load: async () => listVolumes(await client()) });
  const browser = new VolumeBrowser({
    list: async (volume, path) => listVolumeFiles(await client(), volume, path),
    onChange: () => tree.redraw(),
  });
  const tree = new ResourceTree<VolumeSummary[], VolumesRow>({
    id: 'modal.volumes',
    refreshCommand: 'modal.refreshVolumes',
    store,
    account,
    roots: (volumes) => volumes.map((volume) => ({ kind: 'volume', volume })),
    children: async (row) => {
      const path = folderOf(row);
      if (path === undefined) return [];
      const { volume } = row;
      const { entries, more, error } = await browser.open(volume, path);
      return [
        ...(error ? [{ kind: 'problem' as const, volume, path, text: error }] : []),
        ...entries.map((entry): EntryRow => ({ kind: 'entry', volume, entry })),
        ...(more > 0 ? [{ kind: 'more' as const, volume, path, count: more }] : []),
      ];
    },
    item: (row) => itemOf(row, uriOf),
    dragAndDrop,
    canSelectMany: true,
  });
  store.onDidChange(() => browser.keep(store.value?.map(({ id }) => id) ?? []));
  const setUnfolded = (row: object, isUnfolded: boolean) => {
    const path = 'kind' in row ? folderOf(row as VolumesRow) : undefined;
    if (path !== undefined) browser.setUnfolded((row as VolumesRow).volume, path, isUnfolded);
  };
  tree.view.onDidExpandElement(({ element }) => setUnfolded(element, true));
  tree.view.onDidCollapseElement(({ element }) => setUnfolded(element, false));
  tree.view.onDidChangeVisibility(({ visible }) => browser.setVisible(visible));
  return { tree, store, browser };
}

/** The path of a row that is a folder. */
export function folderOf(row: VolumesRow): string | undefined {
  if (row.kind === 'volume') return '/';
  return row.kind === 'entry' && row.entry.type === 'directory' ? row.entry.path : undefined;
}

function itemOf(row: VolumesRow, uriOf: VolumesTreeOptions['uriOf']): vscode.TreeItem {
  switch (row.kind) {
    case 'volume':
      return volumeItem(row.volume);
    case 'entry':
      return entryItem(row.volume, row.entry, uriOf(row.volume, row.entry.path));
    case 'more':
      return moreItem(row);
    case 'problem':
      return problemItem(row);
  }
}

function volumeItem({ id, name, version, createdAt }: VolumeSummary): vscode.TreeItem {
  const item = new vscode.TreeItem(name, vscode.TreeItemCollapsibleState.Collapsed);
  item.id = id;
  // By its name alone it looks like something to clear away.
  item.description = name === RECORDS_VOLUME ? 'the list of snapshots' : `version ${version}`;
  item.tooltip = `${id}\nVersion ${version}, made ${createdAt.toLocaleString()}`;
  item.iconPath = new vscode.ThemeIcon('database');
  item.contextValue = 'volume';
  item.accessibilityInformation = { label: `Volume ${name}, ${item.description}` };
  return item;
}

function entryItem(volume: VolumeSummary, entry: VolumeEntry, uri: vscode.Uri): vscode.TreeItem {
  const { Collapsed, None } = vscode.TreeItemCollapsibleState;
  const { type, name, bytes, modifiedMs, path } = entry;
  const label = oneLine(name);
  const isFolder = type === 'directory';
  const item = new vscode.TreeItem(label, isFolder ? Collapsed : None);
  const modified = SHORT_TIME.format(modifiedMs);
  item.id = `${volume.id}${path}`;
  item.description = isFolder ? modified : `${formatBytes(bytes)} · ${modified}`;
  item.tooltip = `${path}\n${item.description}`;
  item.resourceUri = uri;
  item.iconPath = isFolder ? vscode.ThemeIcon.Folder : vscode.ThemeIcon.File;
  item.contextValue = isFolder ? 'folder' : 'file';
  if (type === 'file') item.command = { title: 'Open', command: 'vscode.open', arguments: [uri] };
  item.accessibilityInformation = { label: `${isFolder ? 'Folder' : 'File'} ${label}, ${item.description}` };
  return item;
}

function moreItem({ volume, path, count }: MoreRow): vscode.TreeItem {
  const title = `Show ${Math.min(count, PAGE_ROWS).toLocaleString()} more of ${count.toLocaleString()}`;
  const item = new vscode.TreeItem(title);
  item.id = `${volume.id}${path}//more`;
  item.iconPath = new vscode.ThemeIcon('ellipsis');
  item.command = { title, command: 'modal.showMoreOfVolume', arguments: [{ volume, path }] };
  return item;
}

function problemItem({ volume, path, text }: ProblemRow): vscode.TreeItem {
  const item = new vscode.TreeItem('Try Again');
  item.id = `${volume.id}${path}//problem`;
  item.description = text;
  item.tooltip = text;
  item.iconPath = new vscode.ThemeIcon('refresh');
  item.command = { title: 'Try Again', command: 'modal.refreshVolumes' };
  item.accessibilityInformation = { label: `${text} Try again` };
  return item;
}
