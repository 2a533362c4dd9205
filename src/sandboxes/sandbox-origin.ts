import { createHash } from 'node:crypto';
import { homedir, hostname } from 'node:os';
import { Tag } from '../modal/sandboxes.ts';
import type { Folder } from './folder.ts';

/** Tags that identify where a sandbox was started, without a path or computer name: the whole Modal workspace sees tags. */
export function originTags(folder: Folder): Record<string, string> {
  return { [Tag.folder]: folderKey(folder.path), [Tag.folderName]: folder.name, [Tag.machine]: machineKey() };
}

/** Returns a short ID for a folder that doesn't reveal its path. */
export function folderKey(path: string): string {
  return shortHash(path);
}

/** Returns a short ID for this user on this computer. */
export function machineKey(): string {
  return shortHash(`${hostname()}\n${homedir()}`);
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
