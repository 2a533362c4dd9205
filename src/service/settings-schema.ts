import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import type { TargetKind } from '../run/targets/target.ts';
import { strings } from './strings.ts';

/** The account to use: Local Modal, a profile of Modal's config file, the environment, or an account with a stored token. */
export const AccountChoiceSchema = z
  .string()
  .regex(/^(local|environment|token:.+|profile:.+)$/, { error: () => strings.invalidAccountSetting() });

/** Every setting under `modal.` with its default. The only place where settings are validated. */
export const SettingsSchema = z.object({
  account: AccountChoiceSchema.or(z.literal('')).default(''),
  app: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, { error: () => strings.invalidAppSetting() })
    .default('vscode-sandboxes'),
  /** Each profile is validated when it is used, so that an invalid one doesn't affect the others. */
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
      cell: z.boolean().default(true),
      packageScript: z.boolean().default(true),
      makeTarget: z.boolean().default(true),
      justRecipe: z.boolean().default(true),
      test: z.boolean().default(true),
    } satisfies Record<TargetKind | 'test', unknown>)
    .prefault({}),
  testing: z
    .object({
      enabled: z.boolean().default(false),
      pytestArgs: z.array(z.string()).default([]),
      nodeArgs: z.array(z.string()).default([]),
      goArgs: z.array(z.string()).default([]),
    })
    .prefault({}),
  budget: z.object({ perDay: z.number().min(0).default(0), perHour: z.number().min(0).default(0) }).prefault({}),
  warm: z
    .object({ pauseAfterIdleMinutes: z.number().min(0).default(15), pauseOnBattery: z.boolean().default(false) })
    .prefault({}),
  savePoints: z.object({ automatic: z.boolean().default(true) }).prefault({}),
  ports: z.object({ autoForward: z.enum(['ask', 'open', 'off']).default('ask') }).prefault({}),
  localModal: z
    .object({
      allowUnisolated: z.boolean().default(false),
      runtime: z.enum(['auto', 'gvisor', 'namespaces']).default('auto'),
      network: z.enum(['auto', 'host']).default('auto'),
    })
    .prefault({}),
});

export type Settings = z.infer<typeof SettingsSchema>;

/** A setting that isn't valid. The message names it and says what it must be. */
export class SettingsError extends UserError {
  override name = 'SettingsError';
}

/** Validates raw values of the `modal` section. Throws `SettingsError` for the first setting that isn't valid. */
export function parseSettings(raw: Record<string, unknown>): Settings {
  const parsed = SettingsSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const [{ code, path, message }] = parsed.error.issues as [z.core.$ZodIssue];
  // Our own messages are whole sentences; zod's are fragments.
  throw new SettingsError(code === 'invalid_format' ? message : strings.invalidSetting(path.join('.'), message));
}
