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
import { askName, pickDownloadFolder } from '../../providers/common/inputs.ts';
import { waiting, withProgress } from '../../providers/common/progress.ts';
import { shown } from '../../providers/common/report.ts';
import { transfer } from '../../providers/common/transfers.ts';
import { window } from '../../providers/common/window.ts';
import { nameList } from '../common/name-list.ts';
import { strings } from './strings.ts';
import { type EntryRow, folderOf, type VolumeRow, type VolumesRow } from './volumes-tree.ts';

export interface VolumeCommandsOptions {
  readonly client: () => Promise<ModalClient>;
  readonly filesOf: (volume: VolumeSummary) => RemoteFiles;
  /** Called after each command, even if it failed: a volume's files or the list of volumes may have changed. */
  readonly onChange: (volume?: VolumeSummary) => void;
}

/** The commands on volumes and their files. Errors are shown. */
export class VolumeCommands {
  readonly #options: VolumeCommandsOptions;

  constructor(options: VolumeCommandsOptions) {
    this.#options = options;
  }

  /** `modal.createVolume` */
  create(): Promise<void> {
    return this.#run(undefined, async () => {
      const name = await askName({ title: strings.newVolume(), problem: volumeNameProblem });
      if (name) await createVolume(await this.#options.client(), name);
    });
  }

  /** `modal.renameInVolumes`: renames a volume, or renames or moves a file or folder in its volume. */
  rename(row: VolumeRow | EntryRow): Promise<void> {
    if (row.kind === 'volume') return this.#renameVolume(row.volume);
    const { volume, entry } = row;
    return this.#run(volume, async () => {
      const to = await this.#askPath(strings.rename(entry.name), volume, entry.path);
      if (to) await waiting(strings.renaming(entry.name), () => this.#options.filesOf(volume).rename(entry.path, to));
    });
  }

  #renameVolume(volume: VolumeSummary): Promise<void> {
    return this.#run(undefined, async () => {
      const name = await askName({
        title: strings.renameVolume(),
        value: volume.name,
        problem: volumeNameProblem,
      });
      if (name && name !== volume.name) await renameVolume(await this.#options.client(), volume.id, name);
    });
  }

  /** `modal.copyInVolume`: copies a file or folder to another path in its volume. */
  copy({ volume, entry }: EntryRow): Promise<void> {
    return this.#run(volume, async () => {
      const { dir, name, ext } = posix.parse(entry.path);
      const path = posix.join(dir, strings.nameOfCopy(name) + ext);
      const to = await this.#askPath(strings.copy(entry.name), volume, path, entry.path);
      if (to) await waiting(strings.copying(entry.name), () => this.#options.filesOf(volume).copy(entry.path, to));
    });
  }

  /** `modal.deleteFromVolumes`: deletes volumes, after the user has typed each name, or else files and folders. */
  async delete(rows: readonly (VolumeRow | EntryRow)[]): Promise<void> {
    const volumes = rows.filter((row) => row.kind === 'volume');
    for (const { volume } of volumes) await this.#deleteVolume(volume);
    if (volumes.length === 0) await this.#deleteEntries(rows.filter((row) => row.kind === 'entry'));
  }

  #deleteVolume(volume: VolumeSummary): Promise<void> {
    return this.#run(undefined, async () => {
      const { name } = volume;
      const typed = await window.showInputBox({
        title: strings.deleteVolume(name),
        prompt: strings.deleteVolumePrompt(),
        placeHolder: name,
        ignoreFocusOut: true,
        validateInput: (text) => (text === '' || name.startsWith(text) ? undefined : strings.nameMismatch()),
      });
      if (typed === name)
        await waiting(strings.deleting(name), async () => deleteVolume(await this.#options.client(), name));
      else if (typed) void window.showInformationMessage(strings.volumeNotDeleted(name));
    });
  }

  async #deleteEntries(rows: readonly EntryRow[]): Promise<void> {
    const [first] = rows;
    if (!first) return;
    const title = rows.length === 1 ? strings.deleting(first.entry.name) : strings.deletingEntries(rows.length);
    const action = strings.delete();
    if ((await window.showWarningMessage(deleteQuestion(rows, first), { modal: true }, action)) !== action) return;
    await this.#run(first.volume, () =>
      oneByOne(title, rows, ({ volume, entry }) => this.#options.filesOf(volume).remove(entry.path)),
    );
    for (const { volume } of rows) if (volume.id !== first.volume.id) this.#options.onChange(volume);
  }

  /** `modal.newFileInVolume`: creates an empty file and opens it. */
  newFile(row: VolumesRow, open: (volume: VolumeSummary, path: string) => Thenable<unknown>): Promise<void> {
    return this.#run(row.volume, async () => {
      const path = await this.#askNewPath(strings.newFile(), row, strings.newFileName());
      if (!path) return;
      await this.#options.filesOf(row.volume).write(path, contentOf(new Uint8Array()));
      await open(row.volume, path);
    });
  }

  /** `modal.newFolderInVolume` */
  newFolder(row: VolumesRow): Promise<void> {
    return this.#run(row.volume, async () => {
      const path = await this.#askNewPath(strings.newFolder(), row, strings.newFolderName());
      if (path) await this.#options.filesOf(row.volume).makeDirectory(path);
    });
  }

  /** `modal.uploadToVolume`: uploads local files and folders that the user picks. */
  async upload(row: VolumesRow): Promise<void> {
    const chosen = await vscode.window.showOpenDialog({
      title: strings.uploadTo(row.volume.name),
      defaultUri: diskFolders()[0]?.uri,
      openLabel: strings.upload(),
      canSelectMany: true,
      canSelectFiles: true,
      canSelectFolders: true,
    });
    if (chosen) await this.put(row, chosen);
  }

  /** Uploads files and folders into the row's folder, after confirmation if it replaces anything. */
  put(row: VolumesRow, uris: readonly vscode.Uri[]): Promise<void> {
    const { volume } = row;
    return this.#run(volume, async () => {
      const files = this.#options.filesOf(volume);
      const folder = targetFolder(row);
      const local = uris.filter(({ scheme }) => scheme === 'file').map(({ fsPath }) => fsPath);
      if (local.length < uris.length) throw new UserError(strings.onlyLocalFiles());
      const existing = await namesIn(files, folder);
      const replaced = local.map((path) => basename(path)).filter((name) => existing.has(name));
      if (!(await mayReplace(replaced, (names) => strings.replaceInVolume(names, volume.name)))) return;
      const find = (signal: AbortSignal) =>
        Promise.all(local.map((path) => filesToUpload(path, posix.join(folder, basename(path)), signal)));
      await transfer(
        strings.uploadingTo(volume.name),
        async (signal) => (await find(signal)).flat(),
        (pair, options) => upload(files, pair, options),
      );
    });
  }

  /** Moves files and folders within the row's volume into its folder. */
  move(row: VolumesRow, paths: readonly string[]): Promise<void> {
    const { volume } = row;
    return this.#run(volume, async () => {
      const files = this.#options.filesOf(volume);
      const folder = targetFolder(row);
      const moved = paths.filter((path) => posix.dirname(path) !== folder && !`${folder}/`.startsWith(`${path}/`));
      const existing = await namesIn(files, folder);
      const replaced = moved.map((path) => posix.basename(path)).filter((name) => existing.has(name));
      if (!(await mayReplace(replaced, (names) => strings.replaceInFolder(names, folder)))) return;
      await oneByOne(strings.movingTo(folder), moved, (path) =>
        files.rename(path, posix.join(folder, posix.basename(path))),
      );
    });
  }

  /**
   * `modal.downloadFromVolume`: downloads files and folders into a local folder, after confirmation if it replaces
   * anything.
   */
  async download(rows: readonly (VolumeRow | EntryRow)[]): Promise<void> {
    const into = (await pickDownloadFolder())?.fsPath;
    if (into === undefined) return;
    await this.#run(rows[0]?.volume, async () => {
      const names = rows.map((row) => (row.kind === 'volume' ? row.volume.name : row.entry.name));
      const replaced = names.filter((name) => existsSync(join(into, name)));
      if (!(await mayReplace(replaced, (all) => strings.replaceInFolder(all, basename(into))))) return;
      for (const row of rows) {
        const files = this.#options.filesOf(row.volume);
        const name = row.kind === 'volume' ? row.volume.name : row.entry.name;
        const path = row.kind === 'volume' ? '/' : row.entry.path;
        await transfer(
          strings.downloading(name),
          (signal) => filesToDownload(files, path, join(into, name), signal),
          (pair, options) => download(files, pair, options),
        );
      }
      window.setStatusBarMessage([{ icon: 'check' }, strings.downloaded(nameList(names))], 5_000);
    });
  }

  /** Asks for the path of something new in the row's folder. */
  #askNewPath(title: string, row: VolumesRow, name: string): Promise<string | undefined> {
    return this.#askPath(title, row.volume, posix.join(targetFolder(row), name), '');
  }

  /**
   * Asks for an unused path in the volume. Resolves with undefined if the user cancels or leaves `before` unchanged. Throws
   * `UserError` if the path exists.
   */
  async #askPath(title: string, volume: VolumeSummary, value: string, before = value): Promise<string | undefined> {
    const start = value.lastIndexOf('/') + 1;
    const end = value.lastIndexOf('.') > start ? value.lastIndexOf('.') : value.length;
    const typed = await window.showInputBox({
      title,
      prompt: strings.pathPrompt(volume.name),
      value,
      valueSelection: [start, end],
      validateInput: (text) => (/[^/]/.test(text) ? undefined : strings.pathWithoutName()),
    });
    if (typed === undefined) return undefined;
    const path = posix.resolve('/', typed);
    if (path === '/' || path === before) return undefined;
    const files = this.#options.filesOf(volume);
    const existing = await namesIn(files, posix.dirname(path));
    if (existing.has(posix.basename(path))) throw new UserError(strings.pathExists(path));
    return path;
  }

  async #run(volume: VolumeSummary | undefined, work: () => Promise<void>): Promise<void> {
    await shown(work);
    this.#options.onChange(volume);
  }
}

/** The folder that receives what is dropped on a row: the row's own, or the one that contains the file. */
function targetFolder(row: VolumesRow): string {
  if (row.kind === 'entry') return folderOf(row) ?? posix.dirname(row.entry.path);
  return row.kind === 'volume' ? '/' : row.path;
}

/** The names in a folder; none if it doesn't exist yet. */
async function namesIn(files: RemoteFiles, folder: string): Promise<Set<string>> {
  const found = await waiting(strings.reading(folder), () => files.list(folder)).catch(unlessMissing);
  return new Set(found.map(({ name }) => name));
}

function unlessMissing(error: unknown): never[] {
  if (isNotFound(error)) return [];
  throw error;
}

/** Processes items in order until the user cancels. Items that are done stay done. */
function oneByOne<T>(title: string, items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  return withProgress(title, async (signal, report) => {
    for (const item of items) {
      await untilAborted(act(item), signal);
      report({ increment: 100 / items.length });
    }
  });
}

function deleteQuestion(rows: readonly EntryRow[], { entry, volume }: EntryRow): string {
  const hasFolder = rows.some((row) => row.entry.type === 'directory');
  if (rows.length === 1)
    return hasFolder ? strings.deleteFolder(entry.name, volume.name) : strings.deleteFile(entry.name, volume.name);
  return hasFolder ? strings.deleteEntries(rows.length, volume.name) : strings.deleteFiles(rows.length, volume.name);
}

/** Asks whether files of these names may be replaced, if there are any. `question` gets the list of names. */
async function mayReplace(names: readonly string[], question: (names: string) => string): Promise<boolean> {
  if (names.length === 0) return true;
  const action = strings.replace();
  return (await window.showWarningMessage(question(nameList(names)), { modal: true }, action)) === action;
}
