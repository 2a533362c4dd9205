/** When the prices below were read from Modal's price list. They are estimates; the account's bill is the truth. */
export const PRICES_AS_OF = '2026-10-08';

/** What Modal bills a sandbox for. */
export interface Hardware {
  /** Physical cores; at least what Modal reserves by itself. */
  readonly cpu?: number;
  readonly memoryMiB?: number;
  /** `H100`, `A100-80GB:2`, … */
  readonly gpu?: string;
}

/** Modal's reservation when nothing is asked for. https://modal.com/docs/guide/sandbox-resources */
const DEFAULT_CPU = 0.125;
const DEFAULT_MEMORY_MIB = 128;

// US dollars a second, sandbox rates.
const PER_CORE = 0.00003942;
const PER_GIB = 0.00000667;
const PER_GPU: Readonly<Record<string, number>> = {
  T4: 0.000164,
  L4: 0.000222,
  A10: 0.000306,
  L40S: 0.000542,
  A100: 0.000583,
  'A100-40GB': 0.000583,
  'A100-80GB': 0.000694,
  'RTX-PRO-6000': 0.000842,
  H100: 0.001097,
  H200: 0.001261,
  B200: 0.001736,
  B300: 0.001972,
};

/** Estimated price of running a sandbox for an hour, in US dollars; absent when a GPU's price is not known. */
export function pricePerHourUsd({
  cpu = DEFAULT_CPU,
  memoryMiB = DEFAULT_MEMORY_MIB,
  gpu,
}: Hardware): number | undefined {
  const machine = Math.max(cpu, DEFAULT_CPU) * PER_CORE + (Math.max(memoryMiB, DEFAULT_MEMORY_MIB) / 1024) * PER_GIB;
  if (!gpu) return machine * 3600;
  const [name = '', count = '1'] = gpu.toUpperCase().split(':');
  // `H100!` and `B200+` are billed as what they name.
  const perGpu = PER_GPU[name.replace(/[!+]$/, '')];
  return perGpu === undefined ? undefined : (machine + perGpu * Number(count)) * 3600;
}

/** Dollars for people: two digits that matter, never `$0.00` for something that costs. */
export function formatUsd(usd: number): string {
  if (usd === 0) return '$0';
  if (usd < 0.0001) return 'under $0.0001';
  return `$${usd < 1 ? Number(usd.toPrecision(2)) : usd.toFixed(2)}`;
}

/** The same as an estimate: `about $0.02`, or `under $0.0001`. */
export function aboutUsd(usd: number): string {
  const text = formatUsd(usd);
  return text.startsWith('under') ? text : `about ${text}`;
}
