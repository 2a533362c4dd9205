import { z } from 'zod';
import type { TargetKind } from '../../run/targets/target.ts';

/** Which account runs use: the local Modal, a profile of Modal's config file, the environment, or a stored token. */
export const AccountChoiceSchema = z
  .string()
  .regex(/^(local|environment|token|profile:.+)$/, 'must be "local", "environment", "token" or "profile:NAME"');

/** Every setting under `modal.` with its default. The one place where settings are validated. */
export const SettingsSchema = z.object({
  account: AccountChoiceSchema.or(z.literal('')).default(''),
  app: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 letters, digits, ".", "_" or "-"')
    .default('vscode-sandboxes'),
  /** Each is checked when it is used, so that one that is wrong does not stop the others. */
  profiles: z.record(z.string(), z.unknown()).default({}),
  sync: z
    .object({
      root: z.string().default(''),
      include: z.array(z.string()).default([]),
      exclude: z.array(z.string()).default([]),
      live: z.boolean().default(false),
    })
    .prefault({}),
  terminal: z.object({ focus: z.boolean().default(false) }).prefault({}),
  runners: z.record(z.string(), z.array(z.string()).min(1)).default({}),
  codeLens: z
    .object({
      file: z.boolean().default(true),
      pythonGuard: z.boolean().default(true),
      pythonMain: z.boolean().default(true),
      packageScript: z.boolean().default(true),
      makeTarget: z.boolean().default(true),
      justRecipe: z.boolean().default(true),
    } satisfies Record<TargetKind, unknown>)
    .prefault({}),
  budget: z.object({ perDay: z.number().min(0).default(0), perHour: z.number().min(0).default(0) }).prefault({}),
  warm: z
    .object({ pauseAfterIdleMinutes: z.number().min(0).default(15), pauseOnBattery: z.boolean().default(false) })
    .prefault({}),
  localModal: z.object({ allowUnisolated: z.boolean().default(false) }).prefault({}),
});

export type Settings = z.infer<typeof SettingsSchema>;

/** A setting that cannot be used as it stands; the message names it and says what it must be. */
export class SettingsError extends Error {
  override name = 'SettingsError';
}

/** Validates raw values of the `modal` section. Throws `SettingsError` naming the first setting that is wrong. */
export function parseSettings(raw: Record<string, unknown>): Settings {
  const parsed = SettingsSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new SettingsError(`The setting modal.${issue?.path.join('.')} ${phrase(issue?.message ?? 'is not valid')}.`);
}

/** zod's own messages start with "Invalid input: expected …" or "Too big: …"; ours start with a verb. */
function phrase(message: string): string {
  return message.startsWith('must') ? message : `is not valid (${message})`;
}
