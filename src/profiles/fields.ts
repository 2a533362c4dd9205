/** Types of values that several keys of a profile share. */
import { posix } from 'node:path';
import { closest } from 'fastest-levenshtein';
import { z } from 'zod';
import { MAX_LIFETIME_MS } from '../modal/sandboxes.ts';
import { GPUS, parseGpu } from './gpus.ts';
import { strings } from './strings.ts';

export const variableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: () => strings.variableName() });
/** A variable of this computer. Those with tokens of a Modal account are never read. */
export const buildVariableName = variableName.refine((name) => !isModalToken(name), {
  error: () => strings.modalToken(),
});
export const relativePath = z
  .string()
  .min(1)
  .refine((path) => !posix.isAbsolute(path) && !posix.normalize(path).startsWith('..'), {
    error: () => strings.pathInFolder(),
  });
export const objectName = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, { error: () => strings.objectName() });
export const wholeSeconds = z
  .number()
  .int()
  .min(1000)
  .max(MAX_LIFETIME_MS, { error: () => strings.maxLifetime(MAX_LIFETIME_MS) })
  .multipleOf(1000, { error: () => strings.wholeSeconds() });
export const mebibytes = z.number().int().min(128);
export const cores = z.number().min(0.125);
export const cidr = z.union([z.cidrv4(), z.cidrv6()], { error: () => strings.addressRange() });
export const packages = z.array(z.string().min(1));

export const gpu = z
  .string()
  .superRefine((text, context) => {
    const parsed = parseGpu(text);
    const max = parsed && GPUS[parsed.name];
    if (parsed && max && parsed.count <= max) return;
    if (parsed && max) {
      context.addIssue({ code: 'custom', message: strings.maxGpus(parsed.name, max), input: text });
      return;
    }
    const [name = '', count] = text.split(':');
    const near = closest(name.toUpperCase(), Object.keys(GPUS));
    const isCount = count !== undefined && /^[1-9]\d*$/.test(count);
    const suggestion = isCount ? `${near}:${Math.min(Number(count), GPUS[near] ?? 1)}` : near;
    if (!isCount && count !== undefined && near === name.toUpperCase()) {
      context.addIssue({ code: 'custom', message: strings.gpuCount(near), input: text, params: { suggestion } });
      return;
    }
    context.addIssue({
      code: 'custom',
      message: strings.unknownGpu(suggestion),
      input: text,
      params: { suggestion },
    });
  })
  .meta({ examples: Object.keys(GPUS) });

/** Returns true for variables with which Modal's tools sign in. Names of variables ignore case on Windows. */
export function isModalToken(name: string): boolean {
  return /^MODAL_(.*_)?(TOKEN|SECRET|KEY)(_|$)/i.test(name);
}
