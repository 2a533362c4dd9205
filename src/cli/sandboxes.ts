import { DAY_MS } from '../base/clock.ts';
import { formatMinutes } from '../base/text.ts';
import { aboutUsd, formatUsd } from '../modal/prices.ts';
import { type SandboxSummary, sandboxLabel } from '../modal/sandbox-list.ts';
import { Tag, userTags } from '../modal/sandboxes.ts';
import type { Context } from './context.ts';
import { textOf } from './flags.ts';
import { table } from './output.ts';
import { strings } from './strings.ts';

/** `sandboxes status`: describes the folder's sandbox. */
export async function status({ output, service }: Context): Promise<number> {
  const found = await (await service()).status();
  const { sandbox } = found;
  const rows: [string, string][] = [
    [strings.folder(), found.folder],
    [strings.account(), found.account],
    [strings.profile(), found.profile],
    [strings.sandbox(), sandbox?.sandboxId ?? strings.none()],
  ];
  if (sandbox) {
    rows.push([strings.timeLeft(), formatMinutes(Math.max(sandbox.endsAt - Date.now(), 0))]);
    rows.push([strings.idleTimeout(), formatMinutes(sandbox.idleTimeoutMs)]);
    if (sandbox.pricePerHourUsd !== undefined)
      rows.push([strings.price(), strings.perHour(formatUsd(sandbox.pricePerHourUsd))]);
  }
  if (!found.isLocal) rows.push([strings.spentToday(), aboutUsd(found.spentTodayUsd)]);
  output.result(found, table(rows));
  return 0;
}

/** `sandboxes ls`: lists the sandboxes of the account. */
export async function ls({ flags, output, service }: Context): Promise<number> {
  const found = await (await service()).list(flags.all === true ? DAY_MS : 0);
  const rows = found.map((each) => [
    each.id,
    sandboxLabel(each),
    each.tags[Tag.profile] ?? '',
    each.state,
    strings.startedAt(each.createdAt.toLocaleString()),
  ]);
  output.result(found.map(jsonOf), rows.length === 0 ? '' : table(rows));
  if (rows.length === 0) output.status(strings.noSandboxes());
  return 0;
}

function jsonOf(sandbox: SandboxSummary) {
  const { id, state, createdAt, endsAt, endedAt, hardware, ports, tags } = sandbox;
  return {
    id,
    label: sandboxLabel(sandbox),
    profile: tags[Tag.profile],
    state,
    createdAt,
    endsAt,
    endedAt,
    hardware,
    ports,
    tags: userTags(tags),
  };
}

/** `sandboxes snapshot`: takes a snapshot, and prints its ID. */
export async function snapshot({ flags, output, signal, service }: Context): Promise<number> {
  const opened = await service();
  const name = textOf(flags, 'name') ?? strings.snapshotName(opened.folder.name, new Date().toISOString().slice(0, 16));
  output.progress(strings.takingSnapshot());
  const id = await opened.snapshot(name, { sandboxId: textOf(flags, 'sandbox'), signal });
  output.result({ id, name }, id);
  return 0;
}

/** `sandboxes fork`: starts a second sandbox with the same files, and prints its ID. */
export async function fork({ flags, output, signal, service }: Context): Promise<number> {
  const opened = await service();
  output.progress(strings.forking());
  const sandboxId = await opened.fork({ sandboxId: textOf(flags, 'sandbox'), signal });
  output.result({ sandboxId }, sandboxId);
  return 0;
}

/** `sandboxes stop`: terminates the folder's sandbox, or those with the given IDs. */
export async function stop({ args, output, service }: Context): Promise<number> {
  const opened = await service();
  const stopped =
    args.length === 0 ? [await opened.terminate()] : await Promise.all(args.map((id) => opened.terminate(id)));
  const ids = stopped.filter((id) => id !== undefined);
  output.result({ stopped: ids }, ids.join('\n'));
  if (ids.length === 0) output.status(strings.noneToStop(opened.folder.name));
  return 0;
}
