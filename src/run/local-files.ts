import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isInFolder } from '../base/inside-folder.ts';

/** A workspace folder on a local disk. */
export interface LocalFolder {
  readonly path: string;
  /** The folder that is synced: the workspace folder or one in it. */
  readonly synced: string;
}

/**
 * Returns the local file at a path relative to a synced folder, in the first folder that has it. The path is a program's:
 * one that leads out of the workspace, by its text or by a link, isn't found.
 */
export function findLocalFile(folders: readonly LocalFolder[], path: string): string | undefined {
  return folders
    .map(({ synced }) => join(synced, path))
    .find((file) => existsSync(file) && isInWorkspace(folders, file));
}

/** Returns true if a file that a program named really is in a workspace folder. It needn't exist. */
export function isInWorkspace(folders: readonly LocalFolder[], file: string): boolean {
  return folders.some(({ path }) => isInFolder(path, file));
}
