/** What keys of a profile have in common. */
import { posix } from 'node:path';
import { closest } from 'fastest-levenshtein';
import { z } from 'zod';
import { MAX_LIFETIME_MS } from '../modal/sandboxes.ts';
import { GPUS, parseGpu } from './gpus.ts';

export const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name that a variable can have: letters, digits and "_"');
export const relativePath = z
  .string()
  .min(1)
  .refine((path) => !posix.isAbsolute(path) && !posix.normalize(path).startsWith('..'), {
    message: 'must be a path inside the workspace folder',
  });
export const objectName = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 letters, digits, ".", "_" or "-"');
export const wholeSeconds = z
  .number()
  .int()
  .min(1000)
  .max(MAX_LIFETIME_MS, 'must be at most 86400000 (24 hours), which is Modal’s limit')
  .multipleOf(1000, 'must be whole seconds, such as 60000');
export const mebibytes = z.number().int().min(128);
export const cores = z.number().min(0.125);
export const cidr = z.union([z.cidrv4(), z.cidrv6()], 'must be an address range such as "10.0.0.0/8"');
export const packages = z.array(z.string().min(1));

export const gpu = z
  .string()
  .superRefine((text, context) => {
    const parsed = parseGpu(text);
    const most = parsed && GPUS[parsed.name];
    if (parsed && most && parsed.count <= most) return;
    if (parsed && most) {
      context.addIssue({ code: 'custom', message: `must be at most ${parsed.name}:${most}`, input: text });
      return;
    }
    const [name = '', count] = text.split(':');
    const near = closest(name.toUpperCase(), Object.keys(GPUS));
    const suggestion = count === undefined ? near : `${near}:${count}`;
    context.addIssue({
      code: 'custom',
      message: `must be a GPU that Modal rents; did you mean “${suggestion}”?`,
      input: text,
      params: { suggestion },
    });
  })
  .meta({ examples: Object.keys(GPUS) });
