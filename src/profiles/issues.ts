import type { z } from 'zod';
import { strings } from './strings.ts';

/** A problem that zod finds. */
export type Issue = z.core.$ZodIssue;

/** Reduces the issues of a union to those of the alternative that its author most likely meant. */
export function flatten(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const inner = issue.errors.filter(
    (errors) => !errors.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
  );
  const meant = inner[0];
  if (!meant) return [issue];
  return meant.flatMap((each) => flatten({ ...each, path: [...issue.path, ...each.path] } as Issue));
}

/** Describes a problem as the end of a sentence that starts with the key: `must be a number`. */
export function phraseOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected]?.() ?? strings.wrongType();
    case 'invalid_union':
      return strings.wrongType();
    case 'unrecognized_keys':
      return strings.unknownKeys(issue.keys);
    case 'invalid_value':
      return strings.oneOf(issue.values.map((value) => JSON.stringify(value)).join(', '));
    case 'too_small':
      return isFromZod(issue) ? minOf(issue.origin, Number(issue.minimum)) : issue.message;
    case 'too_big':
      return isFromZod(issue) ? maxOf(issue.origin, Number(issue.maximum)) : issue.message;
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message;
    default:
      return issue.message;
  }
}

const TYPES: Readonly<Record<string, () => string>> = {
  string: strings.typeString,
  number: strings.typeNumber,
  int: strings.typeInteger,
  boolean: strings.typeBoolean,
  array: strings.typeArray,
  object: strings.typeObject,
  record: strings.typeObject,
};

/** True if the message is zod's own, not one of the schema's. */
function isFromZod({ message }: Issue): boolean {
  return /^Too (?:small|big)/.test(message);
}

function minOf(origin: string, minimum: number): string {
  if (origin === 'string') return strings.minLength(minimum);
  return origin === 'array' ? strings.minEntries(minimum) : strings.min(minimum);
}

function maxOf(origin: string, maximum: number): string {
  if (origin === 'string') return strings.maxLength(maximum);
  return origin === 'array' ? strings.maxEntries(maximum) : strings.max(maximum);
}
