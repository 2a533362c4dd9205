import { logicalLines } from '../python-lines.ts';
import type { Target } from './target.ts';

const GUARD = /^if\s+(?:__name__\s*==\s*(?:"__main__"|'__main__')|(?:"__main__"|'__main__')\s*==\s*__name__)\s*:/;
const MAIN = /^(?:async\s+)?def\s+main\s*\(/;

/** A statement that uses `main` outside of functions and classes: `main()`, `asyncio.run(main())`, `app.run(main)`. */
const USES_MAIN = /(?<![\w.])main\s*[(),]/;
const DEFINITION = /^(?:async\s+)?(?:def|class)\b/;
const NO_CALL = /^\s*(?:(?:async\s+)?def\b|class\b|from\b|import\b|@|#)/;

/**
 * Finds the `if __name__ == "__main__":` guard and the `main` function of a script, at the start of a logical line and
 * not inside a string. A `main` that the script itself calls counts as a guard: running the file runs it. One that can't be
 * called without arguments doesn't count.
 */
export function findPythonTargets(text: string): Target[] {
  const targets: Target[] = [];
  let isInDefinition = false;
  let isDecorated = false;
  let isCalled = false;
  for (const { line, start } of logicalLines(text)) {
    const first = text[start];
    if (first === undefined || first === '\n' || first === '\r' || first === '#') continue;
    const isTop = first !== ' ' && first !== '\t';
    if (!isTop && isInDefinition) continue;
    const end = text.indexOf('\n', start);
    const source = text.slice(start, end < 0 ? undefined : end);
    if (isTop) isInDefinition = DEFINITION.test(source);
    if (isTop && GUARD.test(source)) targets.push({ kind: 'pythonGuard', line });
    else if (isTop && MAIN.test(source)) {
      // A decorator such as click's takes the arguments from the command line.
      if (isDecorated || !needsArguments(text, start + source.indexOf('('))) targets.push({ kind: 'pythonMain', line });
    } else if (!NO_CALL.test(source)) isCalled ||= USES_MAIN.test(source.replace(STRINGS, '""'));
    if (isTop) isDecorated = first === '@';
  }
  return isCalled ? targets.map((target) => ({ ...target, kind: 'pythonGuard' })) : targets;
}

const STRINGS = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g;

/** Returns true if the parameters that begin at a bracket include one without a default. */
function needsArguments(text: string, open: number): boolean {
  let depth = 0;
  let parameter = '';
  const parameters: string[] = [];
  const token = /"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|#[^\n]*|[\s\S]/y;
  token.lastIndex = open;
  for (let found = token.exec(text)?.[0]; found !== undefined; found = token.exec(text)?.[0]) {
    if (found.startsWith('#')) continue;
    if (depth === 1 && found === ',') {
      parameters.push(parameter);
      parameter = '';
      continue;
    }
    if ('([{'.includes(found)) depth += 1;
    if (')]}'.includes(found)) depth -= 1;
    if (depth === 0) break;
    // Texts could contain anything.
    if (depth > 1 || found !== '(') parameter += found.length > 1 ? '""' : found;
  }
  return [...parameters, parameter]
    .map((each) => each.trim())
    .some((each) => each !== '' && each !== '/' && !each.startsWith('*') && !hasDefault(each));
}

/** Returns true for `name = value` and `name: type = value`. */
function hasDefault(parameter: string): boolean {
  return /^\w+\s*(?::[\s\S]*?)?(?<![=!<>])=(?!=)/.test(parameter);
}
