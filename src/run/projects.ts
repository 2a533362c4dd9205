import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { z } from 'zod';
import { parentOf } from '../sync/index/entries.ts';

/** The projects that a file of the synced folder belongs to. */
export interface Projects {
  /** The file's own folder, relative to the synced one; `''` for that itself. */
  readonly folder: string;
  /** Returns the nearest folder, at the file's or above it, that has one of these files; undefined if none has. */
  nearest(names: readonly string[]): { readonly folder: string; readonly name: string } | undefined;
  /** Returns the text of a file in the synced folder; undefined if it can't be read. */
  read(path: string): string | undefined;
  /** Returns the names in the file's own folder. */
  siblings(): readonly string[];
}

/** Looks for projects from a file's folder up to the synced folder. `path` is relative, with `/`. */
export function projectsOf(root: string, path: string): Projects {
  const folder = parentOf(path);
  return {
    folder,
    nearest(names) {
      for (let at = folder; ; at = parentOf(at)) {
        const name = names.find((each) => existsSync(join(root, at, each)));
        if (name !== undefined) return { folder: at, name };
        if (at === '') return undefined;
      }
    },
    read(file) {
      try {
        return readFileSync(join(root, file), 'utf8');
      } catch {
        return undefined;
      }
    },
    siblings() {
      try {
        return readdirSync(join(root, folder));
      } catch {
        return [];
      }
    },
  };
}

/** A file outside any project. */
export const NO_PROJECTS: Projects = {
  folder: '',
  nearest: () => undefined,
  read: () => undefined,
  siblings: () => [],
};

/** Lock files, by which a package manager is recognized. */
const LOCK_FILES: Readonly<Record<string, string>> = {
  'pnpm-lock.yaml': 'pnpm',
  'pnpm-workspace.yaml': 'pnpm',
  'yarn.lock': 'yarn',
  'bun.lock': 'bun',
  'bun.lockb': 'bun',
  'package-lock.json': 'npm',
};
const PackageSchema = z.object({ packageManager: z.string().optional().catch(undefined) });

/**
 * Returns the package manager of a package.json: the one that `packageManager` names there or in a package.json above it, or
 * that of the nearest lock file.
 */
export function packageManagerOf(projects: Projects): string {
  const place = projects.nearest(Object.keys(LOCK_FILES));
  for (let at = projects.folder; ; at = parentOf(at)) {
    const named = namedManager(projects.read(posix.join(at, 'package.json')));
    if (named !== undefined) return named;
    // Above the lock file is another project.
    if (at === '' || at === place?.folder) return (place && LOCK_FILES[place.name]) ?? 'npm';
  }
}

function namedManager(packageJson: string | undefined): string | undefined {
  try {
    const { data } = PackageSchema.safeParse(JSON.parse(packageJson ?? ''));
    return /^(npm|pnpm|yarn|bun)@/.exec(data?.packageManager ?? '')?.[1];
  } catch {
    return undefined;
  }
}

/**
 * Returns the folder of the uv project that a file belongs to: the member of the workspace with the lock file, or else the
 * lock file's own folder. Undefined without a lock file.
 */
export function uvProjectOf(projects: Projects): string | undefined {
  const lock = projects.nearest(['uv.lock']);
  if (!lock) return undefined;
  for (let at = projects.folder; at !== lock.folder; at = parentOf(at)) {
    // Other tools keep their settings in this file, too.
    if (/^\[project\]/m.test(projects.read(posix.join(at, 'pyproject.toml')) ?? '')) return at;
  }
  return lock.folder;
}
