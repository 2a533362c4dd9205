import type { ModalClient } from 'modal';
import { z } from 'zod';
import { logError } from '../base/log.ts';
import type { Rates } from './prices.ts';

const TIMEOUT_MS = 10_000;

/** Rates are decimal numbers in strings; one that is not is left out. */
const ReplySchema = z.object({
  rates: z.record(z.string(), z.coerce.number().positive().catch(0)),
  deprecationErrors: z.record(z.string(), z.unknown()).default({}),
});

/**
 * The rates that an account is billed by, as far as it tells them: dollars an hour for each unit. Empty where it tells none,
 * or does not let this user see them.
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
 * Modal documents no keys. These are the ones that `modal billing rates --json` was seen to print in October 2026:
 * `cpu_hour_cost_sandbox`, `mem_gib_hour_cost_sandbox` and `gpu_hour_cost_a100_80gb`, beside others for functions and
 * storage.
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

/** `a100_80gb` is `A100-80GB`; the A10 is billed under its older name, and an `A100` is the smaller one. */
function gpuNames(key: string): string[] {
  if (key === 'a10g') return ['A10'];
  return key === 'a100_40gb' ? ['A100', 'A100-40GB'] : [key.toUpperCase().replaceAll('_', '-')];
}
