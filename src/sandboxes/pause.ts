import { untilAborted } from '../base/cancellation.ts';
import { DAY_MS } from '../base/clock.ts';
import { UserError } from '../base/errors.ts';
import { deleteImage } from '../modal/snapshots.ts';
import { DEFAULT_TTL_MS, type Snapshot, type Snapshots } from '../snapshots/snapshots.ts';
import { takeOrDiscard } from '../snapshots/take.ts';
import type { Folder } from './folder.ts';
import { folderKey } from './sandbox-origin.ts';
import type { SandboxLifetime } from './session.ts';
import type { Sessions } from './sessions.ts';
import { strings } from './strings.ts';

/** The lifetime of the snapshot that moves a sandbox, in case the steps after it fail. */
const MOVE_TTL_MS = DAY_MS;

/** A paused sandbox is a snapshot with this name. It is renamed once the sandbox has been resumed. */
const PAUSED = 'Paused: ';
const pausedName = (profile: string) => `${PAUSED}${profile}`;
const resumedName = (profile: string) => `Resumed: ${profile}`;

/**
 * Pauses the folder's sandbox of a profile: takes a snapshot and terminates the sandbox. Safe to repeat: it leaves one
 * snapshot. If canceled before the snapshot exists, the sandbox keeps running. Throws `UserError` if no sandbox is running,
 * the signal's reason, and the SDK's errors.
 */
export async function pause(
  sessions: Sessions,
  snapshots: Snapshots,
  folder: Folder,
  profile: string,
  signal?: AbortSignal,
): Promise<void> {
  const sandbox = await sessions.sandboxOf(folder, profile);
  if (!sandbox) throw new UserError(strings.noSandboxToPause(profile));
  const names = [pausedName(profile), resumedName(profile)];
  const earlier = await untilAborted(pausesOf(snapshots, folder, profile, names), signal);
  await snapshots.create(sandbox, { name: pausedName(profile), ttlMs: DEFAULT_TTL_MS, ...(signal && { signal }) });
  await sessions.terminateOf(folder, profile);
  // The latest snapshot contains everything that these contain.
  await Promise.allSettled(earlier.map((each) => snapshots.delete(each)));
}

/** Returns the snapshot from which the folder's sandbox of a profile can be resumed. */
export async function pausedSnapshot(
  snapshots: Snapshots,
  folder: Folder,
  profile: string,
): Promise<Snapshot | undefined> {
  return (await pausesOf(snapshots, folder, profile, [pausedName(profile)]))[0];
}

/** Returns whether a paused sandbox can be resumed from a snapshot. */
export function isPause({ name, profile, folderKey: key, state }: Snapshot): boolean {
  return state === 'ready' && key !== undefined && profile !== undefined && name === pausedName(profile);
}

/**
 * Resumes a paused sandbox: starts one with the same profile, ports, and tags. The snapshot that it starts from is kept until
 * the next pause. If canceled before the sandbox runs, it stays paused. Throws `UserError` if there is no paused sandbox, the
 * signal's reason, and the SDK's errors.
 */
export async function resume(
  sessions: Sessions,
  snapshots: Snapshots,
  folder: Folder,
  profile: string,
  signal?: AbortSignal,
): Promise<void> {
  const paused = await untilAborted(pausedSnapshot(snapshots, folder, profile), signal);
  if (!paused) throw new UserError(strings.noPausedSandbox(profile, folder.name));
  await sessions.restore(folder, profile, { imageId: paused.imageId, id: paused.id }, signal);
  await snapshots.rename(paused.id, resumedName(profile));
}

/**
 * Moves a session to a new sandbox, started from a snapshot of the old one, which is then terminated. If canceled before the
 * new one runs, the old one is kept. Throws the signal's reason and the SDK's errors.
 */
export async function moveToNewSandbox(
  sessions: Sessions,
  { folder, named, sandbox }: Pick<SandboxLifetime, 'folder' | 'named' | 'sandbox'>,
  signal?: AbortSignal,
): Promise<void> {
  const { client } = await sessions.connection();
  const imageId = await takeOrDiscard(client, sandbox, { ttlMs: MOVE_TTL_MS, signal });
  try {
    await sessions.restore(folder, named.name, { imageId }, signal);
  } catch (error) {
    await deleteImage(client, imageId).catch(() => {});
    throw error;
  }
}

/** Newest first. */
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
