import { lstatSync, readdirSync, readFileSync, type Stats } from 'node:fs';

/** What in a folder's listing changes its rules. */
export interface FolderMarkers {
  readonly gitignore: boolean;
  readonly modalignore: boolean;
  readonly git: boolean;
  readonly virtualEnvironment: boolean;
}

/** Undefined for what is not there, also when a file stands where one of its folders should. */
export function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

/** Empty for what cannot be read. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const NO_MARKERS: FolderMarkers = { gitignore: false, modalignore: false, git: false, virtualEnvironment: false };

/** Those of a folder on the disk. */
export function readMarkers(folder: string): FolderMarkers {
  try {
    return markersIn(readdirSync(folder, { withFileTypes: true }));
  } catch {
    return NO_MARKERS;
  }
}

/** Finds the names that matter to the rules in a folder's listing. */
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
