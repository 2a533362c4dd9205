import { untilAborted } from '../base/cancellation.ts';
import { UserError } from '../base/errors.ts';
import { deleteImage } from '../modal/snapshots.ts';
import { DEFAULT_TTL_MS, type Snapshot, type Snapshots } from '../snapshots/snapshots.ts';
import { takeOrDiscard } from '../snapshots/take.ts';
import type { Folder } from './folder.ts';
import { folderKey } from './sandbox-origin.ts';
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
 * one pause. Called off before the snapshot stands, it leaves the sandbox running and no snapshot. Throws `UserError` when
 * no sandbox runs, the signal's reason, and the SDK's errors.
 */
export async function pause(
  sessions: Sessions,
  snapshots: Snapshots,
  folder: Folder,
  profile: string,
  signal?: AbortSignal,
): Promise<void> {
  const sandbox = await sessions.started.of(folder, profile);
  if (!sandbox) throw new UserError(`No sandbox of the profile “${profile}” runs. There is nothing to pause.`);
  const names = [pausedName(profile), resumedName(profile)];
  const before = await untilAborted(pausesOf(snapshots, folder, profile, names), signal);
  await snapshots.create(sandbox, { name: pausedName(profile), ttlMs: DEFAULT_TTL_MS, ...(signal && { signal }) });
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
 * sandbox was started from it. Called off before the sandbox runs, it leaves the pause. Throws `UserError` when there is no
 * pause, the signal's reason, and the SDK's errors.
 */
export async function resume(
  sessions: Sessions,
  snapshots: Snapshots,
  folder: Folder,
  profile: string,
  signal?: AbortSignal,
): Promise<void> {
  const paused = await untilAborted(pausedSnapshot(snapshots, folder, profile), signal);
  if (!paused)
    throw new UserError(
      `Nothing of the profile “${profile}” is paused in “${folder.name}”. Run something: that starts a sandbox.`,
    );
  await sessions.restore(folder, profile, { imageId: paused.imageId, id: paused.id }, signal);
  await snapshots.rename(paused.id, resumedName(profile));
}

/**
 * Lets a session live beyond its sandbox: a new one from a snapshot of the old one, which is ended. Called off before the new
 * one runs, it leaves the old one. Throws the signal's reason and the SDK's errors.
 */
export async function carryOver(
  sessions: Sessions,
  { folder, named, sandbox }: Pick<Life, 'folder' | 'named' | 'sandbox'>,
  signal?: AbortSignal,
): Promise<void> {
  const { client } = await sessions.connection();
  const imageId = await takeOrDiscard(client, sandbox, { ttlMs: CARRY_TTL_MS, signal });
  try {
    await sessions.restore(folder, named.name, { imageId }, signal);
  } catch (error) {
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
