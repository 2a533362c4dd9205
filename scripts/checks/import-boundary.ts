/** Checks which files may import which: the order of the folders, no cycles, and a core that runs without VS Code. */
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { projectFolder } from '../paths.ts';

/**
 * The folders of `src`, from the bottom up. A file may import from its own folder and from folders on earlier lines, but not
 * from others on the same line. `providers/*` and `views/*` stand for each of their subfolders.
 */
export const ORDER: readonly (readonly string[])[] = [
  ['base'],
  ['modal'],
  ['profiles', 'sync', 'snapshots'],
  ['images'],
  ['sandboxes'],
  ['channel', 'doctor'],
  ['run', 'ssh'],
  ['debug', 'testing'],
  ['api'],
  ['service'],
  ['mcp'],
  ['cli'],
  ['providers/common'],
  ['providers/*'],
  ['views/common'],
  ['views/*'],
  ['window-services.ts'],
  ['extension.ts'],
];

/** The folders of `local`, with the same rules. They may also import from `src/base`. */
export const LOCAL_ORDER: readonly (readonly string[])[] = [
  ['grpc', 'http'],
  ['state', 'isolation'],
  ['execs'],
  ['images'],
  ['sandboxes'],
  ['network', 'volumes'],
  ['server'],
  ['main.ts'],
];

/** The first line of `ORDER` whose folders may import `vscode`. */
const EDGE = ORDER.findIndex(([folder]) => folder === 'providers/common');

/** Each file's imports, by its path. */
type Sources = ReadonlyMap<string, readonly string[]>;

/** Returns one line for each import that breaks a rule. */
export async function importBoundary(root = projectFolder): Promise<string[]> {
  const sources = await readSources(root);
  return [...importsOfVsCode(sources), ...importsAgainstTheOrder(sources), ...cycles(sources)];
}

/** Returns the folders of `src`, each with the folders that its files import from. */
export async function folderImports(root = projectFolder): Promise<Map<string, Set<string>>> {
  const sources = await readSources(root);
  const folders = new Map<string, Set<string>>();
  for (const path of [...sources.keys()].filter((each) => each.startsWith('src/')).sort()) {
    const folder = folderOf(path);
    const imported = folders.get(folder) ?? new Set();
    for (const target of targetsOf(path, sources)) if (folderOf(target) !== folder) imported.add(folderOf(target));
    folders.set(folder, imported);
  }
  return folders;
}

async function readSources(root: string): Promise<Sources> {
  const sources = new Map<string, string[]>();
  for (const path of globSync('{src,local}/**/*.{ts,mts,cts}', { cwd: root })) {
    sources.set(path, importsOf(await readFile(join(root, path), 'utf8')));
  }
  return sources;
}

/** Returns one line for each core file that imports `vscode`. The order prevents indirect imports. */
function importsOfVsCode(sources: Sources): string[] {
  const isCore = (path: string) => path.startsWith('local/') || rankOf(path) < EDGE;
  return [...sources]
    .filter(([path, imported]) => isCore(path) && imported.includes('vscode'))
    .map(([path]) => `${path} may not import vscode`)
    .sort();
}

/** Returns one line for each import from a folder that isn't below the importing file's own. */
function importsAgainstTheOrder(sources: Sources): string[] {
  return [...sources.keys()].sort().flatMap((path) => {
    if (rankOf(path) < 0) return [`${path} is in no folder of the order`];
    return targetsOf(path, sources)
      .filter((target) => !mayImport(path, target))
      .map((target) => `${path} may not import ${target}`);
  });
}

function mayImport(path: string, target: string): boolean {
  if (path.startsWith('local/') && target.startsWith('src/base/')) return true;
  if (path.split('/')[0] !== target.split('/')[0]) return false;
  return folderOf(path) === folderOf(target) || rankOf(target) < rankOf(path);
}

/**
 * Returns the folder of a file: `base` for `src/base/text.ts`, `providers/run` for `src/providers/run/tasks/tasks.ts`,
 * `execs` for `local/execs/exec.ts`.
 */
function folderOf(path: string): string {
  const [, first = '', second = ''] = path.split('/');
  return first === 'providers' || first === 'views' ? `${first}/${second}` : first;
}

/** Returns the index of the line that lists a file's folder, or -1. */
function rankOf(path: string): number {
  const order = path.startsWith('local/') ? LOCAL_ORDER : ORDER;
  const folder = folderOf(path);
  const named = order.findIndex((folders) => folders.includes(folder));
  return named >= 0 ? named : order.findIndex((folders) => folders.includes(folder.replace(/\/.*$/, '/*')));
}

/** Returns the project's own files that a file imports, including type imports. */
function targetsOf(path: string, sources: Sources): string[] {
  const targets = (sources.get(path) ?? [])
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => join(dirname(path), specifier));
  return [...new Set(targets)].filter((target) => sources.has(target));
}

/** Returns one line for each group of files that import each other, including type imports (Tarjan's algorithm). */
function cycles(sources: Sources): string[] {
  const indexes = new Map<string, number>();
  const stack: string[] = [];
  const found: string[] = [];
  const visit = (path: string): number => {
    const index = indexes.size;
    indexes.set(path, index);
    let low = index;
    stack.push(path);
    for (const target of targetsOf(path, sources)) {
      if (!indexes.has(target)) low = Math.min(low, visit(target));
      else if (stack.includes(target)) low = Math.min(low, indexes.get(target) ?? low);
    }
    if (low === index) {
      const group = stack.splice(stack.indexOf(path));
      if (group.length > 1) found.push(`these files import each other: ${group.sort().join(', ')}`);
    }
    return low;
  };
  for (const path of [...sources.keys()].sort()) if (!indexes.has(path)) visit(path);
  return found;
}

/** Returns every module that a TypeScript source names in an import, export, or require. */
export function importsOf(source: string): string[] {
  const code = source.replace(COMMENTS_AND_STRINGS, (text) => (text.startsWith('/') ? ' ' : text));
  return [...code.matchAll(IMPORTS)].map(({ groups }) => groups?.specifier ?? '');
}

const COMMENTS_AND_STRINGS = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;

const IMPORTS =
  /\b(?:(?:import|export)\s+(?:type\s)?[^'"`;]*?\bfrom\s*|import\s*\(?\s*|require\s*\(\s*)(?<quote>['"`])(?<specifier>[^'"`]+)\k<quote>/g;
