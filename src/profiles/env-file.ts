import { UserError } from '../base/errors.ts';
import { encodingOf } from '../base/text.ts';
import { strings } from './strings.ts';

/** A variable's name, its value before references are replaced, and the number of its line. */
interface Assignment {
  readonly name: string;
  readonly value: string;
  readonly line: number;
}

/** Linux accepts no longer environment variable. Also limits what references to references can add up to. */
const MAX_VALUE_CHARS = 128 * 1024;
const NAME = /^[A-Za-z_]\w*$/;
const EXPORT = /export[^\S\r\n]+/y;
const KEY = /(?:'([^'\r\n]+)'|([^=#\s]+))[^\S\r\n]*/y;
const SINGLE_QUOTED = /'([^'\\]*(?:\\.[^'\\]*)*)'/sy;
const DOUBLE_QUOTED = /"([^"\\]*(?:\\.[^"\\]*)*)"/sy;
const TO_LINE_END = /[^\r\n]*/y;
const BLANKS = /[^\S\r\n]*/y;
const REST = /[^\S\r\n]*(?:#[^\r\n]*)?(?=[\r\n]|$)/y;
const SKIPPED = /(?:\s|#[^\r\n]*)*/y;
const REFERENCE = /\$\{((?:[^}:$]|\$(?!\{))*)(?::-([^}]*))?\}/g;
const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/**
 * Reads an environment file as python-dotenv does: `NAME=value`, `export`, quotes, values of several lines, a comment only
 * after a blank, and `${NAME}` or `${NAME:-default}`, in quotes, too. References are looked up in `known` and in the lines
 * above, never in the environment of this computer. What python-dotenv skips with a warning, or replaces with an empty
 * value, is refused. Throws `UserError` with the file's name and the line.
 */
export function parseEnvFile(
  file: string,
  content: Uint8Array,
  known: Readonly<Record<string, string>>,
): Record<string, string> {
  const values = new Map<string, string>();
  for (const { name, value, line } of assignments(file, decode(file, content), values)) {
    const replace = (_: string, reference: string, fallback?: string) => {
      const found =
        (Object.hasOwn(known, reference) ? known[reference] : undefined) ?? values.get(reference) ?? fallback;
      if (found === undefined) throw new UserError(strings.envFileReference(file, line), { actions: ['showProfile'] });
      return found;
    };
    // References have an end, so that looking for them takes linear time.
    const end = value.lastIndexOf('}') + 1;
    const expanded = value.slice(0, end).replaceAll(REFERENCE, replace) + value.slice(end);
    if (expanded.length > MAX_VALUE_CHARS) throw new UserError(strings.envFileValueTooLong(file, line, name));
    values.set(name, expanded);
  }
  return Object.fromEntries(values);
}

/** Decodes UTF-8 or UTF-16. Throws `UserError` for anything else. */
function decode(file: string, content: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder(encodingOf(content), { fatal: true }).decode(content);
  } catch (error) {
    throw new UserError(strings.envFileEncoding(file), { cause: error });
  }
  if (text.includes('\0')) throw new UserError(strings.envFileEncoding(file));
  return text;
}

function* assignments(file: string, text: string, set: ReadonlyMap<string, string>): Generator<Assignment> {
  let at = 0;
  let line = 1;
  /** Moves past what the expression matches here. */
  const take = (expression: RegExp): RegExpExecArray | undefined => {
    expression.lastIndex = at;
    const match = expression.exec(text);
    if (!match) return undefined;
    at += match[0].length;
    line += match[0].match(/\r\n|\n|\r/g)?.length ?? 0;
    return match;
  };
  for (take(SKIPPED); at < text.length; take(SKIPPED)) {
    const start = line;
    take(EXPORT);
    const key = take(KEY);
    const name = key?.[1] ?? key?.[2] ?? '';
    const refuse = (message: (file: string, line: number) => string) => new UserError(message(file, start));
    if (!key) throw refuse(strings.envFileLine);
    if (text[at] !== '=') {
      // `export NAME` after `NAME=value`, as shells require it.
      if (!take(REST) || !set.has(name)) throw refuse(strings.envFileLine);
      continue;
    }
    if (!NAME.test(name)) throw refuse(strings.envFileName);
    at += 1;
    const hasBlanks = take(BLANKS)?.[0] !== '';
    const value = valueAt(text[at], hasBlanks, take);
    if (value === undefined) throw refuse(strings.envFileQuote);
    if (!take(REST)) throw refuse(strings.envFileAfterQuote);
    yield { name, value, line: start };
  }
}

/** Reads a value that starts with `first`; undefined if its closing quotation mark is missing. */
function valueAt(
  first: string | undefined,
  hasBlanks: boolean,
  take: (expression: RegExp) => RegExpExecArray | undefined,
): string | undefined {
  if (first === "'") return take(SINGLE_QUOTED)?.[1]?.replaceAll(/\\([\\'])/g, '$1');
  if (first === '"')
    return take(DOUBLE_QUOTED)?.[1]?.replaceAll(/\\([\\'"abfnrtv])/g, (_, char: string) => ESCAPES[char] ?? char);
  if (first === '#' && hasBlanks) return '';
  return (take(TO_LINE_END)?.[0] ?? '').replace(/\s#.*/, '').trimEnd();
}
