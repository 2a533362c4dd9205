import { parse } from 'jsonc-parser';
import { z } from 'zod';
import { flatten, phraseOf } from './issues.ts';
import { type Profile, ProfileSchema } from './schema.ts';

/** Where the file lies in a workspace folder. */
export const MODAL_FILE = '.vscode/modal.json';

/** The file's content, as far as it can be read. */
export interface ModalFile {
  readonly default?: string;
  /** Profiles as they are written, not checked yet. */
  readonly profiles: ReadonlyMap<string, unknown>;
}

const READABLE = z.looseObject({ default: z.string().optional(), profiles: z.record(z.string(), z.unknown()) });

/** Reads the text of a `modal.json`, with comments. Never throws: what cannot be read is left out. */
export function parseModalFile(text: string): ModalFile {
  const { data } = READABLE.safeParse(parse(text, [], { allowTrailingComma: true }));
  return {
    ...(data?.default && { default: data.default }),
    profiles: new Map(Object.entries(data?.profiles ?? {})),
  };
}

/** Checks one profile. Returns it, or what is wrong with it: `gpu must be …`. */
export function parseProfile(raw: unknown): Profile | string {
  const parsed = ProfileSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues.flatMap(flatten);
  return issue ? `${issue.path.join('.') || 'it'} ${phraseOf(issue)}` : 'it is not valid';
}
