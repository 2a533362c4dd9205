import * as vscode from 'vscode';
import { formatBytes, visibleName } from '../../base/text.ts';
import { listVolumeFiles, listVolumes, type VolumeEntry, type VolumeSummary } from '../../modal/volumes.ts';
import type { AccountState } from '../../providers/common/account-state.ts';
import { commandTo } from '../../providers/common/commands.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { RECORDS_VOLUME } from '../../snapshots/records.ts';
import { PolledStore } from '../common/polled-store.ts';
import { ResourceTree } from '../common/resource-tree.ts';
import { strings as commonStrings } from '../common/strings.ts';
import { strings } from './strings.ts';
import { PAGE_ROWS, VolumeBrowser } from './volume-browser.ts';

/** Shared: creating a formatter for each of a thousand rows takes 50 ms. */

export interface VolumeRow {
  readonly kind: 'volume';
  readonly volume: VolumeSummary;
}

/** A file or folder in a volume. */
export interface EntryRow {
  readonly kind: 'entry';
  readonly volume: VolumeSummary;
  readonly entry: VolumeEntry;
}

/** Stands for the entries of a long folder that aren't shown yet. */
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

/** The Volumes view: the volumes of the environment with their folders and files, which are listed when expanded. */
export function volumesTree({ sessions, account, uriOf, dragAndDrop }: VolumesTreeOptions): VolumesTree {
  const client = async () => (await sessions.connection()).client;
  const store = new PolledStore({ pollIntervalMs: 15_000, load: async () => listVolumes(await client()) });
  const browser = new VolumeBrowser({
    list: async (volume, path) => listVolumeFiles(await client(), volume, path),
    onChange: () => tree.redraw(),
  });
  // Created once and late: it takes 10 ms.
  let shortTime: Intl.DateTimeFormat | undefined;
  const timeOf = (timeMs: number) => {
    shortTime ??= new Intl.DateTimeFormat([], { dateStyle: 'medium', timeStyle: 'short' });
    return shortTime.format(timeMs);
  };
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
    item: (row) => itemOf(row, uriOf, timeOf),
    dragAndDrop,
    canSelectMany: true,
  });
  store.onDidChange(() => browser.keep(store.value?.map(({ id }) => id) ?? []));
  const setExpanded = (row: object, isExpanded: boolean) => {
    const path = 'kind' in row ? folderOf(row as VolumesRow) : undefined;
    if (path !== undefined) browser.setExpanded((row as VolumesRow).volume, path, isExpanded);
  };
  tree.view.onDidExpandElement(({ element }) => setExpanded(element, true));
  tree.view.onDidCollapseElement(({ element }) => setExpanded(element, false));
  tree.view.onDidChangeVisibility(({ visible }) => browser.setVisible(visible));
  return { tree, store, browser };
}

/** The path of a row that is a folder; undefined for other rows. */
export function folderOf(row: VolumesRow): string | undefined {
  if (row.kind === 'volume') return '/';
  return row.kind === 'entry' && row.entry.type === 'directory' ? row.entry.path : undefined;
}

function itemOf(
  row: VolumesRow,
  uriOf: VolumesTreeOptions['uriOf'],
  timeOf: (timeMs: number) => string,
): vscode.TreeItem {
  switch (row.kind) {
    case 'volume':
      return volumeItem(row.volume);
    case 'entry':
      return entryItem(row.volume, row.entry, uriOf(row.volume, row.entry.path), timeOf(row.entry.modifiedMs));
    case 'more':
      return moreItem(row);
    case 'problem':
      return problemItem(row);
  }
}

function volumeItem({ id, name, version, createdAt }: VolumeSummary): vscode.TreeItem {
  const item = new vscode.TreeItem(name, vscode.TreeItemCollapsibleState.Collapsed);
  // The name alone doesn't show that snapshots need it.
  const description = name === RECORDS_VOLUME ? strings.snapshotRecords() : strings.version(version);
  item.id = id;
  item.description = description;
  item.tooltip = strings.volumeTooltip(id, version, createdAt.toLocaleString());
  item.iconPath = new vscode.ThemeIcon('database');
  item.contextValue = 'volume';
  item.accessibilityInformation = { label: strings.volumeLabel(name, description) };
  return item;
}

function entryItem(volume: VolumeSummary, entry: VolumeEntry, uri: vscode.Uri, modified: string): vscode.TreeItem {
  const { Collapsed, None } = vscode.TreeItemCollapsibleState;
  const { type, name, bytes, path } = entry;
  const label = visibleName(name);
  const isFolder = type === 'directory';
  const item = new vscode.TreeItem(label, isFolder ? Collapsed : None);
  item.id = `${volume.id}${path}`;
  const description = isFolder ? modified : `${formatBytes(bytes)} · ${modified}`;
  item.description = description;
  item.tooltip = `${visibleName(path)}\n${description}`;
  item.resourceUri = uri;
  item.iconPath = isFolder ? vscode.ThemeIcon.Folder : vscode.ThemeIcon.File;
  item.contextValue = isFolder ? 'folder' : 'file';
  if (type === 'file') item.command = { title: strings.open(), command: 'vscode.open', arguments: [uri] };
  item.accessibilityInformation = {
    label: isFolder ? strings.folderLabel(label, description) : strings.fileLabel(label, description),
  };
  return item;
}

function moreItem({ volume, path, count }: MoreRow): vscode.TreeItem {
  const title = strings.showMore(Math.min(count, PAGE_ROWS).toLocaleString(), count.toLocaleString());
  const item = new vscode.TreeItem(title);
  item.id = `${volume.id}${path}//more`;
  item.iconPath = new vscode.ThemeIcon('ellipsis');
  item.command = commandTo('modal.showMoreOfVolume', title, { volume, path });
  return item;
}

function problemItem({ volume, path, text }: ProblemRow): vscode.TreeItem {
  const item = new vscode.TreeItem(commonStrings.tryAgain());
  item.id = `${volume.id}${path}//problem`;
  item.description = text;
  item.tooltip = text;
  item.iconPath = new vscode.ThemeIcon('refresh');
  item.command = commandTo('modal.refreshVolumes', commonStrings.tryAgain());
  item.accessibilityInformation = { label: `${text} ${commonStrings.tryAgain()}` };
  return item;
}
