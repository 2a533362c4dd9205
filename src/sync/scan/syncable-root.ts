import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, parse, resolve, sep } from 'node:path';
import { UserError } from '../../base/errors.ts';
import { strings } from '../strings.ts';

/** Throws `UserError` for a folder that is never synced: a drive's root, a home folder, or a folder above one. */
export function requireSyncableRoot(root: string): void {
  let real: string;
  try {
    real = realpathSync(root);
  } catch {
    throw new UserError(strings.folderMissing(root));
  }
  const home = realpathOr(homedir());
  if (real === parse(real).root || real === dirname(home) || `${home}${sep}`.startsWith(`${real}${sep}`))
    throw new UserError(strings.rootTooBroad(root));
}

function realpathOr(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
