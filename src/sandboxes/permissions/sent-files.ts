import { statSync } from 'node:fs';
import type { ModalClient } from 'modal';
import { pathInFolder, resolveInFolder } from '../../base/inside-folder.ts';
import { copiedFiles } from '../../images/build.ts';
import { imageOf, type Profile } from '../../profiles/schema.ts';
import { namedBy } from '../../sync/rules/credentials.ts';
import type { SentFile } from './effects.ts';

export interface SentFilesContext {
  /** The workspace folder. */
  readonly root: string;
  readonly isLocal: boolean;
  /** Spares the client's next build reading the files again. */
  readonly client?: ModalClient;
  /** Patterns of the user's own `modal.sync.include`. They name files to send without a question. */
  readonly userInclude?: readonly string[] | undefined;
}

/**
 * Returns the files in the workspace folder that a profile's image and setup send. Empty if they can't be determined: the
 * build then fails for the same reason, and sends no file that looks like a credential and isn't in this list.
 */
export async function sentFiles(profile: Profile, context: SentFilesContext): Promise<SentFile[]> {
  const { root, isLocal, client, userInclude = [] } = context;
  const image = imageOf(profile);
  const build = { folderPath: root, isLocal, ...(client && { client }) };
  const copied = image.dockerfile === undefined ? [] : await copiedFiles(image, build).catch(() => []);
  const all = [...copied, ...(profile.setup?.files ?? []).flatMap((path) => setupFile(root, path))];
  const isIncluded = namedBy(userInclude);
  return [...new Map(all.map((file) => [file.path, file])).values()].filter(({ path }) => !isIncluded(path));
}

function setupFile(root: string, path: string): SentFile[] {
  try {
    const real = resolveInFolder(root, path);
    return [{ path: pathInFolder(root, real), bytes: statSync(real).size }];
  } catch {
    return [];
  }
}
