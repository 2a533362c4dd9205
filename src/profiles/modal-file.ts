import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser';
import { z } from 'zod';
import { flatten, phraseOf } from './issues.ts';
import { type Profile, ProfileSchema } from './schema.ts';
import { strings } from './strings.ts';

/** The path of the file in a workspace folder. */
export const MODAL_FILE = '.vscode/modal.json';

/** The readable part of the file. */
export interface ModalFile {
  readonly default?: string;
  /** Profiles as written, not validated. */
  readonly profiles: ReadonlyMap<string, unknown>;
  /** Why the file can't be used, if it can't be read as a whole: `isn't valid JSON …`. */
  readonly problem?: string;
}

const ReadableSchema = z.looseObject({
  default: z.string().optional(),
  profiles: z.record(z.string(), z.unknown()).default({}),
});

/** Reads the text of a `modal.json`, including comments. Never throws; skips what it can't read. */
export function parseModalFile(text: string): ModalFile {
  const errors: ParseError[] = [];
  const parsed = ReadableSchema.safeParse(parse(text, errors, { allowTrailingComma: true }));
  const [syntaxError] = errors;
  const [issue] = parsed.error?.issues ?? [];
  const problem = syntaxError
    ? strings.invalidJson(printParseErrorCode(syntaxError.error))
    : issue && `${issue.path.join('.')} ${phraseOf(issue)}`.trim();
  return {
    ...(parsed.data?.default && { default: parsed.data.default }),
    profiles: new Map(Object.entries(parsed.data?.profiles ?? {})),
    // An empty file is one that is about to be written.
    ...(problem !== undefined && text.trim() !== '' && { problem }),
  };
}

/** Validates a profile. Returns it, or a description of what is wrong: `gpu must be …`. */
export function parseProfile(raw: unknown): Profile | string {
  const parsed = ProfileSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues.flatMap(flatten);
  return issue ? `${issue.path.join('.') || strings.it()} ${phraseOf(issue)}` : strings.invalid();
}
