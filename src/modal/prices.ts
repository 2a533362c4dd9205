import { strings } from './strings.ts';

/** The date of the published prices below. They're estimates; the account's bill is authoritative. */
export const PRICES_AS_OF = '2026-10-08';

/** The resources that Modal bills a sandbox for. */
export interface Hardware {
  /** Physical cores. At least `DEFAULT_CPU` is billed. */
  readonly cpu?: number;
  readonly memoryMiB?: number;
  /** `H100`, `A100-80GB:2`, … */
  readonly gpu?: string;
}

/** Modal's minimum reservation. https://modal.com/docs/guide/sandbox-resources */
const DEFAULT_CPU = 0.125;
const DEFAULT_MEMORY_MIB = 128;

/** US dollars per hour. */
export interface Rates {
  readonly perCore: number;
  readonly perGib: number;
  /** By GPU type. */
  readonly perGpu: Readonly<Record<string, number>>;
}

const PUBLISHED_RATES: Rates = {
  perCore: 0.00003942 * 3600,
  perGib: 0.00000667 * 3600,
  perGpu: {
    T4: 0.000164 * 3600,
    L4: 0.000222 * 3600,
    A10: 0.000306 * 3600,
    L40S: 0.000542 * 3600,
    A100: 0.000583 * 3600,
    'A100-40GB': 0.000583 * 3600,
    'A100-80GB': 0.000694 * 3600,
    'RTX-PRO-6000': 0.000842 * 3600,
    H100: 0.001097 * 3600,
    H200: 0.001261 * 3600,
    B200: 0.001736 * 3600,
    B300: 0.001972 * 3600,
  },
};

/** The prices of an account: the published ones until its own rates are known. All prices are estimates. */
export class Prices {
  #rates = PUBLISHED_RATES;

  /** Uses an account's own rates, as far as they're given, instead of the published ones. */
  use(own: Partial<Rates>): void {
    this.#rates = { ...PUBLISHED_RATES, ...own, perGpu: { ...PUBLISHED_RATES.perGpu, ...own.perGpu } };
  }

  /** The price of running a sandbox for an hour, in US dollars; undefined if the price of its GPU isn't known. */
  perHourUsd({ cpu = DEFAULT_CPU, memoryMiB = DEFAULT_MEMORY_MIB, gpu }: Hardware): number | undefined {
    const { perCore, perGib, perGpu } = this.#rates;
    const machine = Math.max(cpu, DEFAULT_CPU) * perCore + (Math.max(memoryMiB, DEFAULT_MEMORY_MIB) / 1024) * perGib;
    if (!gpu) return machine;
    const [name = '', count = '1'] = gpu.toUpperCase().split(':');
    // `H100!` and `B200+` are billed as what they name.
    const each = perGpu[name.replace(/[!+]$/, '')];
    return each === undefined ? undefined : machine + each * Number(count);
  }
}

/** Smaller amounts are shown as less than this. */
const MIN_SHOWN_USD = 0.0001;

/** Formats dollars with two significant digits. Never shows `$0.00` for something that costs money. */
export function formatUsd(usd: number): string {
  if (usd === 0) return '$0';
  if (usd < MIN_SHOWN_USD) return strings.underUsd(`$${MIN_SHOWN_USD}`);
  return `$${usd < 1 ? Number(usd.toPrecision(2)) : usd.toFixed(2)}`;
}

/** Formats estimated dollars: `about $0.02`, or `under $0.0001`. */
export function aboutUsd(usd: number): string {
  return usd > 0 && usd < MIN_SHOWN_USD ? formatUsd(usd) : strings.aboutUsd(formatUsd(usd));
}
