import { strings } from '../strings.ts';
import { ShellPattern } from './shell-pattern.ts';

/** A variable whose value isn't in the Dockerfile: the base image may set it. */
export class UnknownVariable extends Error {
  readonly variable: string;

  constructor(variable: string) {
    super(`$${variable} is not set in the Dockerfile`);
    this.variable = variable;
  }
}

/** Returns a variable's value; undefined if it isn't set. Throws `UnknownVariable` if that can't be known. */
export type Lookup = (name: string) => string | undefined;

const WORD = /(?:[^\s"'\\]|\\(?:[\s\S]|$)|"(?:[^"\\]|\\[\s\S])*"|'[^']*')+/g;
/** The same in a command, in which there may be blanks between `<<` and the word of a heredoc. */
const COMMAND_WORD = new RegExp(`(?:<<[ \\t]*|${WORD.source})+`, 'g');
const NAME = /[@*#?\-!$]|\d+|[\p{L}_][\p{L}\p{Nd}_]*/uy;

/** Splits a line into words, whose quoted parts may contain blanks. Quotes and escapes are kept. */
export function splitWords(text: string): string[] {
  return text.match(WORD) ?? [];
}

/** Splits a line at its blanks, as Docker splits the paths of `COPY`: quotes don't matter. */
export function splitPaths(text: string): string[] {
  return text.split(/[\t\v\f\r ]+/);
}

/**
 * Splits a command into words like a shell; undefined if a quote isn't closed. Quotes and escapes are kept.
 */
export function rawWords(command: string): string[] | undefined {
  return command.replace(COMMAND_WORD, '').trim() === '' ? (command.match(COMMAND_WORD) ?? []) : undefined;
}

/**
 * Removes quotes and escapes from a word and replaces variables, as Docker does:
 * https://docs.docker.com/reference/dockerfile/#environment-replacement. Throws `UnknownVariable`, or an error whose message is
 * a reason for `refusal`: for an open quote, or a substitution that isn't supported.
 */
export function expand(word: string, lookup: Lookup): string {
  return new WordReader(word, lookup).read();
}

/** Reads a word as BuildKit's `shell.Lex` does. */
class WordReader {
  readonly #word: string;
  readonly #lookup: Lookup;
  #at = 0;

  constructor(word: string, lookup: Lookup) {
    this.#word = word;
    this.#lookup = lookup;
  }

  /** Reads up to a closing character, or to the end. In a pattern, escapes are kept. */
  read(closing?: string, isPattern = false): string {
    let result = '';
    while (this.#at < this.#word.length) {
      const char = this.#next();
      if (char === closing) return result;
      if (char === "'") result += this.#singleQuoted();
      else if (char === '"') result += this.#doubleQuoted(isPattern);
      else if (char === '$') result += this.#value();
      else if (char === '\\') result += (isPattern ? char : '') + this.#next();
      else result += char;
    }
    if (closing !== undefined) throw new Error(strings.unsupportedSubstitution(this.#word));
    return result;
  }

  /** Returns the next character; empty at the end. */
  #next(): string {
    const char = this.#word[this.#at] ?? '';
    this.#at += char.length;
    return char;
  }

  #take(expression: RegExp): string {
    expression.lastIndex = this.#at;
    const [found = ''] = expression.exec(this.#word) ?? [];
    this.#at += found.length;
    return found;
  }

  #singleQuoted(): string {
    const text = this.#take(/[^']*/y);
    if (this.#next() === '') throw new Error(strings.openQuote(this.#word));
    return text;
  }

  #doubleQuoted(isPattern: boolean): string {
    let result = '';
    for (let char = this.#next(); char !== '"'; char = this.#next()) {
      if (char === '') throw new Error(strings.openQuote(this.#word));
      if (char === '$') result += this.#value();
      else if (char !== '\\') result += char;
      else result += (isPattern ? char : '') + (/["$\\]/.test(this.#word[this.#at] ?? '') ? this.#next() : char);
    }
    return result;
  }

  #value(): string {
    if (this.#word[this.#at] !== '{') {
      const name = this.#take(NAME);
      return name === '' ? '$' : (this.#known(name) ?? '');
    }
    this.#next();
    const name = this.#take(NAME);
    const operator = this.#take(/:?[-+?]|[#%}]|\/\/?/y);
    if (operator === '' || name === '') throw new Error(strings.unsupportedSubstitution(this.#word));
    if (operator === '}') return this.#known(name) ?? '';
    if (operator === '#' || operator === '%') return this.#trimmed(name, operator);
    if (operator.startsWith('/')) return this.#replaced(name, operator === '//');
    return this.#substituted(name, operator);
  }

  /** Removes the shortest start (`#`) or end (`%`) that matches, or with the operator twice the longest. */
  #trimmed(name: string, operator: '#' | '%'): string {
    const read = this.read('}', true);
    const isLongest = read.startsWith(operator);
    const pattern = this.#pattern(isLongest ? read.slice(1) : read);
    const value = this.#known(name) ?? '';
    return operator === '#' ? pattern.withoutPrefix(value, isLongest) : pattern.withoutSuffix(value, isLongest);
  }

  #replaced(name: string, isAll: boolean): string {
    const pattern = this.#pattern(this.read('/', true));
    const replacement = this.read('}', true);
    return pattern.replaced(this.#known(name) ?? '', replacement, isAll);
  }

  #pattern(text: string): ShellPattern {
    const pattern = ShellPattern.parse(text);
    if (!pattern) throw new Error(strings.unsupportedSubstitution(this.#word));
    return pattern;
  }

  #substituted(name: string, operator: string): string {
    const value = this.#known(name);
    const isSet = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined;
    const isUsed = operator.endsWith('+') ? isSet : !isSet;
    // The variables of an operand that isn't used need no value.
    const operand = isUsed ? this.read('}') : this.#skipped();
    if (operator.endsWith('+')) return operand;
    if (isSet) return value ?? '';
    if (operator.endsWith('?')) throw new Error(strings.requiredVariableUnset(name, operand));
    return operand;
  }

  #skipped(): string {
    const reader = new WordReader(this.#word.slice(this.#at), () => '');
    reader.read('}');
    this.#at += reader.#at;
    return '';
  }

  /** Returns a variable's value. What only a shell sets has none. */
  #known(name: string): string | undefined {
    return /^[\p{L}_]/u.test(name) ? this.#lookup(name) : undefined;
  }
}

/**
 * Parses the pairs of `ENV`, `LABEL`, or `ARG`: `A=1 B="two"`, or the legacy `ENV NAME the rest`. Values are kept as written.
 * Throws an error whose message is a reason for `refusal`.
 */
export function assignments(keyword: string, text: string): [name: string, value: string | undefined][] {
  const isOld = keyword !== 'ARG' && splitWords(text)[0]?.includes('=') === false;
  const old = isOld ? /^(\S+)(?:\s+([\s\S]+))?$/.exec(text) : null;
  if (old) {
    if (old[2] === undefined) throw new Error(strings.envWithoutValue(text));
    return [[old[1] ?? '', old[2]]];
  }
  return splitWords(text).map((word) => {
    const at = word.indexOf('=');
    if (at === 0 || (at < 0 && keyword !== 'ARG')) throw new Error(strings.envWithoutValue(word));
    return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
  });
}

/**
 * Parses a JSON array such as `["sh", "-c"]`; undefined if the text isn't one. Throws an error whose message is a reason for
 * `refusal` for an array of something else than strings.
 */
export function jsonWords(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  if (!value.every((word) => typeof word === 'string')) throw new Error(strings.notOnlyStrings());
  return value;
}
