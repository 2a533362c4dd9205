import { lstatSync, readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { UserError } from '../../base/errors.ts';
import { decodeText } from '../../base/text.ts';
import { strings } from '../strings.ts';

/** Names in a folder that affect its rules. */
export interface FolderMarkers {
  readonly gitignore: boolean;
  readonly modalignore: boolean;
  readonly git: boolean;
  readonly virtualEnvironment: boolean;
  /** True if the folder has what a Git repository's own folder has, whatever its name. */
  readonly gitData: boolean;
}

/** A file with rules can't be read, so it's unknown what it excludes. */
export class UnreadableRules extends UserError {
  constructor(path: string, cause: unknown) {
    super(strings.rulesUnreadable(path), { cause });
  }
}

/** Returns undefined if a path doesn't exist, for example because one of its parents is a file. */
export function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

/** Reads a file with rules, or what a link leads to; empty if there is none. Throws `UnreadableRules`. */
export function readRules(path: string): string {
  try {
    const info = statSync(path);
    // Only files end; /dev/null is what Git's users name for none.
    if (info.isCharacterDevice()) return '';
    if (info.isFIFO()) throw new Error('not a file');
    return decodeText(readFileSync(path));
  } catch (error) {
    if (/^(ENOENT|ENOTDIR|EISDIR)$/.test((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw new UnreadableRules(path, error);
  }
}

/** Returns true for an error that hides what a file or folder contains, or that it exists. */
export function isUnreadable(error: unknown): boolean {
  return /^(EACCES|EPERM|EIO|EMFILE|ENFILE)$/.test((error as NodeJS.ErrnoException).code ?? '');
}

const NO_MARKERS: FolderMarkers = {
  gitignore: false,
  modalignore: false,
  git: false,
  virtualEnvironment: false,
  gitData: false,
};

/** Reads a folder's markers from the disk. */
export function readMarkers(folder: string): FolderMarkers {
  try {
    return markersIn(readdirSync(folder, { withFileTypes: true }));
  } catch {
    return NO_MARKERS;
  }
}

/** Finds the markers in a folder's listing. */
export function markersIn(
  listing: Iterable<{ readonly name: string; isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }>,
): FolderMarkers {
  const found = { ...NO_MARKERS };
  const gitParts = { head: false, objects: false, other: false };
  for (const child of listing) {
    switch (child.name) {
      case '.gitignore':
        found.gitignore = child.isFile();
        break;
      case '.modalignore':
        // Git follows no link there, so `.gitignore` has to be a file.
        found.modalignore = child.isFile() || child.isSymbolicLink();
        break;
      case '.git':
        found.git = true;
        break;
      case 'pyvenv.cfg':
        found.virtualEnvironment = true;
        break;
      case 'HEAD':
        gitParts.head = !child.isDirectory();
        break;
      case 'objects':
        gitParts.objects = !child.isFile();
        break;
      // Copies lose empty folders, such as the references of a repository that has packed them.
      case 'refs':
      case 'packed-refs':
      case 'config':
        gitParts.other = true;
    }
  }
  return { ...found, gitData: gitParts.head && gitParts.objects && gitParts.other };
}
