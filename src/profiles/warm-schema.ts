import { z } from 'zod';
import { relativePath, wholeSeconds } from './fields.ts';
import { scheduleProblem } from './schedule.ts';

/** Commands that run once, as they are written. */
export const SetupSchema = z.strictObject({
  commands: z
    .array(z.string().min(1))
    .min(1)
    .meta({
      description: 'Shell commands that run once, in `/workspace` of a sandbox of the profile.',
      examples: [['pip install -r requirements.txt']],
    }),
  files: z
    .array(relativePath)
    .default([])
    .meta({
      description: 'Files of the folder that the commands need. They run again when one of these changes.',
      examples: [['requirements.txt']],
    }),
});

/** Warm-ups, as they are written. */
export const WarmSchema = z
  .strictObject({
    sandboxes: z
      .number()
      .int()
      .min(0)
      .max(10)
      .default(1)
      .meta({ description: 'How many started sandboxes are kept ready.' }),
    refresh: z
      .union([z.number().int().min(1), z.string()])
      .default(30)
      .meta({
        description: 'When all is looked after: a number of minutes, or a cron expression.',
        examples: [30, '*/30 * * * *', '0 8 * * 1-5'],
      }),
    timezone: z
      .string()
      .optional()
      .meta({
        description: 'The time zone of `refresh` and `workingHours`; this machine’s when absent.',
        examples: ['Europe/Berlin'],
      }),
    when: z.enum(['always', 'focused', 'working-hours']).default('focused').meta({
      description:
        'While VS Code is open; while its window is in front; or in the hours of `workingHours`, Monday to Friday.',
    }),
    workingHours: z
      .string()
      .regex(/^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/, 'must be hours such as "08:00-18:00"')
      .default('08:00-18:00')
      .meta({ description: 'The hours of `when: "working-hours"`.' }),
    rebuild: z
      .boolean()
      .default(false)
      .meta({ description: 'Whether each refresh builds the image anew, so that floating tags move on.' }),
    setup: z
      .array(z.string().min(1))
      .default([])
      .meta({ description: 'Shell commands that each warm sandbox runs once, in the synced folder.' }),
    healthcheck: z
      .string()
      .min(1)
      .optional()
      .meta({
        description: 'A shell command that must end with 0 before a sandbox counts as ready.',
        examples: ['python -c "import torch"'],
      }),
    maxAgeMs: wholeSeconds
      .default(7_200_000)
      .meta({ description: 'A warm sandbox that is older is replaced at the next refresh.' }),
    cacheMaxAgeDays: z
      .number()
      .int()
      .min(1)
      .default(30)
      .meta({ description: 'Files of the host volume’s caches that were not used for so many days are removed.' }),
    cacheMaxMiB: z
      .number()
      .int()
      .min(0)
      .default(10_240)
      .meta({ description: 'The oldest files of the caches are removed beyond this size.' }),
  })
  .superRefine((warm, context) => {
    const wrong = scheduleProblem(warm.refresh, warm.timezone);
    if (wrong) context.addIssue({ code: 'custom', path: [wrong.key], message: wrong.message, input: warm });
  });

/** What is run once for all sandboxes of a profile. */
export type SetupProfile = z.infer<typeof SetupSchema>;
/** How sandboxes of a profile are kept ready. */
export type WarmProfile = z.infer<typeof WarmSchema>;
