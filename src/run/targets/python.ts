import { logicalLines } from '../python-lines.ts';
import type { Target } from './target.ts';

/** A condition on `__name__`, whatever else the condition says. */
const GUARD =
  /^(?:el)?if\b(?!\s*\(?\s*not\s*\(?\s*["'_])[^#]*?(?:__name__\s*\)?\s*(?:==|is\b|in\s*[([{][^)\]}:]*)\s*\(?\s*[ur]?("{3}|'{3}|["'])__main__\1|("{3}|'{3}|["'])__main__\2\s*(?:==|is\b|in\b)\s*\(?\s*__name__)/;
const MAX_CONDITION_CHARS = 1000;
/** Up to the bracket before its parameters. Those of types may contain brackets, too. */
const MAIN = /(?:async\s+)?def\s+main\s*(?:\[(?:[^[\]]|\[[^[\]]*\])*\]\s*)?\(/y;

/**
 * Outside of functions and classes: `main()`, `main.main()` of click, `main.remote()` of Modal and Ray, `main.serve()` of
 * Prefect, `asyncio.run(main())`, `app.run(main)`.
 */
const MAIN_NAME =
  /(?<![\w.])main\b(?!\s*=(?!=))(\s*(?:\.\s*(?:main|__call__|callback|fn|local|remote|serve|spawn)\s*)?\()?/g;
/** What is assigned to `main` is the function in another form, such as a command of click. */
const REPLACES_MAIN = /^main\s*(?::[^=]*)?=(?!=)/;
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
  const lines = [...logicalLines(text)];
  for (const [index, { line, start }] of lines.entries()) {
    const first = text[start];
    if (first === undefined || first === '\n' || first === '\r' || first === '#') continue;
    const isTop = first !== ' ' && first !== '\t';
    if (!isTop && isInDefinition) continue;
    const source = text.slice(start, lines[index + 1]?.start);
    if (isTop) isInDefinition = DEFINITION.test(source);
    MAIN.lastIndex = start;
    const [main] = (isTop && MAIN.exec(text)) || [];
    if (isTop && GUARD.test(source.slice(0, MAX_CONDITION_CHARS))) targets.push({ kind: 'pythonGuard', line });
    else if (isTop && main) {
      // A decorator such as click's takes the arguments from the command line.
      if (isDecorated || !needsArguments(text, start + main.length - 1)) targets.push({ kind: 'pythonMain', line });
    } else if (!NO_CALL.test(source)) isCalled ||= callsMain(source);
    if (isTop) isDecorated = first === '@';
  }
  return isCalled ? targets.map((target) => ({ ...target, kind: 'pythonGuard' })) : targets;
}

const STRING_OR_COMMENT =
  /#[^\n]*|(?<prefix>\b[A-Za-z]{1,2})?("{3}|'{3}|["'])(?<content>(?:\\[\s\S]|(?!\2)[^\\])*)(?:\2|$)/g;
/** A value in an f-string. */
const VALUE = /\{\{|\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}/g;

/** Returns true if a statement calls `main`, or passes it to a function that does. */
function callsMain(statement: string): boolean {
  if (!statement.includes('main') || REPLACES_MAIN.test(statement)) return false;
  const code = statement.replace(STRING_OR_COMMENT, (_all, prefix: string = '', _, content: string = '') =>
    /[ft]/i.test(prefix) ? [...content.matchAll(VALUE)].map(([, value = '']) => `(${value})`).join() : '""',
  );
  let depth = 0;
  let at = 0;
  for (const { 1: call, index } of code.matchAll(MAIN_NAME)) {
    for (; at < index; at += 1) {
      if (code[at] === '(') depth += 1;
      else if (code[at] === ')') depth -= 1;
    }
    if (call !== undefined || depth > 0) return true;
  }
  return false;
}

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
