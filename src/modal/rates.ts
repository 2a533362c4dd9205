import type { ModalClient } from 'modal';
import { z } from 'zod';
import { logError } from '../base/log.ts';
import type { Rates } from './prices.ts';

const TIMEOUT_MS = 10_000;

/** Rates are decimal numbers in strings. Others count as unknown. */
const ReplySchema = z.object({
  rates: z.record(z.string(), z.coerce.number().positive().catch(0)),
  deprecationErrors: z.record(z.string(), z.unknown()).default({}),
});

/**
 * Returns the rates that an account is billed by, in dollars per hour and unit, as far as they're known. Empty if the
 * account reports none, or the user may not see them.
 */
export async function accountRates(client: ModalClient): Promise<Partial<Rates>> {
  try {
    return parseRates(await client.cpClient.workspaceBillingRates({}, { timeoutMs: TIMEOUT_MS }));
  } catch (error) {
    logError(error);
    return {};
  }
}

/**
 * Reads Modal's reply. Its keys aren't documented; these are the ones that `modal billing rates --json` printed in October
 * 2026: `cpu_hour_cost_sandbox`, `mem_gib_hour_cost_sandbox`, and `gpu_hour_cost_a100_80gb`, in addition to others for
 * functions and storage.
 */
export function parseRates(reply: unknown): Partial<Rates> {
  const { rates, deprecationErrors } = ReplySchema.parse(reply);
  const rate = (key: string) => (key in deprecationErrors ? 0 : (rates[key] ?? 0));
  const perCore = rate('cpu_hour_cost_sandbox');
  const perGib = rate('mem_gib_hour_cost_sandbox');
  const gpus = Object.keys(rates).flatMap((key) => {
    const [, name] = /^gpu_hour_cost_(\w+)$/.exec(key) ?? [];
    return name && rate(key) > 0 ? gpuNames(name).map((gpu) => [gpu, rate(key)] as const) : [];
  });
  return { ...(perCore > 0 && { perCore }), ...(perGib > 0 && { perGib }), perGpu: Object.fromEntries(gpus) };
}

/** Returns the GPU types of a key: `a100_80gb` is `A100-80GB`, `a10g` is the A10, and `A100` is the smaller A100. */
function gpuNames(key: string): string[] {
  if (key === 'a10g') return ['A10'];
  return key === 'a100_40gb' ? ['A100', 'A100-40GB'] : [key.toUpperCase().replaceAll('_', '-')];
}
