import { isAbsolute, join, posix, relative, sep } from 'node:path';
import { findLocalFile, type LocalFolder } from '../run/local-files.ts';
import { REMOTE_ROOT } from '../sync/options.ts';

/** Names files in the sandbox for the editor. */
export interface SandboxFiles {
  /** Returns the text that the editor opens a file in the sandbox by. */
  nameOf(path: string): string;
  /** Returns the path of a file that is named like this; undefined for other files. */
  pathOf(name: string): string | undefined;
}

export interface SourcePathsOptions {
  /** The synced folder. */
  readonly folder: string;
  /** The folders of the window, in which local files may be. */
  readonly localFolders: readonly LocalFolder[];
  readonly files: SandboxFiles;
  /** A file from outside the folder, and its copy in the sandbox. */
  readonly copy?: { readonly local: string; readonly remote: string } | undefined;
}

/** The paths of source files: those that the editor knows, and those in the sandbox. */
export class SourcePaths {
  readonly #options: SourcePathsOptions;

  constructor(options: SourcePathsOptions) {
    this.#options = options;
  }

  /** Returns the path in the sandbox of a file that the editor names; undefined if it isn't there. */
  toSandbox(name: string): string | undefined {
    const { folder, copy, files } = this.#options;
    const inSandbox = files.pathOf(name);
    if (inSandbox !== undefined) return inSandbox;
    if (name === copy?.local) return copy.remote;
    // On Windows, drives and folders may be written in either case, which `relative` ignores.
    const path = relative(folder, name);
    if (!isAbsolute(name) || isAbsolute(path) || path === '..' || path.startsWith(`..${sep}`)) return undefined;
    return posix.join(REMOTE_ROOT, path.split(sep).join('/'));
  }

  /** Returns the name by which the editor opens a file of the sandbox: the local file, or else the one in the sandbox. */
  toEditor(path: string): string {
    const { folder, localFolders, copy, files } = this.#options;
    if (path === copy?.remote) return copy.local;
    const inRoot = posix.relative(REMOTE_ROOT, path);
    if (!posix.isAbsolute(path)) return path;
    if (inRoot === '' || inRoot.startsWith('../') || inRoot === '..') return files.nameOf(path);
    const own = localFolders.filter(({ synced }) => synced === folder);
    return findLocalFile(own, join(...inRoot.split('/'))) ?? files.nameOf(path);
  }
}
