import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { UserError } from '../base/errors.ts';
import type { SshFolder } from './hosts.ts';
import { strings } from './strings.ts';

/** Returns the path of this computer's private key. */
export function keyPath(folder: SshFolder): string {
  return join(folder.keyFolder(), 'id_ed25519');
}

export async function publicKey(folder: SshFolder): Promise<string> {
  return (await readFile(`${keyPath(folder)}.pub`, 'utf8')).trim();
}

/** Creates the key pair of this computer unless it exists. Throws `UserError` if ssh isn't installed. */
export async function ensureKey(folder: SshFolder): Promise<void> {
  if (await publicKey(folder).catch(() => undefined)) return;
  const draft = `${folder.keyFolder()}.${randomUUID()}`;
  await mkdir(draft, { mode: 0o700 });
  try {
    const args = ['-q', '-t', 'ed25519', '-N', '', '-C', 'modal-sandboxes', '-f', join(draft, 'id_ed25519')];
    await promisify(execFile)('ssh-keygen', args, { timeout: 20_000 }).catch((error) => {
      throw error.code === 'ENOENT' ? new UserError(strings.noClient(), { cause: error }) : error;
    });
    // Fails if another window has created one in the meantime.
    await rename(draft, folder.keyFolder()).catch(async (error) => {
      if (!(await publicKey(folder).catch(() => undefined))) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
