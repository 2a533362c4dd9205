import { splitShellWords } from '../base/shell.ts';

/** What a `#!` line says: the program with its arguments, and variables to set. */
export interface Shebang {
  readonly program: string;
  readonly args: readonly string[];
  /** Options and assignments of `env`, such as `-i` or `GREETING=hi`. */
  readonly environment: readonly string[];
  /** The text for the `-S` of `env`, if only `env` itself knows what it means: it refers to variables of the sandbox, or has escapes or a comment. */
  readonly split?: string;
}

/** Reads a `#!` line; undefined if the line isn't one, or names no program. */
export function readShebang(line: string): Shebang | undefined {
  const text = line.startsWith('#!') ? line.slice(2).trim() : '';
  if (text === '') return undefined;
  const isEnv = /^(?:\S*\/)?env(?:\s|$)/.test(text);
  // For `env`, `\_` is a blank.
  const [first = '', ...rest] = splitShellWords(isEnv ? text.replaceAll('\\_', ' ') : text, '"\\$');
  if (!isEnv) return { program: first, args: rest, environment: [] };
  const words = withoutSplit(rest);
  const environment: string[] = [];
  let at = 0;
  while (/^(?:-|\w+=)/.test(words[at] ?? '')) {
    const word = words[at++] as string;
    if (word === '--') break;
    environment.push(word);
    if (/^-[uC]$/.test(word) && at < words.length) environment.push(words[at++] as string);
  }
  const [program, ...args] = words.slice(at);
  if (program === undefined) return undefined;
  const split = /^\S+\s+(?:-v?S|--split-string[=\s])\s*(.*)$/.exec(text)?.[1];
  return { program, args, environment, ...(split !== undefined && /\$\{|\\[^_]|\s#/.test(split) && { split }) };
}

/** Removes `-S` and `--split-string`, which may be combined with `-v` and with the words that follow. */
function withoutSplit(words: readonly string[]): string[] {
  const [first = '', ...rest] = words;
  const attached = /^(?:-v?S|--split-string=?)(.*)$/.exec(first)?.[1];
  if (attached === undefined) return /^-v+$/.test(first) ? withoutSplit(rest) : [...words];
  return attached === '' ? rest : [attached, ...rest];
}
