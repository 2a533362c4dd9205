import { existsSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import type { ModalClient } from 'modal';
import * as vscode from 'vscode';
import { untilAborted } from '../../base/cancellation.ts';
import { UserError } from '../../base/errors.ts';
import { isNotFound } from '../../modal/errors.ts';
import { contentOf, type RemoteFiles } from '../../modal/remote-files.ts';
import { download, filesToDownload, filesToUpload, upload } from '../../modal/transfer.ts';
import {
  createVolume,
  deleteVolume,
  renameVolume,
  type VolumeSummary,
  volumeNameProblem,
} from '../../modal/volumes.ts';
import { diskFolders } from '../../providers/common/folders.ts';
import { shown, waiting, withProgress } from '../../providers/common/progress.ts';
import { transfer } from '../../providers/common/transfers.ts';
import { type EntryRow, folderOf, type VolumeRow, type VolumesRow } from './volumes-tree.ts';

export interface VolumeCommandsOptions {
  readonly client: () => Promise<ModalClient>;
  readonly filesOf: (volume: VolumeSummary) => RemoteFiles;
  /** The volume, or with none the list of them, is not as it was. */
  readonly onChange: (volume?: VolumeSummary) => void;
}

/** What people do with volumes and the files in them. */
export class VolumeCommands {
  readonly #options: VolumeCommandsOptions;

  constructor(options: VolumeCommandsOptions) {
    this.#options = options;
  }

  /** `modal.createVolume` */
  create(): Promise<void> {
    return this.#explained(undefined, async () => {
      const name = await askName('New Volume', '', volumeNameProblem);
      if (name) await createVolume(await this.#options.client(), name);
    });
  }

  /** `modal.renameInVolumes`: a volume, or a file or folder, which may also go to another folder of its volume. */
  rename(row: VolumeRow | EntryRow): Promise<void> {
    if (row.kind === 'volume') return this.#renameVolume(row.volume);
    const { volume, entry } = row;
    return this.#explained(volume, async () => {
      const to = await this.#askPath(`Rename “${entry.name}”`, volume, entry.path);
      if (to) await waiting(`Renaming “${entry.name}”…`, () => this.#options.filesOf(volume).rename(entry.path, to));
    });
  }

  #renameVolume(volume: VolumeSummary): Promise<void> {
    return this.#explained(undefined, async () => {
      const name = await askName('Rename Volume', volume.name, volumeNameProblem);
      if (name && name !== volume.name) await renameVolume(await this.#options.client(), volume.id, name);
    });
  }

  /** `modal.copyInVolume`: a file or folder to another path of its volume. */
  copy({ volume, entry }: EntryRow): Promise<void> {
    return this.#explained(volume, async () => {
      const { dir, name, ext } = posix.parse(entry.path);
      const to = await this.#askPath(`Copy “${entry.name}”`, volume, posix.join(dir, `${name} copy${ext}`), entry.path);
      if (to) await waiting(`Copying “${entry.name}”…`, () => this.#options.filesOf(volume).copy(entry.path, to));
    });
  }

  /** `modal.deleteFromVolumes`: whole volumes only when their name is typed. */
  async delete(rows: readonly (VolumeRow | EntryRow)[]): Promise<void> {
    const volumes = rows.filter((row) => row.kind === 'volume');
    for (const { volume } of volumes) await this.#deleteVolume(volume);
    if (volumes.length === 0) await this.#deleteEntries(rows.filter((row) => row.kind === 'entry'));
  }

  #deleteVolume(volume: VolumeSummary): Promise<void> {
    return this.#explained(undefined, async () => {
      const { name } = volume;
      const typed = await vscode.window.showInputBox({
        title: `Delete Volume “${name}”`,
        prompt: `All files in it are gone for good, also for others who use it. Type its name to delete it.`,
        placeHolder: name,
        ignoreFocusOut: true,
        validateInput: (text) => (text === '' || name.startsWith(text) ? undefined : 'This is not its name.'),
      });
      if (typed === name)
        await waiting(`Deleting “${name}”…`, async () => deleteVolume(await this.#options.client(), name));
      else if (typed)
        void vscode.window.showInformationMessage(`“${name}” was not deleted: “${typed}” is not its name.`);
    });
  }

  async #deleteEntries(rows: readonly EntryRow[]): Promise<void> {
    const [first] = rows;
    if (!first) return;
    const what = rows.length === 1 ? `“${first.entry.name}”` : `${rows.length} files and folders`;
    const isFolder = rows.some(({ entry }) => entry.type === 'directory');
    const question = `Delete ${what}${isFolder ? ' with all in it' : ''} from the volume “${first.volume.name}”? This cannot be undone.`;
    if ((await vscode.window.showWarningMessage(question, { modal: true }, 'Delete')) !== 'Delete') return;
    await this.#explained(first.volume, () =>
      oneByOne(`Deleting ${what}…`, rows, ({ volume, entry }) => this.#options.filesOf(volume).remove(entry.path)),
    );
    for (const { volume } of rows) if (volume.id !== first.volume.id) this.#options.onChange(volume);
  }

  /** `modal.newFileInVolume`: an empty file, opened. */
  newFile(row: VolumesRow, open: (volume: VolumeSummary, path: string) => Thenable<unknown>): Promise<void> {
    return this.#explained(row.volume, async () => {
      const path = await this.#askPath('New File', row.volume, posix.join(targetFolder(row), 'untitled.txt'), '');
      if (!path) return;
      await this.#options.filesOf(row.volume).write(path, contentOf(new Uint8Array()));
      await open(row.volume, path);
    });
  }

  /** `modal.newFolderInVolume` */
  newFolder(row: VolumesRow): Promise<void> {
    return this.#explained(row.volume, async () => {
      const path = await this.#askPath('New Folder', row.volume, posix.join(targetFolder(row), 'new folder'), '');
      if (path) await this.#options.filesOf(row.volume).makeDirectory(path);
    });
  }

  /** `modal.uploadToVolume`: files and folders of this machine, picked in a dialog. */
  async upload(row: VolumesRow): Promise<void> {
    const chosen = await vscode.window.showOpenDialog({
      title: `Upload to “${row.volume.name}”`,
      defaultUri: diskFolders()[0]?.uri,
      openLabel: 'Upload',
      canSelectMany: true,
      canSelectFiles: true,
      canSelectFolders: true,
    });
    if (chosen) await this.put(row, chosen);
  }

  /** Puts files and folders into the row's folder; asks before it replaces anything. */
  put(row: VolumesRow, uris: readonly vscode.Uri[]): Promise<void> {
    const { volume } = row;
    return this.#explained(volume, async () => {
      const files = this.#options.filesOf(volume);
      const folder = targetFolder(row);
      const local = uris.filter(({ scheme }) => scheme === 'file').map(({ fsPath }) => fsPath);
      if (local.length < uris.length)
        throw new UserError('Only files of this machine can be uploaded. Save a copy of the others here first.');
      const there = await namesIn(files, folder);
      const replaced = local.map((path) => basename(path)).filter((name) => there.has(name));
      if (!(await mayReplace(replaced, `the volume “${volume.name}”`))) return;
      const find = (signal: AbortSignal) =>
        Promise.all(local.map((path) => filesToUpload(path, posix.join(folder, basename(path)), signal)));
      await transfer(
        `Uploading to “${volume.name}”`,
        async (signal) => (await find(signal)).flat(),
        (pair, options) => upload(files, pair, options),
      );
    });
  }

  /** Moves files and folders of the row's own volume into its folder. */
  move(row: VolumesRow, paths: readonly string[]): Promise<void> {
    const { volume } = row;
    return this.#explained(volume, async () => {
      const files = this.#options.filesOf(volume);
      const folder = targetFolder(row);
      const moved = paths.filter((path) => posix.dirname(path) !== folder && !`${folder}/`.startsWith(`${path}/`));
      const there = await namesIn(files, folder);
      const replaced = moved.map((path) => posix.basename(path)).filter((name) => there.has(name));
      if (!(await mayReplace(replaced, `“${folder}”`))) return;
      await oneByOne(`Moving to “${folder}”…`, moved, (path) =>
        files.rename(path, posix.join(folder, posix.basename(path))),
      );
    });
  }

  /** `modal.downloadFromVolume`: files and folders into a folder of this machine. */
  async download(rows: readonly (VolumeRow | EntryRow)[]): Promise<void> {
    const [chosen] =
      (await vscode.window.showOpenDialog({
        title: 'Download To',
        defaultUri: diskFolders()[0]?.uri,
        openLabel: 'Download Here',
        canSelectFiles: false,
        canSelectFolders: true,
      })) ?? [];
    if (chosen) await this.get(rows, chosen.fsPath);
  }

  /** Downloads into a folder; asks before it replaces anything. */
  get(rows: readonly (VolumeRow | EntryRow)[], into: string): Promise<void> {
    return this.#explained(rows[0]?.volume, async () => {
      const names = rows.map((row) => (row.kind === 'volume' ? row.volume.name : row.entry.name));
      if (
        !(await mayReplace(
          names.filter((name) => existsSync(join(into, name))),
          `“${basename(into)}”`,
        ))
      )
        return;
      for (const row of rows) {
        const files = this.#options.filesOf(row.volume);
        const name = row.kind === 'volume' ? row.volume.name : row.entry.name;
        const path = row.kind === 'volume' ? '/' : row.entry.path;
        await transfer(
          `Downloading “${name}”`,
          (signal) => filesToDownload(files, path, join(into, name), signal),
          (pair, options) => download(files, pair, options),
        );
      }
      vscode.window.setStatusBarMessage(`$(check) Downloaded ${names.map((name) => `“${name}”`).join(', ')}`, 5_000);
    });
  }

  /** Asks for a path in the volume where nothing is yet; undefined when it was not given, or is what it was. */
  async #askPath(title: string, volume: VolumeSummary, value: string, before = value): Promise<string | undefined> {
    const start = value.lastIndexOf('/') + 1;
    const end = value.lastIndexOf('.') > start ? value.lastIndexOf('.') : value.length;
    const typed = await vscode.window.showInputBox({
      title,
      prompt: `A path in the volume “${volume.name}”`,
      value,
      valueSelection: [start, end],
      validateInput: (text) => (/[^/]/.test(text) ? undefined : 'A path has a name at its end.'),
    });
    if (typed === undefined) return undefined;
    const path = posix.resolve('/', typed);
    if (path === '/' || path === before) return undefined;
    const files = this.#options.filesOf(volume);
    const there = await namesIn(files, posix.dirname(path));
    if (there.has(posix.basename(path)))
      throw new UserError(`“${path}” is in the volume already. Choose another name, or delete it first.`);
    return path;
  }

  /** Shows what went wrong, and has the view look again in either case. Cancelling is no error. */
  async #explained(volume: VolumeSummary | undefined, work: () => Promise<void>): Promise<void> {
    await shown(work);
    this.#options.onChange(volume);
  }
}

/** Where things go that are put on a row: into its folder, or beside the file. */
function targetFolder(row: VolumesRow): string {
  if (row.kind === 'entry') return folderOf(row) ?? posix.dirname(row.entry.path);
  return row.kind === 'volume' ? '/' : row.path;
}

/** What is in a folder; nothing when there is none yet. */
async function namesIn(files: RemoteFiles, folder: string): Promise<Set<string>> {
  const found = await waiting(`Looking into “${folder}”…`, () => files.list(folder)).catch(unlessMissing);
  return new Set(found.map(({ name }) => name));
}

function unlessMissing(error: unknown): never[] {
  if (isNotFound(error)) return [];
  throw error;
}

/** Does something to each of several, until the user cancels. What was done stays done. */
function oneByOne<T>(title: string, all: readonly T[], act: (each: T) => Promise<void>): Promise<void> {
  return withProgress(title, async (signal, report) => {
    for (const each of all) {
      await untilAborted(act(each), signal);
      report({ increment: 100 / all.length });
    }
  });
}

async function askName(
  title: string,
  value: string,
  problem: (text: string) => string | undefined,
): Promise<string | undefined> {
  return vscode.window.showInputBox({
    title,
    value,
    validateInput: (text) => (text === '' ? undefined : problem(text)),
  });
}

async function mayReplace(names: readonly string[], where: string): Promise<boolean> {
  if (names.length === 0) return true;
  const list = names.slice(0, 3).map((name) => `“${name}”`);
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  const question = `Replace ${list.join(', ')}${more} in ${where}?`;
  return (await vscode.window.showWarningMessage(question, { modal: true }, 'Replace')) === 'Replace';
}
