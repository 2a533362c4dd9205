import { lstatSync, readdirSync, readFileSync, type Stats } from 'node:fs';

/** Names in a folder that affect its rules. */
export interface FolderMarkers {
  readonly gitignore: boolean;
  readonly modalignore: boolean;
  readonly git: boolean;
  readonly virtualEnvironment: boolean;
}

/** Returns undefined if a path doesn't exist, for example because one of its parents is a file. */
export function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

/** Reads a file; empty if it can't be read. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const NO_MARKERS: FolderMarkers = { gitignore: false, modalignore: false, git: false, virtualEnvironment: false };

/** Reads a folder's markers from the disk. */
export function readMarkers(folder: string): FolderMarkers {
  try {
    return markersIn(readdirSync(folder, { withFileTypes: true }));
  } catch {
    return NO_MARKERS;
  }
}

/** Finds the markers in a folder's listing. */
export function markersIn(listing: Iterable<{ readonly name: string; isFile(): boolean }>): FolderMarkers {
  const found = { gitignore: false, modalignore: false, git: false, virtualEnvironment: false };
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
    }
  }
  return found;
}
