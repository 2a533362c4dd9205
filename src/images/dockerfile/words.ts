import { strings } from '../strings.ts';

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
const PART = /\\([\s\S])|(["'])|\$\{(\w+)(?:(:?[-+?])((?:[^{}\\]|\\.|\$\{[^}]*\})*))?\}|\$(\w+)|(\$\{)|([\s\S])/y;

/** Splits a line into words, whose quoted parts may contain blanks. Quotes and escapes are kept. */
export function splitWords(text: string): string[] {
  return text.match(WORD) ?? [];
}

/**
 * Splits a command into words like a shell; undefined if a quote isn't closed. Quotes and escapes are kept.
 */
export function rawWords(command: string): string[] | undefined {
  return command.replace(WORD, '').trim() === '' ? splitWords(command) : undefined;
}

/**
 * Removes quotes and escapes from a word and replaces variables, as Docker does:
 * https://docs.docker.com/reference/dockerfile/#environment-replacement. Throws `UnknownVariable`, or an error for a
 * substitution that isn't supported.
 */
export function expand(word: string, lookup: Lookup): string {
  const part = new RegExp(PART);
  let inDouble = false;
  let result = '';
  for (let found = part.exec(word); found; found = part.exec(word)) {
    const [all, escaped, quote, braced, operator, operand = '', plain, unclear] = found;
    if (quote === "'" && !inDouble) {
      const end = word.indexOf("'", part.lastIndex);
      result += word.slice(part.lastIndex, end < 0 ? undefined : end);
      part.lastIndex = end < 0 ? word.length : end + 1;
    } else if (quote === '"') inDouble = !inDouble;
    else if (escaped !== undefined) result += inDouble && !/["\\$]/.test(escaped) ? all : escaped;
    else if (braced !== undefined) result += replaced(lookup(braced), operator, () => expand(operand, lookup), braced);
    else if (plain !== undefined) result += lookup(plain) ?? '';
    else if (unclear !== undefined) throw new Error(strings.unsupportedSubstitution(word));
    else result += all;
  }
  return result;
}

function replaced(
  value: string | undefined,
  operator: string | undefined,
  operand: () => string,
  name: string,
): string {
  if (operator === undefined) return value ?? '';
  const isSet = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined;
  if (operator.endsWith('+')) return isSet ? operand() : '';
  if (isSet) return value ?? '';
  if (operator.endsWith('?')) throw new Error(strings.requiredVariableUnset(name, operand()));
  return operand();
}

/**
 * Parses the pairs of `ENV` or `ARG`: `A=1 B="two"`, or the legacy `ENV NAME the rest`. Values are kept as written. Throws an
 * error whose message is a reason for `refusal`.
 */
export function assignments(keyword: string, text: string): [name: string, value: string | undefined][] {
  const old = keyword === 'ENV' ? /^([^\s=]+)(?:\s+([\s\S]+))?$/.exec(text) : null;
  if (old) {
    if (old[2] === undefined) throw new Error(strings.envWithoutValue(text));
    return [[old[1] ?? '', old[2]]];
  }
  return splitWords(text).map((word) => {
    const at = word.indexOf('=');
    if (at < 0 && keyword === 'ENV') throw new Error(strings.envWithoutValue(word));
    return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
  });
}

/** Parses a JSON array such as `["sh", "-c"]`; undefined if the text isn't one. */
export function jsonWords(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((word) => typeof word === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}
