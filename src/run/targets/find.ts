import { isRakefile, RUNNABLE_LANGUAGES } from '../runners.ts';
import { findCells } from './cells.ts';
import { findJustRecipes } from './justfile.ts';
import { findMakeTargets } from './makefile.ts';
import { findPackageScripts } from './package-json.ts';
import { findPythonTargets } from './python.ts';
import type { Cell, Target } from './target.ts';

/** Finds everything that can be run in a file, in line order. Reads only the text, so no language server is needed. */
export function findTargets(fileName: string, languageId: string, text: string): (Target | Cell)[] {
  if (fileName === 'package.json') return findPackageScripts(text);
  if (/^(?:gnu)?makefile$|\.mk$/i.test(fileName)) return findMakeTargets(text);
  if (/^\.?justfile$|\.just$/i.test(fileName)) return findJustRecipes(text);
  if (!RUNNABLE_LANGUAGES.includes(languageId) || isOnlyRead(fileName, languageId, text)) return [];
  const file: Target = { kind: 'file', line: 0 };
  if (languageId !== 'python') return [file];
  const targets = findPythonTargets(text);
  const hasGuard = targets.some(({ kind }) => kind === 'pythonGuard');
  // With a guard, running the file calls the main function as its author intended. Line 0 needs only one lens.
  const own = targets.map((target): Target => (hasGuard ? { ...target, kind: 'pythonGuard' } : target));
  const all = [...(own[0]?.line === 0 ? [] : [file]), ...own, ...findCells(text)];
  return all.sort((a, b) => a.line - b.line);
}

/** Returns true for files of a language that other programs read, and that do nothing, or fail, when they are run. */
function isOnlyRead(fileName: string, languageId: string, text: string): boolean {
  switch (languageId) {
    case 'go':
      // A package that programs import.
      return !fileName.endsWith('_test.go') && !/^package\s+main\b/m.test(text);
    case 'ruby':
      // Gemfile, *.gemspec, config.ru, and others that belong to a tool.
      return !fileName.endsWith('.rb') && !isRakefile(fileName) && !text.startsWith('#!');
    case 'typescript':
      return /\.d\.(?:[^.]+\.)?[cm]?ts$/.test(fileName);
    case 'python':
      return fileName.endsWith('.pyi');
    default:
      return false;
  }
}
