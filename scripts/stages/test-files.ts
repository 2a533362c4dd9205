import { globSync } from 'node:fs';
import { join, sep } from 'node:path';
import { projectFolder } from '../paths.ts';

/** Returns the absolute paths of the test files in a project folder. If `named` isn't empty, only those files and folders. */
export function testFiles(folder: string, named: readonly string[]): string[] {
  const all = globSync(`${folder}/**/*.test.ts`, { cwd: projectFolder }).map((path) => join(projectFolder, path));
  if (named.length === 0) return all.sort();
  const chosen = all.filter((path) => named.some((name) => path === name || path.startsWith(name + sep)));
  if (chosen.length === 0) throw new Error(`No test file in ${folder} matches ${named.join(' or ')}.`);
  return chosen.sort();
}
