import type { Sandbox } from 'modal';
import { runningSandboxes, type SandboxSummary } from '../modal/sandbox-list.ts';
import { Tag } from '../modal/sandboxes.ts';
import type { Profile } from '../profiles/schema.ts';
import type { Connection } from './connection.ts';
import type { Machine } from './machine-state.ts';
import { folderKey, machineKey } from './sandbox-origin.ts';
import { definitionKey, type Owner, ownerTags } from './sandbox-spec.ts';

/** How long another window may be busy with one sandbox. */
const LOCK_MS = 60_000;
/** The part of its lifetime that a sandbox must have left. */
const LEAST_LIFE = 0.25;

/** A sandbox of a window that is gone, which this window goes on with. */
export interface Adopted {
  readonly sandbox: Sandbox;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** The window that started it. */
  readonly windowId: string;
}

/**
 * Looks for sandboxes of the owner's folder and profile that windows of this machine have left behind. One that is as the
 * profile asks is taken over; all others are ended. Those of windows that live are left alone.
 */
export async function adopt(
  { client, app }: Connection,
  machine: Machine,
  owner: Owner,
  profile: Profile,
): Promise<Adopted | undefined> {
  const { folder, profileName } = owner;
  const tags = { [Tag.folder]: folderKey(folder.path), [Tag.machine]: machineKey(), [Tag.profile]: profileName };
  let adopted: Adopted | undefined;
  for (const found of await runningSandboxes(client, app, tags)) {
    if (!(await isLeftBehind(machine, found.tags[Tag.window]))) continue;
    const release = await machine.lock(`adopt-${found.id}`, LOCK_MS);
    // Another window is at it.
    if (!release) continue;
    try {
      const sandbox = await client.sandboxes.fromId(found.id);
      const windowId = (await sandbox.getTags())[Tag.window];
      if (!windowId || !(await isLeftBehind(machine, windowId))) continue;
      if (!adopted && isAsWanted(found, profile)) {
        await sandbox.setTags({ ...found.tags, ...ownerTags(owner, profile) });
        adopted = { sandbox, windowId, startedAt: found.createdAt.getTime() };
      } else {
        await sandbox.terminate();
      }
    } finally {
      await release();
    }
  }
  return adopted;
}

async function isLeftBehind(machine: Machine, windowId: string | undefined): Promise<boolean> {
  return windowId !== undefined && windowId !== machine.windowId && !(await machine.isAlive(windowId));
}

/** As the profile asks, with enough of its lifetime left to be worth it. Only one that makes a setup has a name. */
function isAsWanted({ name, tags, createdAt, endsAt }: SandboxSummary, profile: Profile): boolean {
  const lifeMs = endsAt.getTime() - createdAt.getTime();
  if (name !== undefined || tags[Tag.definition] !== definitionKey(profile)) return false;
  return endsAt.getTime() - Date.now() > lifeMs * LEAST_LIFE;
}

/** Takes over a sandbox that another window has handed over; undefined when it has ended, or is another window's by now. */
export async function takeHandedOver(
  { client }: Connection,
  machine: Machine,
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
