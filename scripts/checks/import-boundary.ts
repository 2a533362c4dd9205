/** Holds that the core of the extension, and the local Modal, run without VS Code. */
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { projectFolder } from '../paths.ts';

/** The folders that may not import `vscode`, neither themselves nor through what they import. */
const core = [
  'src/modal',
  'src/sync',
  'src/run',
  'src/session',
  'src/snapshots',
  'src/profiles',
  'src/images',
  'local',
];

interface Import {
  readonly specifier: string;
  /** `import type`, which is gone when the program runs. */
  readonly typeOnly: boolean;
}

/** Returns one line for each file of the core that reaches `vscode`, naming the way there. */
export async function importBoundary(root = projectFolder): Promise<string[]> {
  const sources = new Map<string, Import[]>();
  for (const path of globSync('{src,local}/**/*.{ts,mts,cts}', { cwd: root })) {
    sources.set(join(root, path), importsOf(await readFile(join(root, path), 'utf8')));
  }
  const inCore = (path: string) => core.some((folder) => path.startsWith(join(root, folder, '/')));
  return [...sources.keys()]
    .filter(inCore)
    .sort()
    .flatMap((path) => {
      const way = wayToVsCode(path, sources);
      return way ? [`${way.map((file) => relative(root, file)).join(' imports ')} imports vscode`] : [];
    });
}

/** The shortest chain of files from `start` to one that imports `vscode`. */
function wayToVsCode(start: string, sources: ReadonlyMap<string, readonly Import[]>): string[] | undefined {
  const ways: string[][] = [[start]];
  const seen = new Set([start]);
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    const file = way.at(-1) ?? start;
    for (const { specifier, typeOnly } of sources.get(file) ?? []) {
      // Types of other files may mention VS Code's; a file of the core itself may not.
      if (typeOnly && file !== start) continue;
      if (specifier === 'vscode') return way;
      const target = join(dirname(file), specifier);
      if (typeOnly || !specifier.startsWith('.') || seen.has(target)) continue;
      seen.add(target);
      ways.push([...way, target]);
    }
  }
  return undefined;
}

/** Every module that a TypeScript source names, in whatever kind of import, export or require. */
export function importsOf(source: string): Import[] {
  const code = source.replace(commentsAndStrings, (text) => (text.startsWith('/') ? ' ' : text));
  return [...code.matchAll(imports)].map(({ groups }) => ({
    specifier: groups?.specifier ?? '',
    typeOnly: groups?.type !== undefined,
  }));
}

const commentsAndStrings = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;

const imports =
  /\b(?:(?:import|export)\s+(?<type>type\s)?[^'"`;]*?\bfrom\s*|import\s*\(?\s*|require\s*\(\s*)(?<quote>['"`])(?<specifier>[^'"`]+)\k<quote>/g;
