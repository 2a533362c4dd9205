import type { Hardware } from '../modal/prices.ts';
import type { Profile } from './schema.ts';
import { strings } from './strings.ts';

/** Returns the hardware that Modal bills for a profile. Of several GPU types, the first one counts. */
export function hardwareOf({ cpu, memoryMiB, gpu }: Profile): Hardware {
  const first = Array.isArray(gpu) ? gpu[0] : gpu;
  return { ...(cpu && { cpu }), ...(memoryMiB && { memoryMiB }), ...(first && { gpu: first }) };
}

/** Describes the hardware in a few words: `H100 · 8 cores · 32 GiB`. */
export function describeHardware(profile: Profile): string {
  const { cpu, memoryMiB, gpu, regions } = profile;
  return (
    [
      Array.isArray(gpu) ? strings.gpuAlternatives(gpu) : gpu,
      cpu === undefined ? undefined : strings.cores(cpu),
      memoryMiB === undefined ? undefined : `${Number((memoryMiB / 1024).toFixed(1))} GiB`,
      regions?.join(', '),
      profile.offline ? strings.offline() : undefined,
    ]
      .filter(Boolean)
      .join(' · ') || strings.smallestHardware()
  );
}
