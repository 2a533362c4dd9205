import { join, resolve } from 'node:path';

/** The project folder. */
export const projectFolder = resolve(import.meta.dirname, '..');

/** The folder for VS Code, the browser, and their data between runs. Safe to delete. */
export const vscodeTestFolder = join(projectFolder, '.vscode-test');

/** The output folder of `scripts/build.ts`. */
export const distFolder = join(projectFolder, 'dist');

/** Resolves a path from the command line, relative to the folder in which npm was run. */
export function fromWhereNpmRan(path: string): string {
  return resolve(process.env.INIT_CWD ?? process.cwd(), path);
}
