import { z } from 'zod';
import { relativePath, wholeSeconds } from './fields.ts';
import { scheduleProblem } from './schedule.ts';
import { strings } from './strings.ts';

/** The setup of a profile, as written. */
export const SetupSchema = z.strictObject({
  commands: z
    .array(z.string().min(1))
    .min(1)
    .meta({
      description: 'Shell commands that run once, in `/workspace`, in a sandbox with this profile.',
      examples: [['pip install -r requirements.txt']],
    }),
  files: z
    .array(relativePath)
    .default([])
    .meta({
      description:
        'Files in the folder that the commands need. The commands run again when one of these files changes.',
      examples: [['requirements.txt']],
    }),
});

/** The warm-ups of a profile, as written. */
export const WarmSchema = z
  .strictObject({
    sandboxes: z
      .number()
      .int()
      .min(0)
      .max(10)
      .default(1)
      .meta({ description: 'The number of sandboxes to keep warm.' }),
    refresh: z
      .union([z.number().int().min(1), z.string()])
      .default(30)
      .meta({
        description: 'How often to refresh them: a number of minutes, or a cron expression.',
        examples: [30, '*/30 * * * *', '0 8 * * 1-5'],
      }),
    timezone: z
      .string()
      .optional()
      .meta({
        description: 'The time zone of `refresh` and `workingHours`. Defaults to the local time zone.',
        examples: ['Europe/Berlin'],
      }),
    when: z.enum(['always', 'focused', 'working-hours']).default('focused').meta({
      description:
        'When to keep sandboxes warm: while VS Code is open, while its window has focus, or during `workingHours`, Monday to Friday.',
    }),
    workingHours: z
      .string()
      .regex(/^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/, { error: () => strings.workingHours() })
      .refine((hours) => hours.slice(0, 5) !== hours.slice(6), { error: () => strings.workingHours() })
      .default('08:00-18:00')
      .meta({ description: 'The hours for `"when": "working-hours"`.' }),
    rebuild: z
      .boolean()
      .default(false)
      .meta({ description: 'Rebuild the image at each refresh to pick up changes to floating tags.' }),
    setup: z
      .array(z.string().min(1))
      .default([])
      .meta({ description: 'Shell commands to run once in each warm sandbox, in the synced folder.' }),
    healthcheck: z
      .string()
      .min(1)
      .optional()
      .meta({
        description: 'A shell command that must exit with 0 before a sandbox is used.',
        examples: ['python -c "import torch"'],
      }),
    maxAgeMs: wholeSeconds
      .default(7_200_000)
      .meta({ description: 'Replace warm sandboxes older than this, in milliseconds, at the next refresh.' }),
    cacheMaxAgeDays: z
      .number()
      .int()
      .min(1)
      .default(30)
      .meta({ description: "Remove cached files on the host volume that haven't been used for this many days." }),
    cacheMaxMiB: z
      .number()
      .int()
      .min(0)
      .default(10_240)
      .meta({ description: 'The maximum size of the caches, in MiB. The oldest files are removed first.' }),
  })
  .superRefine((warm, context) => {
    const wrong = scheduleProblem(warm.refresh, warm.timezone);
    if (wrong) context.addIssue({ code: 'custom', path: [wrong.key], message: wrong.message, input: warm });
  });

/** Setup that runs once for all sandboxes of a profile. */
export type SetupProfile = z.infer<typeof SetupSchema>;
/** The settings for keeping sandboxes of a profile warm. */
export type WarmProfile = z.infer<typeof WarmSchema>;
