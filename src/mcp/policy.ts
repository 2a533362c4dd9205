import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, printParseErrorCode } from 'jsonc-parser';
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import { stateFolders } from '../service/state-folders.ts';
import { strings } from './strings.ts';

/** What an agent needs the user's permission for. */
export const PERMISSIONS = ['start', 'profile', 'send', 'pull', 'terminate', 'outside'] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** Which sandbox an agent works in: the folder's own, a copy of it, or one that starts from the profile's image. */
export const MODES = ['shared', 'fork', 'fresh'] as const;
export type Mode = (typeof MODES)[number];

const allowed = z.boolean().default(false);

/** What the user lets agents do without being asked. */
export const PolicySchema = z.strictObject({
  /** `shared`, `fork`, or `fresh`. */
  sandbox: z.enum(MODES).default('fork'),
  /** The profile to use. Defaults to the folder's current one. */
  profile: z.string().min(1).optional(),
  /** What the sandboxes of one session of an agent may cost, estimated, in US dollars. */
  budgetUsd: z.number().positive().default(1),
  /** An agent's sandbox stops after this time without use. */
  idleTimeoutMinutes: z.int().min(1).max(1440).default(10),
  /** The number of sandboxes that an agent may have at once. */
  maxSandboxes: z.int().min(1).max(20).default(3),
  allow: z
    .strictObject({
      /** Start sandboxes that cost money. */
      start: allowed,
      /** Use what the folder's profile asks for, such as secrets. */
      profile: allowed,
      /** Send the folder to an account for the first time, and much of it at once. */
      send: allowed,
      /** Copy files from a sandbox into the folder. */
      pull: allowed,
      /** Terminate the agent's own sandboxes, and so discard their files. */
      terminate: allowed,
      /** Read and write files of a sandbox outside the synced folder. */
      outside: allowed,
    })
    .prefault({}),
});
export type Policy = z.infer<typeof PolicySchema>;

/** Returns the path of the user's policy file. */
export function policyPath(): string {
  return join(stateFolders().config, 'agents.json');
}

/** Reads a policy file; without one, the defaults, which allow nothing. Throws `UserError` if it can't be used. */
export async function readPolicy(path: string): Promise<Policy> {
  return PolicySchema.parse(await read(path));
}

async function read(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw new UserError(strings.policyUnreadable(path, error.message), { cause: error });
  });
  const errors: Parameters<typeof parse>[1] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  const [syntax] = errors;
  if (syntax) throw new UserError(strings.policyUnreadable(path, printParseErrorCode(syntax.error)));
  const issue = PolicySchema.safeParse(value).error?.issues[0];
  if (issue) throw new UserError(strings.policyUnreadable(path, `${issue.path.join('.')}: ${issue.message}`));
  return value;
}

/** Returns the text of a new policy file, which changes nothing. */
export function policyTemplate(comment: string): string {
  return `// ${comment}\n${JSON.stringify(PolicySchema.parse({}), undefined, 2)}\n`;
}
