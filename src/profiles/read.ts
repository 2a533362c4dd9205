import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../base/errors.ts';
import { MODAL_FILE, type ModalFile, parseModalFile } from './modal-file.ts';
import { Profiles, type SettingsProfiles } from './profiles.ts';
import { strings } from './strings.ts';

/** Returns all profiles of a folder: those of settings, and those of its modal.json. Throws `UserError` if that can't be read. */
export async function readProfiles(root: string, settings: SettingsProfiles): Promise<Profiles> {
  return new Profiles(settings, await readModalFile(root));
}

async function readModalFile(root: string): Promise<ModalFile | undefined> {
  try {
    return parseModalFile(await readFile(join(root, MODAL_FILE), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENOTDIR')
      return undefined;
    throw new UserError(strings.unreadable(MODAL_FILE), { cause: error });
  }
}
