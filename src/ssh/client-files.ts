import { UserError } from '../base/errors.ts';
import { writePrivateFile } from '../base/private-files.ts';
import { clientConfig, launcherText, type RelayPrograms } from './client-config.ts';
import type { SshFolder } from './hosts.ts';
import { ensureKey, keyPath } from './key.ts';
import { strings } from './strings.ts';

/**
 * Writes what ssh needs to connect to the hosts of a folder: the key, the config, and the program that runs the relay.
 * Throws `UserError` if ssh isn't installed.
 */
export async function writeClientFiles(folder: SshFolder, programs: RelayPrograms): Promise<void> {
  if (!(await folder.create())) throw new UserError(strings.folderOfOther(folder.path));
  await ensureKey(folder);
  await writePrivateFile(folder.launcher(), launcherText(programs, folder, strings.outdatedRelay()));
  await writePrivateFile(folder.config(), clientConfig(await folder.hosts(), folder, keyPath(folder)));
}
