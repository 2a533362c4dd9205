import { formatMinutes } from '../../base/text.ts';
import { type Mount, mountsIn } from '../../modal/mounts.ts';
import { aboutUsd, type Prices } from '../../modal/prices.ts';
import { endLabel, type SandboxPort, type SandboxSummary, sandboxLabel } from '../../modal/sandbox-list.ts';
import { isOwnTag, Tag } from '../../modal/sandboxes.ts';
import type { RunningCommand } from '../../run/running-commands.ts';

/** What the Sandboxes view shows. */
export interface Sandboxes {
  /** Newest first. */
  readonly sandboxes: readonly SandboxSummary[];
  /** Undefined if sandboxes are free. */
  readonly prices: Prices | undefined;
}

/** Where the window is, in the words of sandboxes' tags. */
export interface Origin {
  readonly folderKeys: readonly string[];
  readonly machineKey: string;
}

export interface GroupRow {
  readonly kind: 'group';
  readonly id: 'folder' | 'machine' | 'others' | 'ended';
  readonly label: string;
  readonly sandboxes: readonly SandboxSummary[];
}

export interface CommandRow extends RunningCommand {
  readonly kind: 'command';
}

export interface PortRow extends SandboxPort {
  readonly kind: 'port';
  readonly sandboxId: string;
}

/** A volume in a sandbox. */
export interface MountRow extends Mount {
  readonly kind: 'mount';
  readonly sandboxId: string;
}

/** Something to know about a sandbox. */
export interface DetailRow {
  readonly kind: 'detail';
  readonly id: string;
  readonly label: string;
  readonly text: string;
}

export type SandboxRow = GroupRow | SandboxSummary | CommandRow | PortRow | MountRow | DetailRow;

/** Sorts sandboxes into the groups of the view; groups of nothing are left out. */
export function groupsOf({ sandboxes }: Sandboxes, origin: Origin): GroupRow[] {
  const groupOf = ({ state, tags }: SandboxSummary): GroupRow['id'] => {
    if (state === 'ended') return 'ended';
    if (tags[Tag.machine] !== undefined && tags[Tag.machine] !== origin.machineKey) return 'others';
    if (origin.folderKeys.includes(tags[Tag.folder] ?? '')) return 'folder';
    return tags[Tag.machine] === origin.machineKey ? 'machine' : 'others';
  };
  const members = Map.groupBy(sandboxes, groupOf);
  const group = (id: GroupRow['id'], label: string): GroupRow[] => {
    const found = members.get(id);
    return found ? [{ kind: 'group', id, label, sandboxes: found }] : [];
  };
  return [
    ...group('folder', 'This Folder'),
    ...group('machine', 'Other Windows of This Machine'),
    ...group('others', 'Others in the App'),
    ...group('ended', 'Ended Today'),
  ];
}

/** One line about a sandbox: its profile, and times to the minute. `now` in milliseconds since 1970. */
export function describeSandbox(sandbox: SandboxSummary, prices: Prices | undefined, now: number): string {
  const { state, end, createdAt, endedAt, endsAt, tags } = sandbox;
  const cost = prices && costUsd(sandbox, prices, now);
  const parts =
    state === 'ended'
      ? [end ? endLabel(end) : 'ended', `after ${formatMinutes((endedAt ?? endsAt).getTime() - createdAt.getTime())}`]
      : [
          ...(state === 'starting' ? ['starting'] : []),
          formatMinutes(now - createdAt.getTime()),
          `${formatMinutes(endsAt.getTime() - now)} left`,
        ];
  return [tags[Tag.profile], ...parts, cost !== undefined && aboutUsd(cost)].filter(Boolean).join(' · ');
}

/** What there is to know about a sandbox at a glance, each fact with its label. */
export function factsOf(
  sandbox: SandboxSummary,
  prices: Prices | undefined,
  now: number,
): [label: string, text: string][] {
  const { createdAt, endedAt, endsAt, end } = sandbox;
  const cost = prices && costUsd(sandbox, prices, now);
  return [
    ['Started', createdAt.toLocaleString()],
    endedAt
      ? ['Ended', `${endedAt.toLocaleString()}${end ? ` (${endLabel(end)})` : ''}`]
      : ['Ends at the latest', endsAt.toLocaleString()],
    ...(cost === undefined ? [] : ([['Cost', aboutUsd(cost)]] as [string, string][])),
    ...detailsOf(sandbox).flatMap((row): [string, string][] => (row.kind === 'detail' ? [[row.label, row.text]] : [])),
  ];
}

/** Estimated price of a sandbox until now or its end, in US dollars; absent when its GPU's price is not known. */
export function costUsd(
  { hardware, createdAt, endedAt }: SandboxSummary,
  prices: Prices,
  now: number,
): number | undefined {
  const perHour = prices.perHourUsd(hardware);
  return perHour === undefined
    ? undefined
    : (perHour * ((endedAt?.getTime() ?? now) - createdAt.getTime())) / 3_600_000;
}

/** What there is to know below a sandbox. */
export function detailsOf(sandbox: SandboxSummary): (PortRow | MountRow | DetailRow)[] {
  const { id, ports, hardware, idleTimeoutMs, imageId, tags } = sandbox;
  const detail = (label: string, text: string): DetailRow => ({ kind: 'detail', id: `${id}/${label}`, label, text });
  const { cpu, memoryMiB, gpu } = hardware;
  const machine = [gpu, cpu && `${cpu} ${cpu === 1 ? 'core' : 'cores'}`, memoryMiB && `${memoryMiB} MiB`];
  const foreign = Object.entries(tags).filter(([name]) => !isOwnTag(name));
  return [
    ...ports.map((port): PortRow => ({ kind: 'port', sandboxId: id, ...port })),
    ...mountsIn(tags).map((mount): MountRow => ({ kind: 'mount', sandboxId: id, ...mount })),
    ...(tags[Tag.profile] ? [detail('Profile', tags[Tag.profile] ?? '')] : []),
    ...(machine.some(Boolean) ? [detail('Hardware', machine.filter(Boolean).join(', '))] : []),
    ...(idleTimeoutMs ? [detail('Ends when idle for', formatMinutes(idleTimeoutMs))] : []),
    detail('Image', imageId),
    ...foreign.map(([name, value]) => detail(`Tag ${name}`, value)),
    ...(sandboxLabel(sandbox) === id ? [] : [detail('Id', id)]),
  ];
}
