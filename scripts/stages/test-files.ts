import { globSync } from 'node:fs';
import { join, sep } from 'node:path';
import { projectFolder } from '../paths.ts';

/** The test files under a folder of the project, as absolute paths; only those named, when any are. */
export function testFiles(folder: string, named: readonly string[]): string[] {
  const all = globSync(`${folder}/**/*.test.ts`, { cwd: projectFolder }).map((path) => join(projectFolder, path));
  if (named.length === 0) return all.sort();
  const chosen = all.filter((path) => named.some((name) => path === name || path.startsWith(name + sep)));
  if (chosen.length === 0) throw new Error(`No test file under ${folder} is ${named.join(' or ')}.`);
  return chosen.sort();
}
