import { posix } from 'node:path';
import { parentOf } from '../sync/index/entries.ts';
import type { Projects } from './projects.ts';
import { logicalLines } from './python-lines.ts';

/** A Python file that is imported by a name with dots. */
export interface PythonModule {
  /** The folder that contains the top package, relative to the synced folder. */
  readonly root: string;
  /** The name for `python -m`. */
  readonly name: string;
  /** The package that relative imports start from. */
  readonly package: string;
}

const RELATIVE_IMPORT = /^\s*from\s+(\.+)/;

/**
 * Returns the module of a Python file that works only with `python -m`, because it imports parts of its own package.
 * Undefined for one that works alone.
 */
export function pythonModuleOf(name: string, text: string, projects: Projects): PythonModule | undefined {
  const statements = [...logicalLines(text)].map(({ start }) => text.slice(start, start + 200));
  const dots = statements.map((statement) => RELATIVE_IMPORT.exec(statement)?.[1]?.length ?? 0);
  const root = rootOf(projects, Math.max(0, ...dots));
  if (root === projects.folder) return undefined;
  const parts = posix.relative(root, projects.folder).split('/');
  // A name with a dot would mean something else.
  if (parts.some((part) => part.includes('.'))) return undefined;
  const [top = ''] = parts;
  const own = new RegExp(`^\\s*(?:from|import)\\s+(?:\\.|${top.replaceAll(/[^\w]/g, '\\$&')}(?![\\w-]))`);
  const isStart = name === '__main__.py';
  if (!isStart && !statements.some((statement) => own.test(statement))) return undefined;
  const ownName = name.replace(/\.py$/, '');
  if (ownName.includes('.')) return undefined;
  return { root, name: [...parts, ...(isStart ? [] : [ownName])].join('.'), package: parts.join('.') };
}

/** Returns the folder above the packages that a file is in: those with an `__init__.py`, and those that imports need. */
function rootOf(projects: Projects, dots: number): string {
  let root = projects.folder;
  for (let levels = 0; root !== ''; levels += 1) {
    const isPackage = projects.read(posix.join(root, '__init__.py')) !== undefined;
    if (!isPackage && levels >= dots) break;
    root = parentOf(root);
  }
  return root;
}
