import { Tag } from '../../modal/sandboxes.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { FolderSyncs } from '../../sandboxes/folder-syncs.ts';
import { pausedSnapshot, resume } from '../../sandboxes/pause.ts';
import { folderKey, machineKey } from '../../sandboxes/sandbox-origin.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import type { Snapshots } from '../../snapshots/snapshots.ts';
import type { Host } from '../../ssh/hosts.ts';
import type { PushOptions } from '../../sync/engine.ts';
import { withProgress } from '../common/progress.ts';
import { strings } from './strings.ts';

export interface SshStartDependencies {
  readonly sessions: Sessions;
  readonly syncs: FolderSyncs;
  readonly snapshots: Snapshots;
  /** The synced folders of this window. */
  readonly folders: () => readonly Folder[];
  /** Asks what a push needs to know. */
  readonly ask: PushOptions['ask'];
}

/**
 * Returns a start of the sandbox of a host, if this window has its folder and the profile allows it. A paused sandbox is
 * resumed; a new one gets the folder's files. The start resolves with the sandbox's ID, and throws as `Sessions.acquire`.
 */
export async function startOf(
  { tags = {}, title }: Host,
  { sessions, syncs, snapshots, folders, ask }: SshStartDependencies,
): Promise<((signal: AbortSignal) => Promise<string>) | undefined> {
  const folder = folders().find(({ path }) => folderKey(path) === tags[Tag.folder]);
  const profile = tags[Tag.profile];
  if (!folder || profile === undefined || tags[Tag.machine] !== machineKey()) return undefined;
  if (!(await sessions.profile(folder, profile)).profile.startOnSsh) return undefined;
  return (gone) =>
    withProgress(strings.starting(title), async (canceled) => {
      const signal = AbortSignal.any([gone, canceled]);
      if (!(await sessions.sandboxOf(folder, profile)) && (await pausedSnapshot(snapshots, folder, profile)))
        await resume(sessions, snapshots, folder, profile, signal);
      const session = await sessions.acquire(folder, profile, signal);
      if (session.isNew || session.taken === 'resumed')
        await syncs
          .of(folder)
          .push(session.sandbox, { signal, fresh: session.isNew, ask, consent: syncs.consent(folder, session) });
      return session.sandbox.sandboxId;
    });
}
