import { UserError } from '../modal/errors.ts';
import { deleteImage, takeSnapshot } from '../modal/snapshots.ts';
import { DEFAULT_TTL_MS, type Snapshot, type Snapshots } from '../snapshots/snapshots.ts';
import type { Folder } from './folder.ts';
import { folderKey } from './origin.ts';
import type { Life } from './session.ts';
import type { Sessions } from './sessions.ts';

/** How long the snapshot of a sandbox that is carried over is kept, should what follows fail. */
const CARRY_TTL_MS = 24 * 60 * 60_000;

/** A pause is a snapshot of this name; once it is resumed from, the name says so. */
const PAUSED = 'Paused: ';
const pausedName = (profile: string) => `${PAUSED}${profile}`;
const resumedName = (profile: string) => `Resumed: ${profile}`;

/**
 * Pauses the folder's sandbox of a profile: a snapshot, and an end. Done again after a failure in the middle, it leaves
 * one pause. Throws `UserError` when no sandbox runs, and the SDK's errors.
 */
export async function pause(sessions: Sessions, snapshots: Snapshots, folder: Folder, profile: string): Promise<void> {
  const sandbox = await sessions.started.of(folder, profile);
  if (!sandbox) throw new UserError(`No sandbox of the profile “${profile}” runs. There is nothing to pause.`);
  const before = await pausesOf(snapshots, folder, profile, [pausedName(profile), resumedName(profile)]);
  await snapshots.create(sandbox, { name: pausedName(profile), ttlMs: DEFAULT_TTL_MS });
  await sessions.end(folder, profile);
  // The new pause holds all that these held.
  await Promise.allSettled(before.map((each) => snapshots.delete(each)));
}

/** The folder's pause of a profile that can be resumed; undefined when there is none. */
export async function pausedSnapshot(
  snapshots: Snapshots,
  folder: Folder,
  profile: string,
): Promise<Snapshot | undefined> {
  return (await pausesOf(snapshots, folder, profile, [pausedName(profile)]))[0];
}

/** Whether a snapshot is a pause that can be resumed. */
export function isPause({ name, profile, folderKey: key, state }: Snapshot): boolean {
  return state === 'ready' && key !== undefined && profile !== undefined && name === pausedName(profile);
}

/**
 * Goes on from a pause: a new sandbox with the same profile, ports and tags. Its snapshot stays until the next pause, as the
 * sandbox was started from it. Throws `UserError` when there is no pause, and the SDK's errors.
 */
export async function resume(sessions: Sessions, snapshots: Snapshots, folder: Folder, profile: string): Promise<void> {
  const paused = await pausedSnapshot(snapshots, folder, profile);
  if (!paused)
    throw new UserError(
      `Nothing of the profile “${profile}” is paused in “${folder.name}”. Run something: that starts a sandbox.`,
    );
  await sessions.restore(folder, profile, { imageId: paused.imageId, id: paused.id });
  await snapshots.rename(paused.id, resumedName(profile));
}

/** Lets a session live beyond its sandbox: a new one from a snapshot of the old one, which is ended. Throws the SDK's errors. */
export async function carryOver(
  sessions: Sessions,
  { folder, named, sandbox }: Pick<Life, 'folder' | 'named' | 'sandbox'>,
): Promise<void> {
  const imageId = await takeSnapshot(sandbox, { ttlMs: CARRY_TTL_MS });
  try {
    await sessions.restore(folder, named.name, { imageId });
  } catch (error) {
    const { client } = await sessions.connection();
    await deleteImage(client, imageId).catch(() => {});
    throw error;
  }
}

/** The newest first. */
async function pausesOf(
  snapshots: Snapshots,
  folder: Folder,
  profile: string,
  names: readonly string[],
): Promise<Snapshot[]> {
  const key = folderKey(folder.path);
  return (await snapshots.list()).filter(
    (each) => each.folderKey === key && each.profile === profile && names.includes(each.name) && each.state === 'ready',
  );
}
