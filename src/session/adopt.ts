import type { Sandbox } from 'modal';
import { runningSandboxes } from '../modal/sandbox-list.ts';
import { Tag } from '../modal/sandboxes.ts';
import type { Profile } from '../profiles/schema.ts';
import type { Machine } from './machine.ts';
import { folderKey, machineKey } from './origin.ts';
import { type Connection, definitionKey, type Owner, ownerTags } from './start.ts';

/** A sandbox of a window that is gone, which this window goes on with. */
export interface Adopted {
  readonly sandbox: Sandbox;
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
    const windowId = found.tags[Tag.window];
    if (!windowId || windowId === machine.windowId || (await machine.isAlive(windowId))) continue;
    const sandbox = await client.sandboxes.fromId(found.id);
    if (!adopted && found.tags[Tag.definition] === definitionKey(profile)) {
      await sandbox.setTags({ ...found.tags, ...ownerTags(owner, profile) });
      adopted = { sandbox, windowId };
    } else {
      await sandbox.terminate();
    }
  }
  return adopted;
}
