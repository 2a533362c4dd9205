import { posix } from 'node:path';
import * as vscode from 'vscode';
import { type Clock, systemClock } from '../../base/clock.ts';
import { cleanLine } from '../../base/text.ts';
import { explainAndLog } from '../../modal/explain/explain.ts';
import {
  contentOf,
  type RemoteChange,
  type RemoteEntry,
  RemoteFileError,
  type RemoteFiles,
  readAll,
} from '../../modal/remote-files.ts';
import { activeName, shownName } from '../common/inactive-names.ts';
import { placeOfRemote, READ_ONLY_QUERY, type RemotePlace, remoteUri } from '../common/schemes.ts';
import { strings } from './strings.ts';

/** The maximum size of a file in the editor, which holds it in memory twice. Larger files can be downloaded. */
const MAX_BYTES = 256 * 1024 * 1024;
/** The time for which a listing answers `stat` requests. */
const LISTING_VALID_MS = 1_000;

export interface RemoteFileSystemOptions {
  readonly scheme: string;
  /** Returns the files of a volume or sandbox. */
  readonly open: (container: string) => RemoteFiles;
  /** Called after a change made through this file system. */
  readonly onChange?: (place: RemotePlace) => void;
  /** Called when a volume or sandbox turns out to be gone. */
  readonly onGone?: (container: string) => void;
  readonly clock?: Clock;
}

/**
 * A file system for volumes or sandboxes: `scheme:/CONTAINER/path`. VS Code finds none of the files by which it acts, such
 * as settings and tasks: they are shown under other names.
 */
export class RemoteFileSystem implements vscode.FileSystemProvider, vscode.Disposable {
  readonly #options: RemoteFileSystemOptions;
  readonly #clock: Clock;
  readonly #changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly onDidChangeFile = this.#changed.event;
  readonly #opened = new Map<string, RemoteFiles>();
  readonly #registration: vscode.Disposable;
  /** The entries of the last listing, each used once: VS Code requests `stat` for each file that it has listed. */
  #listed: { until: number; entries: Map<string, RemoteEntry> } = { until: 0, entries: new Map() };

  constructor(options: RemoteFileSystemOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#registration = vscode.workspace.registerFileSystemProvider(options.scheme, this, { isCaseSensitive: true });
  }

  dispose(): void {
    this.#registration.dispose();
    this.#changed.dispose();
  }

  /** Returns the URI of a file. */
  uri(place: RemotePlace): vscode.Uri {
    return remoteUri(this.#options.scheme, place);
  }

  /** Parses the URI of a file. Throws `FileNotFound` for a name that is never shown. */
  place(uri: vscode.Uri): RemotePlace {
    const place = placeOfRemote(uri);
    if (!place) throw vscode.FileSystemError.FileNotFound(uri);
    return place;
  }

  files(container: string): RemoteFiles {
    const known = this.#opened.get(container) ?? this.#options.open(container);
    this.#opened.set(container, known);
    return known;
  }

  /** Forgets all connections, after a change of account. */
  reset(): void {
    this.#opened.clear();
    this.#listed = { until: 0, entries: new Map() };
  }

  #fire(container: string, changes: readonly RemoteChange[]): void {
    const { Created, Changed, Deleted } = vscode.FileChangeType;
    const type = { created: Created, changed: Changed, deleted: Deleted };
    this.#changed.fire(changes.map(({ kind, path }) => ({ type: type[kind], uri: this.uri({ container, path }) })));
  }

  watch(uri: vscode.Uri, { recursive }: { readonly recursive: boolean }): vscode.Disposable {
    const { container = '', path = '' } = placeOfRemote(uri) ?? {};
    if (container === '') return new vscode.Disposable(() => {});
    const watching = this.files(container).watch?.(path, recursive, (changes) => this.#fire(container, changes));
    return new vscode.Disposable(() => watching?.stop());
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    if (this.place(uri).container === '') return { type: vscode.FileType.Directory, ctime: 0, mtime: 0, size: 0 };
    const entry = this.#takeListed(uri) ?? (await this.#with(uri, (files, path) => files.stat(path)));
    return {
      type: typeOf(entry),
      // Modal doesn't store creation times.
      ctime: entry.modifiedMs,
      mtime: entry.modifiedMs,
      size: entry.bytes,
      ...((entry.isReadOnly || uri.query === READ_ONLY_QUERY) && { permissions: vscode.FilePermission.Readonly }),
    };
  }

  async readDirectory(uri: vscode.Uri): Promise<[string, vscode.FileType][]> {
    if (this.place(uri).container === '') return [];
    const entries = await this.#with(uri, (files, path) => files.list(path));
    this.#listed = {
      until: this.#clock.now() + LISTING_VALID_MS,
      entries: new Map(entries.map((entry) => [posix.join(uri.path, shownName(entry.name)), entry])),
    };
    return entries.map((entry) => [shownName(entry.name), typeOf(entry)]);
  }

  readFile(uri: vscode.Uri): Promise<Uint8Array> {
    return this.#with(uri, (files, path) => readAll(files, path, MAX_BYTES));
  }

  async writeFile(
    uri: vscode.Uri,
    bytes: Uint8Array,
    { create, overwrite }: { readonly create: boolean; readonly overwrite: boolean },
  ): Promise<void> {
    requireShown(uri);
    const before = await this.#find(uri);
    if (before?.type === 'directory') throw vscode.FileSystemError.FileIsADirectory(uri);
    if (!before && !create) throw vscode.FileSystemError.FileNotFound(uri);
    if (before && create && !overwrite) throw vscode.FileSystemError.FileExists(uri);
    await this.#with(uri, (files, path) => files.write(path, contentOf(bytes)));
    this.#changedHere(uri, before ? 'changed' : 'created');
  }

  async createDirectory(uri: vscode.Uri): Promise<void> {
    requireShown(uri);
    if (await this.#find(uri)) throw vscode.FileSystemError.FileExists(uri);
    await this.#with(uri, (files, path) => files.makeDirectory(path));
    this.#changedHere(uri, 'created');
  }

  async delete(uri: vscode.Uri, { recursive }: { readonly recursive: boolean }): Promise<void> {
    const entry = await this.#with(uri, (files, path) => files.stat(path));
    if (entry.type === 'directory' && !recursive && (await this.readDirectory(uri)).length > 0) {
      throw new vscode.FileSystemError(cleanLine(strings.folderNotEmpty(entry.name)));
    }
    await this.#with(uri, (files, path) => files.remove(path));
    this.#changedHere(uri, 'deleted');
  }

  async rename(from: vscode.Uri, to: vscode.Uri, options: { readonly overwrite: boolean }): Promise<void> {
    await this.#put('rename', from, to, options);
    this.#changedHere(from, 'deleted');
  }

  copy(from: vscode.Uri, to: vscode.Uri, options: { readonly overwrite: boolean }): Promise<void> {
    return this.#put('copy', from, to, options);
  }

  async #put(
    how: 'rename' | 'copy',
    from: vscode.Uri,
    to: vscode.Uri,
    { overwrite }: { readonly overwrite: boolean },
  ): Promise<void> {
    requireShown(to);
    const source = this.place(from);
    const target = this.place(to);
    if (source.container !== target.container) {
      // VS Code then reads and writes the files.
      throw new vscode.FileSystemError(strings.noMoveBetween());
    }
    const before = await this.#find(to);
    if (before && !overwrite) throw vscode.FileSystemError.FileExists(to);
    await this.#with(from, async (files, path) => {
      await files.stat(path);
      if (before) await files.remove(target.path);
      await files[how](path, target.path);
    });
    this.#changedHere(to, before ? 'changed' : 'created');
  }

  /** Resolves with undefined if the file doesn't exist. */
  async #find(uri: vscode.Uri): Promise<RemoteEntry | undefined> {
    try {
      return await this.#with(uri, (files, path) => files.stat(path));
    } catch (error) {
      if (error instanceof vscode.FileSystemError && error.code === 'FileNotFound') return undefined;
      throw error;
    }
  }

  #takeListed(uri: vscode.Uri): RemoteEntry | undefined {
    const { until, entries } = this.#listed;
    if (this.#clock.now() > until) return undefined;
    const entry = entries.get(uri.path);
    entries.delete(uri.path);
    return entry;
  }

  #changedHere(uri: vscode.Uri, kind: RemoteChange['kind']): void {
    this.#listed.entries.delete(uri.path);
    const place = this.place(uri);
    this.#fire(place.container, [{ kind, path: place.path }]);
    this.#options.onChange?.(place);
  }

  async #with<T>(uri: vscode.Uri, work: (files: RemoteFiles, path: string) => Promise<T>): Promise<T> {
    const { container, path } = this.place(uri);
    try {
      return await work(this.files(container), path);
    } catch (error) {
      if (error instanceof RemoteFileError && error.problem === 'gone') this.#options.onGone?.(container);
      throw asFileSystemError(error, uri);
    }
  }
}

/** Throws for a file that VS Code would act on, which therefore can't be created. */
function requireShown(uri: vscode.Uri): void {
  const name = activeName(uri.path);
  if (name === undefined) return;
  throw vscode.FileSystemError.NoPermissions(cleanLine(strings.inactiveName(name, shownName(name))));
}

function typeOf({ type, target }: RemoteEntry): vscode.FileType {
  const { File, Directory, SymbolicLink, Unknown } = vscode.FileType;
  if (type === 'file') return File;
  if (type === 'directory') return Directory;
  if (type === 'other') return Unknown;
  return target === 'directory' ? SymbolicLink | Directory : target === 'file' ? SymbolicLink | File : SymbolicLink;
}

/** Converts an error to the kind that VS Code distinguishes. */
export function asFileSystemError(error: unknown, uri: vscode.Uri): vscode.FileSystemError {
  if (error instanceof vscode.FileSystemError) return error;
  const { FileNotFound, FileExists, FileIsADirectory, FileNotADirectory, NoPermissions, Unavailable } =
    vscode.FileSystemError;
  if (!(error instanceof RemoteFileError)) return Unavailable(cleanLine(explainAndLog(error)));
  const message = cleanLine(error.message);
  switch (error.problem) {
    case 'notFound':
      return FileNotFound(uri);
    case 'exists':
      return FileExists(uri);
    case 'isDirectory':
      return FileIsADirectory(uri);
    case 'notDirectory':
      return FileNotADirectory(uri);
    case 'denied':
      return NoPermissions(message);
    case 'notEmpty':
      return new vscode.FileSystemError(message);
    case 'gone':
    case 'unavailable':
      return Unavailable(message);
  }
}
