import { lstatSync, readdirSync, readFileSync, type Stats } from 'node:fs';
import { UserError } from '../../base/errors.ts';
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

/** Reads a file with rules; empty if there is none. Throws `UnreadableRules`. */
export function readRules(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (/^(ENOENT|ENOTDIR|EISDIR)$/.test((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw new UnreadableRules(path, error);
  }
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
  listing: Iterable<{ readonly name: string; isFile(): boolean; isDirectory(): boolean }>,
): FolderMarkers {
  const found = { ...NO_MARKERS };
  let gitParts = 0;
  for (const child of listing) {
    switch (child.name) {
      case '.gitignore':
        found.gitignore = child.isFile();
        break;
      case '.modalignore':
        found.modalignore = child.isFile();
        break;
      case '.git':
        found.git = true;
        break;
      case 'pyvenv.cfg':
        found.virtualEnvironment = true;
        break;
      case 'HEAD':
        if (child.isFile()) gitParts += 1;
        break;
      case 'objects':
      case 'refs':
        if (child.isDirectory()) gitParts += 1;
    }
  }
  return { ...found, gitData: gitParts === 3 };
}
