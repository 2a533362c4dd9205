import { tmpdir } from 'node:os';
import { join, normalize, sep } from 'node:path';
import { UserError } from '../base/errors.ts';
import { isWithin, resolveInFolder } from '../base/inside-folder.ts';
import { strings } from './strings.ts';

/** A local workspace folder. */
export interface Folder {
  readonly name: string;
  /** The folder that is synced. */
  readonly path: string;
}

/** The folder of runs that have none. They get their own sandbox, and nothing is synced. */
export const NO_FOLDER: Folder = { name: 'no folder', path: join(tmpdir(), 'modal-no-folder') };

/** Returns a map key for a folder and one of its profiles. */
export function folderProfileKey({ path }: Pick<Folder, 'path'>, profileName: string): string {
  return `${path}\0${profileName}`;
}

/** Returns the part of a folder that is synced: all of it, or a subfolder, as in `modal.sync.root`. Throws `UserError`. */
export function syncedFolder({ name, path }: Folder, root: string): Folder {
  const synced = join(path, normalize(root));
  if (!isWithin(path, synced) || (root !== '' && !leadsInside(path, root)))
    throw new UserError(strings.syncRootOutside(root));
  return { name, path: synced.endsWith(sep) ? synced.slice(0, -1) : synced };
}

/** Returns false if a path leads out of the folder. One that doesn't exist leads nowhere. */
function leadsInside(folder: string, path: string): boolean {
  try {
    resolveInFolder(folder, path);
    return true;
  } catch (error) {
    return !(error instanceof UserError);
  }
}
