import * as vscode from 'vscode';
import { DAY_MS } from '../../base/clock.ts';
import { formatBytes, formatMinutes } from '../../base/text.ts';
import { publishedName } from '../../modal/snapshots.ts';
import type { AccountState } from '../../providers/common/account-state.ts';
import { isPause } from '../../sandboxes/pause.ts';
import type { Snapshot, Snapshots } from '../../snapshots/snapshots.ts';
import { type Detail, detailItem } from '../common/detail-row.ts';
import { PolledStore } from '../common/polled-store.ts';
import { ResourceTree } from '../common/resource-tree.ts';
import { tooltipOf } from '../common/tooltip.ts';
import { strings } from './strings.ts';

const ICONS = { ready: 'save', expired: 'history', deleted: 'warning' } as const;

/** A fact about a snapshot. */
interface DetailRow {
  readonly detail: Detail;
}

export type SnapshotsRow = Snapshot | DetailRow;

export function snapshotStore(snapshots: Snapshots): PolledStore<Snapshot[]> {
  return new PolledStore({ pollIntervalMs: 15_000, load: () => snapshots.list() });
}

/** The Snapshots view: the account's snapshots, newest first. */
export function snapshotsTree(
  store: PolledStore<Snapshot[]>,
  account: AccountState,
): ResourceTree<Snapshot[], SnapshotsRow> {
  return new ResourceTree<Snapshot[], SnapshotsRow>({
    id: 'modal.snapshots',
    refreshCommand: 'modal.refreshSnapshots',
    store,
    account,
    roots: (snapshots) => snapshots,
    children: (row) => ('detail' in row ? [] : detailsOf(row, store.value ?? [])),
    item: (row) => ('detail' in row ? detailItem(row.detail) : snapshotItem(row, store.value ?? [])),
    canSelectMany: true,
    showsTime: true,
  });
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

function snapshotItem(snapshot: Snapshot, all: readonly Snapshot[]): vscode.TreeItem {
  const { id, name, state, expiresAt } = snapshot;
  const item = new vscode.TreeItem(name, vscode.TreeItemCollapsibleState.Collapsed);
  item.id = id;
  item.description = describeSnapshot(snapshot, Date.now());
  const until = expiresAt === null ? strings.never() : new Date(expiresAt).toLocaleString();
  item.tooltip = tooltipOf(name, [[strings.expires(), until], ...factsOf(snapshot, all)]);
  item.iconPath = new vscode.ThemeIcon(ICONS[state]);
  item.contextValue = state !== 'ready' ? 'goneSnapshot' : isPause(snapshot) ? 'snapshot,paused' : 'snapshot';
  item.accessibilityInformation = { label: strings.snapshotLabel(name, item.description) };
  return item;
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
