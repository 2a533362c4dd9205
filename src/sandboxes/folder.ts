import { tmpdir } from 'node:os';
import { join } from 'node:path';

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
