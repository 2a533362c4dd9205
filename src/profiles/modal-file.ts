import { parse } from 'jsonc-parser';
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
}

const ReadableSchema = z.looseObject({ default: z.string().optional(), profiles: z.record(z.string(), z.unknown()) });

/** Reads the text of a `modal.json`, including comments. Never throws; skips what it can't read. */
export function parseModalFile(text: string): ModalFile {
  const { data } = ReadableSchema.safeParse(parse(text, [], { allowTrailingComma: true }));
  return {
    ...(data?.default && { default: data.default }),
    profiles: new Map(Object.entries(data?.profiles ?? {})),
  };
}

/** Validates a profile. Returns it, or a description of what is wrong: `gpu must be …`. */
export function parseProfile(raw: unknown): Profile | string {
  const parsed = ProfileSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues.flatMap(flatten);
  return issue ? `${issue.path.join('.') || strings.it()} ${phraseOf(issue)}` : strings.invalid();
}
