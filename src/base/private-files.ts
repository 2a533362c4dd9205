import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, mkdir, open, rename, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

const OTHERS = 0o077;

/**
 * Creates a folder for this user only. If it exists, permissions of others are removed. Resolves with false if it belongs to
 * another user, who can then read and change what is in it.
 */
export async function makePrivateFolder(path: string): Promise<boolean> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  if (process.platform === 'win32') return true;
  const { uid, mode } = await stat(path);
  if (uid !== process.getuid?.()) return false;
  if (mode & OTHERS) await chmod(path, mode & ~OTHERS & 0o7777);
  return true;
}

/** Reads a file that only this user can have written or read. Throws if it doesn't exist or is open to others. */
export async function readPrivateFile(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  try {
    const { uid, mode } = await file.stat();
    const isPrivate = uid === process.getuid?.() && (mode & OTHERS) === 0;
    if (!isPrivate && process.platform !== 'win32') throw new Error(`Others have access to ${path}`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** Writes a file for this user only, in one step: readers see the old or the new text. Creates its folder. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  await rename(await writePrivateDraft(path, text), path);
}

/** Writes a file for this user only under a temporary name next to `path`, and returns that name. */
export async function writePrivateDraft(path: string, text: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, text, { mode: 0o600 });
  return draft;
}
