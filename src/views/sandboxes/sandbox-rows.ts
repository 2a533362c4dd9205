import { HOUR_MS } from '../../base/clock.ts';
import { formatMinutes } from '../../base/text.ts';
import { type Mount, mountsIn } from '../../modal/mounts.ts';
import { aboutUsd, type Prices } from '../../modal/prices.ts';
import { endLabel, type SandboxPort, type SandboxSummary, sandboxLabel } from '../../modal/sandbox-list.ts';
import { isOwnTag, Tag } from '../../modal/sandboxes.ts';
import type { ListedPort } from '../../providers/ports/sandbox-ports.ts';
import type { RunningCommand } from '../../run/running-commands.ts';
import { strings } from './strings.ts';

/** The data of the Sandboxes view. */
export interface Sandboxes {
  /** Newest first. */
  readonly sandboxes: readonly SandboxSummary[];
  /** Undefined if sandboxes are free. */
  readonly prices: Prices | undefined;
}

/** The window's folders and computer, as in the tags of its sandboxes. */
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

/** A port or Unix socket that only this computer can reach. */
export interface PrivatePortRow extends ListedPort {
  readonly kind: 'privatePort';
}

/** A volume mounted in a sandbox. */
export interface MountRow extends Mount {
  readonly kind: 'mount';
  readonly sandboxId: string;
}

/** A fact about a sandbox. */
export interface DetailRow {
  readonly kind: 'detail';
  readonly id: string;
  readonly label: string;
  readonly text: string;
}

export type SandboxRow = GroupRow | SandboxSummary | CommandRow | PrivatePortRow | PortRow | MountRow | DetailRow;

/** Sorts sandboxes into the groups of the view, without empty groups. */
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
    ...group('folder', strings.thisFolder()),
    ...group('machine', strings.otherWindows()),
    ...group('others', strings.otherSandboxes()),
    ...group('ended', strings.stoppedToday()),
  ];
}

/** Describes a sandbox in one line: profile, durations in minutes, cost. `now` is in milliseconds since 1970. */
export function describeSandbox(sandbox: SandboxSummary, prices: Prices | undefined, now: number): string {
  const { state, end, createdAt, endedAt, endsAt, tags } = sandbox;
  const cost = prices && costUsd(sandbox, prices, now);
  const parts =
    state === 'ended'
      ? [
          end ? endLabel(end) : strings.stopped(),
          strings.ranFor(formatMinutes((endedAt ?? endsAt).getTime() - createdAt.getTime())),
        ]
      : [
          ...(state === 'starting' ? [strings.starting()] : []),
          formatMinutes(now - createdAt.getTime()),
          strings.timeLeft(formatMinutes(endsAt.getTime() - now)),
        ];
  return [tags[Tag.profile], ...parts, cost !== undefined && aboutUsd(cost)].filter(Boolean).join(' · ');
}

/** The facts in a sandbox's tooltip. */
export function factsOf(
  sandbox: SandboxSummary,
  prices: Prices | undefined,
  now: number,
): [label: string, text: string][] {
  const { createdAt, endedAt, endsAt, end } = sandbox;
  const cost = prices && costUsd(sandbox, prices, now);
  const stoppedAt = endedAt?.toLocaleString();
  return [
    [strings.startedAt(), createdAt.toLocaleString()],
    stoppedAt
      ? [strings.stoppedAt(), end ? strings.stoppedWithReason(stoppedAt, endLabel(end)) : stoppedAt]
      : [strings.expires(), endsAt.toLocaleString()],
    ...(cost === undefined ? [] : ([[strings.cost(), aboutUsd(cost)]] as [string, string][])),
    ...detailsOf(sandbox).flatMap((row): [string, string][] => (row.kind === 'detail' ? [[row.label, row.text]] : [])),
  ];
}

/** The estimated cost of a sandbox so far, in US dollars; undefined if the price of its GPU is unknown. */
export function costUsd(
  { hardware, createdAt, endedAt }: SandboxSummary,
  prices: Prices,
  now: number,
): number | undefined {
  const perHour = prices.perHourUsd(hardware);
  return perHour === undefined ? undefined : (perHour * ((endedAt?.getTime() ?? now) - createdAt.getTime())) / HOUR_MS;
}

/** The rows below a sandbox. */
export function detailsOf(sandbox: SandboxSummary): (PortRow | MountRow | DetailRow)[] {
  const { id, ports, hardware, idleTimeoutMs, imageId, tags } = sandbox;
  const detail = (label: string, text: string): DetailRow => ({ kind: 'detail', id: `${id}/${label}`, label, text });
  const { cpu, memoryMiB, gpu } = hardware;
  const machine = [
    gpu,
    cpu && (cpu === 1 ? strings.oneCore() : strings.cores(cpu)),
    memoryMiB && strings.memory(memoryMiB),
  ];
  const userTags = Object.entries(tags).filter(([name]) => !isOwnTag(name));
  return [
    ...ports.map((port): PortRow => ({ kind: 'port', sandboxId: id, ...port })),
    ...mountsIn(tags).map((mount): MountRow => ({ kind: 'mount', sandboxId: id, ...mount })),
    ...(tags[Tag.profile] ? [detail(strings.profile(), tags[Tag.profile] ?? '')] : []),
    ...(machine.some(Boolean) ? [detail(strings.hardware(), machine.filter(Boolean).join(', '))] : []),
    ...(idleTimeoutMs ? [detail(strings.idleTimeout(), formatMinutes(idleTimeoutMs))] : []),
    detail(strings.image(), imageId),
    ...userTags.map(([name, value]) => detail(strings.tag(name), value)),
    ...(sandboxLabel(sandbox) === id ? [] : [detail(strings.id(), id)]),
  ];
}
