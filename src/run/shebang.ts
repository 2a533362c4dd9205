import { splitShellWords } from '../base/shell.ts';

/** What a `#!` line says: the program with its arguments, and variables to set. */
export interface Shebang {
  readonly program: string;
  readonly args: readonly string[];
  /** Options and assignments of `env`, such as `-i` or `GREETING=hi`. */
  readonly environment: readonly string[];
}

/** Reads a `#!` line; undefined if the line isn't one, or names no program. */
export function readShebang(line: string): Shebang | undefined {
  const text = /^#!\s*(.+?)\s*$/.exec(line)?.[1];
  if (text === undefined) return undefined;
  const [first = '', ...rest] = splitShellWords(text, '"\\$');
  if (!/(?:^|\/)env$/.test(first)) return { program: first, args: rest, environment: [] };
  const words = withoutSplit(rest);
  const environment: string[] = [];
  for (let word = words[0]; word !== undefined && (/^-/.test(word) || /^\w+=/.test(word)); word = words[0]) {
    words.shift();
    if (word === '--') break;
    environment.push(word);
    if (/^-[uC]$/.test(word) && words.length > 0) environment.push(words.shift() ?? '');
  }
  const [program, ...args] = words;
  return program === undefined ? undefined : { program, args, environment };
}

/** Removes `-S` and `--split-string`, which may be combined with `-v` and with the words that follow. */
function withoutSplit(words: readonly string[]): string[] {
  const [first = '', ...rest] = words;
  const attached = /^(?:-v?S|--split-string=?)(.*)$/.exec(first)?.[1];
  if (attached === undefined) return /^-v+$/.test(first) ? withoutSplit(rest) : [...words];
  return attached === '' ? rest : [attached, ...rest];
}
