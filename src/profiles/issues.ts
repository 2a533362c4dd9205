import type { z } from 'zod';

/** What zod finds wrong. */
export type Issue = z.core.$ZodIssue;

/** The alternatives of a union are one problem: the one of the alternative that its author meant, as far as can be told. */
export function flatten(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const inner = issue.errors.filter(
    (errors) => !errors.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
  );
  const meant = inner[0];
  if (!meant) return [issue];
  return meant.flatMap((each) => flatten({ ...each, path: [...issue.path, ...each.path] } as Issue));
}

/** What is wrong, as the rest of a sentence. zod's own messages start with "Invalid input: expected …"; ours start with a verb. */
export function phraseOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${article(issue.expected)}`;
    case 'invalid_union':
      return 'is not of a type that it can have';
    case 'unrecognized_keys':
      return `has a key that is not known: ${issue.keys.join(', ')}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'too_small':
      return /^must/.test(issue.message) ? issue.message : `must be at least ${issue.minimum}${unitOf(issue.origin)}`;
    case 'too_big':
      return /^must/.test(issue.message) ? issue.message : `must be at most ${issue.maximum}${unitOf(issue.origin)}`;
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message;
    default:
      return issue.message;
  }
}

function article(type: string): string {
  const name = type === 'record' ? 'object' : type === 'int' ? 'integer' : type;
  return `${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name}`;
}

function unitOf(origin: string): string {
  return origin === 'string' ? ' characters long' : origin === 'array' ? ' entries long' : '';
}
