import { createHash } from 'node:crypto';
import { homedir, hostname } from 'node:os';
import { Tag } from '../modal/sandboxes.ts';
import type { Folder } from './folder.ts';

/** Tags that say where a sandbox was started from, without naming a path or a machine: tags are visible to the whole Modal workspace. */
export function originTags(folder: Folder): Record<string, string> {
  return { [Tag.folder]: folderKey(folder.path), [Tag.folderName]: folder.name, [Tag.machine]: machineKey() };
}

/** A short name for a folder that says nothing about where it lies. */
export function folderKey(path: string): string {
  return shortHash(path);
}

/** A short name for this user of this machine. */
export function machineKey(): string {
  return shortHash(`${hostname()}\n${homedir()}`);
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
