import { posix } from 'node:path';
import type { ModalClient } from 'modal';
import { contentOf, RemoteFileError, type RemoteFiles } from './remote-files.ts';
import { strings } from './strings.ts';
import {
  copyVolumeFile,
  findVolume,
  listVolumeFiles,
  readVolumeFile,
  removeVolumeFile,
  type VolumeRef,
  writeVolumeFile,
} from './volumes.ts';

/** Modal has no call that creates an empty folder, so this file is written into it and removed. */
const PLACEHOLDER = '.modal-new-folder';

/**
 * The files of the volume with a name. The volume's ID is looked up once, and again if the volume has been deleted and
 * re-created.
 */
export function volumeFiles(client: () => Promise<ModalClient>, name: string): RemoteFiles {
  let known: VolumeRef | undefined;
  const withVolume = async <T>(work: (client: ModalClient, volume: VolumeRef) => Promise<T>): Promise<T> => {
    const connected = await client();
    const before = known;
    known ??= await findVolume(connected, name);
    try {
      return await work(connected, known);
    } catch (error) {
      if (!before || !(error instanceof RemoteFileError) || error.problem !== 'notFound') throw error;
      const found = await findVolume(connected, name);
      const isSame = found.id === before.id;
      known = found;
      if (isSame) throw error;
      return work(connected, found);
    }
  };
  const files: RemoteFiles = {
    stat: (path) =>
      withVolume(async (connected, volume) => {
        if (path === '/') return { name: '', type: 'directory', bytes: 0, modifiedMs: 0 };
        const [first] = await listVolumeFiles(connected, volume, path, { maxEntries: 1 });
        // A file is listed as itself. The contents of a folder have longer paths.
        if (first?.path === path) return first;
        return { name: posix.basename(path), type: 'directory', bytes: 0, modifiedMs: 0 };
      }),
    list: (path) =>
      withVolume(async (connected, volume) => {
        const entries = await listVolumeFiles(connected, volume, path);
        if (entries[0]?.path === path) throw new RemoteFileError('notDirectory', strings.isNotFolder(path));
        return entries;
      }),
    async *read(path, { signal }) {
      const connected = await client();
      const volume = await withVolume(async (_, found) => found);
      yield* readVolumeFile(connected, volume, path, signal);
    },
    write: (path, content, options) =>
      withVolume((connected, volume) => writeVolumeFile(connected, volume, path, content, options)),
    makeDirectory: async (path) => {
      const placeholder = posix.join(path, PLACEHOLDER);
      await files.write(placeholder, contentOf(new Uint8Array()));
      await files.remove(placeholder);
    },
    remove: (path) => withVolume((connected, volume) => removeVolumeFile(connected, volume, path)),
    copy: (from, to) => withVolume((connected, volume) => copyVolumeFile(connected, volume, from, to)),
    // Modal can't move files within a volume. A failure in between leaves two copies, never none.
    rename: async (from, to) => {
      await files.copy(from, to);
      await files.remove(from);
    },
  };
  return files;
}
