import { join, resolve } from 'node:path';

/** The project's folder. */
export const projectFolder = resolve(import.meta.dirname, '..');

/** Where VS Code, the browser and their data are kept between runs; safe to delete. */
export const vscodeTestFolder = join(projectFolder, '.vscode-test');

/** Where `scripts/build.ts` puts the bundles. */
export const distFolder = join(projectFolder, 'dist');

/** Resolves what a person typed, from the folder in which they ran npm. */
export function fromWhereNpmRan(path: string): string {
  return resolve(process.env.INIT_CWD ?? process.cwd(), path);
}
