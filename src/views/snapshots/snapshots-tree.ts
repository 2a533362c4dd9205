import * as vscode from 'vscode';
import { DAY_MS } from '../../base/clock.ts';
import { formatAgo, formatBytes, formatMinutes } from '../../base/text.ts';
import { publishedName } from '../../modal/snapshots.ts';
import type { AccountState } from '../../providers/common/account-state.ts';
import { isPause } from '../../sandboxes/pause.ts';
import { type SavePointGroup, type SavePointNode, savePointGroups } from '../../snapshots/save-points.ts';
import type { Snapshot, Snapshots } from '../../snapshots/snapshots.ts';
import { type Detail, detailItem } from '../common/detail-row.ts';
import { PolledStore } from '../common/polled-store.ts';
import { ResourceTree } from '../common/resource-tree.ts';
import { tooltipOf } from '../common/tooltip.ts';
import { labelOfGroup } from './save-point-commands.ts';
import { strings } from './strings.ts';

const POINT_ICONS = { manual: 'git-commit', automatic: 'history' } as const;
const ICONS = { ready: 'save', expired: 'history', deleted: 'warning' } as const;

/** A fact about a snapshot. */
interface DetailRow {
  readonly detail: Detail;
}

/** A save point, with the lines of save points that begin at it. */
interface PointRow extends Snapshot {
  readonly branches: SavePointNode['branches'];
}

/** A line of save points that begins where another one continued differently. */
interface BranchRow {
  readonly branch: readonly SavePointNode[];
}

export type SnapshotsRow = Snapshot | PointRow | SavePointGroup | BranchRow | DetailRow;

export function snapshotStore(snapshots: Snapshots): PolledStore<Snapshot[]> {
  return new PolledStore({ pollIntervalMs: 15_000, load: () => snapshots.list() });
}

/** The Snapshots view: the save points of each folder and profile, and the account's other snapshots, newest first. */
export function snapshotsTree(
  store: PolledStore<Snapshot[]>,
  account: AccountState,
): ResourceTree<Snapshot[], SnapshotsRow> {
  return new ResourceTree<Snapshot[], SnapshotsRow>({
    id: 'modal.snapshots',
    refreshCommand: 'modal.refreshSnapshots',
    store,
    account,
    roots: (snapshots) => [
      ...savePointGroups(snapshots),
      ...snapshots.filter(({ savePoint }) => savePoint === undefined),
    ],
    children: (row) => childrenOf(row, store.value ?? []),
    item: (row) => itemOf(row, store.value ?? []),
    canSelectMany: true,
    showsTime: true,
  });
}

function childrenOf(row: SnapshotsRow, all: readonly Snapshot[]): SnapshotsRow[] {
  if ('detail' in row) return [];
  if ('nodes' in row) return row.nodes.map(pointRow);
  if ('branch' in row) return row.branch.map(pointRow);
  const branches = 'branches' in row ? row.branches.map((branch) => ({ branch })) : [];
  return [...branches, ...detailsOf(row, all)];
}

function pointRow({ point, branches }: SavePointNode): PointRow {
  return { ...point, branches };
}

function itemOf(row: SnapshotsRow, all: readonly Snapshot[]): vscode.TreeItem {
  if ('detail' in row) return detailItem(row.detail);
  if ('nodes' in row) return groupItem(row);
  if ('branch' in row) return branchItem(row);
  return snapshotItem(row, all);
}

function groupItem(group: SavePointGroup): vscode.TreeItem {
  const item = new vscode.TreeItem(strings.savePoints(), vscode.TreeItemCollapsibleState.Expanded);
  item.id = `points ${group.folderKey} ${group.profile}`;
  item.description = labelOfGroup(group);
  item.iconPath = new vscode.ThemeIcon('git-commit');
  item.contextValue = 'savePoints';
  return item;
}

function branchItem({ branch }: BranchRow): vscode.TreeItem {
  const first = branch.at(-1)?.point;
  const item = new vscode.TreeItem(strings.branch(), vscode.TreeItemCollapsibleState.Expanded);
  item.id = `branch ${first?.id}`;
  item.description = first && new Date(first.createdAt).toLocaleString();
  item.iconPath = new vscode.ThemeIcon('git-branch');
  return item;
}

/** `expires in 30 days · 3.4 MB`, `no expiration`, `expired`, `deleted outside VS Code`. */
export function describeSnapshot({ state, expiresAt, sizeBytes, path }: Snapshot, now: number): string {
  const until = expiresAt === null ? strings.doesNotExpire() : strings.expiresIn(formatDays(expiresAt - now));
  const life = { ready: until, expired: strings.expired(), deleted: strings.deletedElsewhere() }[state];
  return [life, path, sizeBytes !== undefined && formatBytes(sizeBytes)].filter(Boolean).join(' · ');
}

function formatDays(ms: number): string {
  const days = Math.round(ms / DAY_MS);
  return days < 2 ? formatMinutes(ms) : strings.days(days);
}

function snapshotItem(snapshot: Snapshot | PointRow, all: readonly Snapshot[]): vscode.TreeItem {
  const { id, name, state, expiresAt } = snapshot;
  const hasBranches = 'branches' in snapshot && snapshot.branches.length > 0;
  const { Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
  const item = new vscode.TreeItem(name, hasBranches ? Expanded : Collapsed);
  // VS Code would keep a row collapsed that has become a branch.
  item.id = hasBranches ? `${id}/branches` : id;
  const { savePoint, createdAt } = snapshot;
  const life = describeSnapshot(snapshot, Date.now());
  item.description = savePoint ? strings.pointDescription(formatAgo(Date.now() - createdAt), life) : life;
  const until = expiresAt === null ? strings.never() : new Date(expiresAt).toLocaleString();
  item.tooltip = tooltipOf(name, [[strings.expires(), until], ...factsOf(snapshot, all)]);
  item.iconPath = new vscode.ThemeIcon(state === 'ready' && savePoint ? POINT_ICONS[savePoint] : ICONS[state]);
  item.contextValue = state !== 'ready' ? 'goneSnapshot' : contextOf(snapshot);
  item.accessibilityInformation = { label: strings.snapshotLabel(name, item.description) };
  return item;
}

function contextOf(snapshot: Snapshot): string {
  if (isPause(snapshot)) return 'snapshot,paused';
  return snapshot.savePoint ? 'snapshot,point' : 'snapshot';
}

function detailsOf(snapshot: Snapshot, all: readonly Snapshot[]): DetailRow[] {
  return factsOf(snapshot, all).map(([label, text]) => ({ detail: { id: `${snapshot.id}/${label}`, label, text } }));
}

function factsOf(snapshot: Snapshot, all: readonly Snapshot[]): [label: string, text: string][] {
  const { id, createdAt, folderName, profile, parent, imageId } = snapshot;
  const parentName = parent && (all.find((each) => each.id === parent)?.name ?? strings.deletedSnapshot());
  const facts: [string, string | undefined][] = [
    [strings.created(), new Date(createdAt).toLocaleString()],
    [strings.folder(), folderName],
    [strings.profile(), profile],
    [strings.from(), parentName],
    [strings.image(), imageId],
    [strings.name(), publishedName(id)],
  ];
  return facts.flatMap(([label, text]): [string, string][] => (text ? [[label, text]] : []));
}
