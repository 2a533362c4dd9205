/** GPU types that Modal offers, with the maximum count for one sandbox. https://modal.com/docs/guide/gpu, 2026-09 */
export const GPUS: Readonly<Record<string, number>> = {
  T4: 8,
  L4: 8,
  A10: 4,
  L40S: 8,
  A100: 8,
  'A100-40GB': 8,
  'A100-80GB': 8,
  'RTX-PRO-6000': 8,
  H100: 8,
  'H100!': 8,
  H200: 8,
  B200: 8,
  'B200+': 8,
  B300: 8,
};

/** Parses `H100` or `H100:4`; undefined if the text has another form. Names are case-insensitive. */
export function parseGpu(text: string): { name: string; count: number } | undefined {
  const [, name, count = '1'] = /^([A-Za-z0-9+!-]+)(?::([1-9]\d*))?$/.exec(text) ?? [];
  return name === undefined ? undefined : { name: name.toUpperCase(), count: Number(count) };
}
