/** Checks which files may import which: the order of the folders, no cycles, and a core that runs without VS Code. */
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { projectFolder } from '../paths.ts';

/**
 * The rooms of `src`, from the bottom up. A file may import its own room and any room of an earlier line, never one next to
 * it. `providers/*` and `views/*` stand for one room per folder.
 */
export const ORDER: readonly (readonly string[])[] = [
  ['base'],
  ['modal'],
  ['profiles', 'sync', 'snapshots'],
  ['images'],
  ['sandboxes'],
  ['channel'],
  ['run'],
  ['api', 'service'],
  ['providers/common'],
  ['providers/*'],
  ['views/common'],
  ['views/*'],
  ['extension.ts'],
];

/** The folders of `local`, likewise. */
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

/** The first line of `ORDER` whose rooms may import `vscode`. */
const EDGE = ORDER.findIndex(([room]) => room === 'providers/common');

/** What each file imports, by its path. */
type Sources = ReadonlyMap<string, readonly string[]>;

/** Returns one line for each import that breaks a rule; empty when all rules hold. */
export async function importBoundary(root = projectFolder): Promise<string[]> {
  const sources = await readSources(root);
  return [...importsOfVsCode(sources), ...importsAgainstTheOrder(sources), ...cycles(sources)];
}

/** The rooms of `src`, each with the rooms that its files import. */
export async function roomImports(root = projectFolder): Promise<Map<string, Set<string>>> {
  const sources = await readSources(root);
  const rooms = new Map<string, Set<string>>();
  for (const path of [...sources.keys()].filter((each) => each.startsWith('src/')).sort()) {
    const room = roomOf(path);
    const imported = rooms.get(room) ?? new Set();
    for (const target of targetsOf(path, sources)) if (roomOf(target) !== room) imported.add(roomOf(target));
    rooms.set(room, imported);
  }
  return rooms;
}

async function readSources(root: string): Promise<Sources> {
  const sources = new Map<string, string[]>();
  for (const path of globSync('{src,local}/**/*.{ts,mts,cts}', { cwd: root })) {
    sources.set(path, importsOf(await readFile(join(root, path), 'utf8')));
  }
  return sources;
}

/** One line for each file of the core that imports `vscode`. The order sees to it that none reaches it through others. */
function importsOfVsCode(sources: Sources): string[] {
  const isCore = (path: string) => path.startsWith('local/') || rankOf(path) < EDGE;
  return [...sources]
    .filter(([path, imported]) => isCore(path) && imported.includes('vscode'))
    .map(([path]) => `${path} may not import vscode`)
    .sort();
}

/** One line for each import of a room that does not stand below the importing file's own. */
function importsAgainstTheOrder(sources: Sources): string[] {
  return [...sources.keys()].sort().flatMap((path) => {
    if (rankOf(path) < 0) return [`${path} is in no folder of the order`];
    return targetsOf(path, sources)
      .filter((target) => !mayImport(path, target))
      .map((target) => `${path} may not import ${target}`);
  });
}

function mayImport(path: string, target: string): boolean {
  if (path.split('/')[0] !== target.split('/')[0]) return false;
  return roomOf(path) === roomOf(target) || rankOf(target) < rankOf(path);
}

/** `base` for `src/base/text.ts`, `providers/run` for `src/providers/run/tasks/tasks.ts`, `execs` for `local/execs/exec.ts`. */
function roomOf(path: string): string {
  const [, first = '', second = ''] = path.split('/');
  return first === 'providers' || first === 'views' ? `${first}/${second}` : first;
}

/** The line of its order that names a file's room; -1 for none. */
function rankOf(path: string): number {
  const order = path.startsWith('local/') ? LOCAL_ORDER : ORDER;
  const room = roomOf(path);
  const named = order.findIndex((rooms) => rooms.includes(room));
  return named >= 0 ? named : order.findIndex((rooms) => rooms.includes(room.replace(/\/.*$/, '/*')));
}

/** The project's own files that a file imports, types included. */
function targetsOf(path: string, sources: Sources): string[] {
  const targets = (sources.get(path) ?? [])
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => join(dirname(path), specifier));
  return [...new Set(targets)].filter((target) => sources.has(target));
}

/** One line for each group of files that import each other, types included (Tarjan's strongly connected components). */
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

/** Every module that a TypeScript source names, in whatever kind of import, export or require. */
export function importsOf(source: string): string[] {
  const code = source.replace(COMMENTS_AND_STRINGS, (text) => (text.startsWith('/') ? ' ' : text));
  return [...code.matchAll(IMPORTS)].map(({ groups }) => groups?.specifier ?? '');
}

const COMMENTS_AND_STRINGS = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;

const IMPORTS =
  /\b(?:(?:import|export)\s+(?:type\s)?[^'"`;]*?\bfrom\s*|import\s*\(?\s*|require\s*\(\s*)(?<quote>['"`])(?<specifier>[^'"`]+)\k<quote>/g;
