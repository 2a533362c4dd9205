import { chmod, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Removes a folder that a sandbox wrote to. The kernel and programs may leave folders without read permission in it. */
export async function removeTree(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
  } catch {
    await makeAccessible(folder);
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Makes every folder accessible. Folders may disappear meanwhile, because a failed `rm` continues for a while. */
async function makeAccessible(folder: string): Promise<void> {
  try {
    await chmod(folder, 0o700);
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) await makeAccessible(join(folder, entry.name));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
