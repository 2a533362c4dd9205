import { RUNNABLE_LANGUAGES } from '../runners.ts';
import { findJustRecipes } from './justfile.ts';
import { findMakeTargets } from './makefile.ts';
import { findPackageScripts } from './package-json.ts';
import { findPythonTargets } from './python.ts';
import type { Target } from './target.ts';

/** Finds everything that can be run in a file, in line order. Reads only the text, so no language server is needed. */
export function findTargets(fileName: string, languageId: string, text: string): Target[] {
  if (fileName === 'package.json') return findPackageScripts(text);
  if (/^(?:gnu)?makefile$|\.mk$/i.test(fileName)) return findMakeTargets(text);
  if (/^\.?justfile$|\.just$/i.test(fileName)) return findJustRecipes(text);
  if (!RUNNABLE_LANGUAGES.includes(languageId)) return [];
  const file: Target = { kind: 'file', line: 0 };
  if (languageId !== 'python') return [file];
  const targets = findPythonTargets(text);
  const hasGuard = targets.some(({ kind }) => kind === 'pythonGuard');
  // With a guard, running the file calls the main function as its author intended. Line 0 needs only one lens.
  const own = targets.map((target): Target => (hasGuard ? { ...target, kind: 'pythonGuard' } : target));
  return [...(own[0]?.line === 0 ? [] : [file]), ...own];
}
