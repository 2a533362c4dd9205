import type { Sandbox } from 'modal';
import { runningSandboxes, type SandboxSummary } from '../modal/sandbox-list.ts';
import { Tag } from '../modal/sandboxes.ts';
import { endSandbox } from '../modal/start-notes.ts';
import type { Profile } from '../profiles/schema.ts';
import type { Connection } from './connection.ts';
import type { SandboxLedger } from './ledger.ts';
import type { MachineState } from './machine-state.ts';
import { folderKey, machineKey } from './sandbox-origin.ts';
import { definitionKey, type Owner, ownerTags } from './sandbox-spec.ts';

/** The maximum time for another window to handle one sandbox. */
const LOCK_MS = 60_000;
/** The share of its lifetime that a sandbox must have left. */
const MIN_REMAINING_SHARE = 0.25;

/** A sandbox that this window takes over from another. */
export interface Adopted {
  readonly sandbox: Sandbox;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** The window that started it. */
  readonly windowId: string;
}

/**
 * Finds sandboxes of the owner's folder and profile that windows on this computer have left behind. One that matches the
 * profile is taken over, unless it's about to be ended; the others are ended, unless `keeps` says otherwise. Sandboxes of windows
 * that still run are left alone.
 */
export async function adopt(
  { client, app }: Connection,
  machine: MachineState,
  owner: Owner,
  profile: Profile,
  { ledger, keeps }: { readonly ledger: Pick<SandboxLedger, 'isDue'>; keeps(sandboxId: string): Promise<boolean> },
): Promise<Adopted | undefined> {
  const { folder, profileName } = owner;
  const tags = { [Tag.folder]: folderKey(folder.path), [Tag.machine]: machineKey(), [Tag.profile]: profileName };
  let adopted: Adopted | undefined;
  for (const found of await runningSandboxes(client, app, tags)) {
    if (!(await isLeftBehind(machine, found.tags[Tag.window]))) continue;
    const release = await machine.lock(`adopt-${found.id}`, LOCK_MS);
    if (!release) continue;
    try {
      const sandbox = await client.sandboxes.fromId(found.id);
      const windowId = (await sandbox.getTags())[Tag.window];
      if (!windowId || !(await isLeftBehind(machine, windowId))) continue;
      if (!adopted && isUsable(found, profile) && !(await ledger.isDue(found.id))) {
        await sandbox.setTags({ ...found.tags, ...ownerTags(owner, profile) });
        adopted = { sandbox, windowId, startedAt: found.createdAt.getTime() };
      } else if (!(await keeps(found.id))) {
        await endSandbox(client, sandbox);
      }
    } finally {
      await release();
    }
  }
  return adopted;
}

async function isLeftBehind(machine: MachineState, windowId: string | undefined): Promise<boolean> {
  return windowId !== undefined && windowId !== machine.windowId && !(await machine.isAlive(windowId));
}

/** Matches the profile, with enough of its lifetime left. Only sandboxes that run a setup have a name. */
function isUsable({ name, tags, createdAt, endsAt }: SandboxSummary, profile: Profile): boolean {
  const lifeMs = endsAt.getTime() - createdAt.getTime();
  if (name !== undefined || tags[Tag.definition] !== definitionKey(profile)) return false;
  return endsAt.getTime() - Date.now() > lifeMs * MIN_REMAINING_SHARE;
}

/**
 * Takes over a sandbox that another window has handed over; undefined if it has ended or belongs to another window by
 * now.
 */
export async function takeHandedOver(
  { client }: Connection,
  machine: MachineState,
  { sandboxId, windowId }: { readonly sandboxId: string; readonly windowId: string },
): Promise<Sandbox | undefined> {
  const release = await machine.lock(`adopt-${sandboxId}`, LOCK_MS);
  if (!release) return undefined;
  try {
    const sandbox = await client.sandboxes.fromId(sandboxId);
    const [tags, exitCode] = await Promise.all([sandbox.getTags(), sandbox.poll()]);
    if (exitCode !== null || tags[Tag.window] !== windowId) return undefined;
    await sandbox.setTags({ ...tags, [Tag.window]: machine.windowId });
    return sandbox;
  } finally {
    await release();
  }
}
