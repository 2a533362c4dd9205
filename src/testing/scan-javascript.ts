import type { ScannedTest } from './framework.ts';

/** The files in which Node.js looks for tests. */
const FILE = /(?:^|\/)(?:(?:[^/]*[._-]test|test-[^/]*|test)|test\/.*)\.[cm]?[jt]s$/;
const EXTENSIONS = '{js,mjs,cjs,ts,mts,cts}';
/** The pattern of those files, for VS Code. */
export const NODE_TEST_FILES = `{**/{*[._-]test,test-*,test}.${EXTENSIONS},**/test/**/*.${EXTENSIONS}}`;

/** Returns true if a path is that of a file in which Node.js looks for tests. */
export function isNodeTestFile(path: string): boolean {
  return FILE.test(path) && !/(?:^|\/)node_modules\/|\.d\.[cm]?ts$/.test(path);
}

/** The parts of a program of which it matters where they end. A template is read up to its first expression. */
const TOKEN =
  /(?<space>\s+|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|(?<string>'(?:[^'\\\n]|\\[\s\S])*'?|"(?:[^"\\\n]|\\[\s\S])*"?)|(?<template>`(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{|$))|(?<name>[\p{L}_$][\p{L}\p{N}_$]*)|(?<number>\d[\w.]*)|(?<mark>[\s\S])/uy;
/** The rest of a template after an expression. */
const TEMPLATE_REST = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{|$)/uy;
const REGEXP = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/uy;
/** After these, a slash begins a regular expression. */
const BEFORE_REGEXP = /^(?:return|typeof|case|in|of|delete|void|throw|new|do|else|await|yield|instanceof)$/;

interface Token {
  readonly kind: 'name' | 'string' | 'template' | 'other';
  readonly text: string;
  readonly line: number;
}

/** Yields the parts of a program, without spaces and comments. */
function* tokensOf(text: string): Generator<Token> {
  let position = 0;
  let line = 0;
  let last = '';
  /** For each open brace, whether it's that of an expression in a template. */
  const braces: boolean[] = [];
  const take = (pattern: RegExp) => {
    pattern.lastIndex = position;
    return pattern.exec(text);
  };
  while (position < text.length) {
    const isEnd = text[position] === '}' && braces.pop() === true;
    const mayDivide = /[\w$)\]}'"`]$/.test(last) && !BEFORE_REGEXP.test(last);
    const isSlash = text[position] === '/' && !/^\/[/*]/.test(text.slice(position, position + 2));
    if (isEnd) position += 1;
    const found = isEnd ? take(TEMPLATE_REST) : ((isSlash && !mayDivide ? take(REGEXP) : null) ?? take(TOKEN));
    const [part = text.slice(position, position + 1)] = found ?? [];
    const { space, string, template, name, mark } = found?.groups ?? {};
    if (mark === '{') braces.push(false);
    if ((template !== undefined || isEnd) && part.endsWith('${')) braces.push(true);
    const kind =
      name !== undefined ? 'name' : string !== undefined ? 'string' : template !== undefined ? 'template' : 'other';
    if (space === undefined) {
      yield { kind, text: part, line };
      last = part;
    }
    for (let at = part.indexOf('\n'); at >= 0; at = part.indexOf('\n', at + 1)) line += 1;
    position += part.length;
  }
}

const GROUPS = new Set(['describe', 'suite']);
const TESTS = new Set(['test', 'it']);
const VARIANTS = new Set(['skip', 'only', 'todo', 'expectFailure']);

/** Finds the tests of a file that uses Node.js's test runner, by its text alone; undefined if it doesn't use it. */
export function scanNodeTests(text: string): ScannedTest[] | undefined {
  if (!/['"]node:test['"]/.test(text)) return undefined;
  const tests: ScannedTest[] = [];
  const tokens = [...tokensOf(text)];
  /** The calls around a part; without children for those whose name isn't known. */
  const around: { depth: number; children: ScannedTest[] | undefined }[] = [];
  let depth = 0;
  for (const [at, token] of tokens.entries()) {
    if (token.text === '(') depth += 1;
    else if (token.text === ')') {
      depth -= 1;
      while ((around.at(-1)?.depth ?? -1) >= depth) around.pop();
    }
    const isGroup = GROUPS.has(token.text);
    // Those of other objects, such as regular expressions, are something else, and subtests are found when they run.
    if (token.kind !== 'name' || (!isGroup && !TESTS.has(token.text)) || tokens[at - 1]?.text === '.') continue;
    const isVariant = tokens[at + 1]?.text === '.' && VARIANTS.has(tokens[at + 2]?.text ?? '');
    const start = at + (isVariant ? 3 : 1);
    if (tokens[start]?.text !== '(') continue;
    const parent = around.at(-1);
    const siblings = parent ? parent.children : tests;
    const name = nameOf(tokens[start + 1], tokens[start + 2]);
    const children: ScannedTest[] = [];
    if (name !== undefined && siblings && !siblings.some((each) => each.name === name))
      siblings.push({ name, line: token.line, children });
    around.push({ depth, children: isGroup && name !== undefined && siblings ? children : undefined });
  }
  return tests;
}

/** Returns the name that a call's first argument is; undefined if only the program knows it. */
function nameOf(token: Token | undefined, next: Token | undefined): string | undefined {
  if (!token || (next && !/^[,)]$/.test(next.text))) return undefined;
  const isWhole = token.kind === 'string' || (token.kind === 'template' && /^`[\s\S]*`$/.test(token.text));
  return isWhole ? unescaped(token.text.slice(1, -1)) : undefined;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', v: '\v', 0: '\0' };

function unescaped(text: string): string {
  return text.replaceAll(
    /\\(?:u\{([\da-f]+)\}|u([\da-f]{4})|x([\da-f]{2})|\r?\n|([\s\S]))/giu,
    (_, braced?: string, four?: string, two?: string, other?: string) => {
      const code = braced ?? four ?? two;
      if (code !== undefined)
        return Number.parseInt(code, 16) > 0x10_ffff ? '' : String.fromCodePoint(Number.parseInt(code, 16));
      return other === undefined ? '' : (ESCAPES[other] ?? other);
    },
  );
}
