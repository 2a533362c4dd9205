import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A local workspace folder. */
export interface Folder {
  readonly name: string;
  /** The folder that is synced. */
  readonly path: string;
}

/** Stands for a folder in runs that have none: they get a sandbox of their own, and nothing is synced. */
export const NO_FOLDER: Folder = { name: 'no folder', path: join(tmpdir(), 'modal-no-folder') };

/** Returns the key under which maps hold what belongs to a profile of a folder. */
export function folderProfileKey({ path }: Pick<Folder, 'path'>, profileName: string): string {
  return `${path}\0${profileName}`;
}
