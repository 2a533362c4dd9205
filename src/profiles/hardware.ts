import type { Hardware } from '../modal/prices.ts';
import type { Profile } from './schema.ts';

/** What Modal bills for a profile; of several GPUs the first. */
export function hardwareOf({ cpu, memoryMiB, gpu }: Profile): Hardware {
  const first = Array.isArray(gpu) ? gpu[0] : gpu;
  return { ...(cpu && { cpu }), ...(memoryMiB && { memoryMiB }), ...(first && { gpu: first }) };
}

/** The hardware in a few words: `H100 · 8 cores · 32 GiB`. */
export function describeHardware(profile: Profile): string {
  const { cpu, memoryMiB, gpu, regions } = profile;
  return (
    [
      Array.isArray(gpu) ? gpu.join(' or ') : gpu,
      cpu === undefined ? undefined : cpu === 1 ? '1 core' : `${cpu} cores`,
      memoryMiB === undefined ? undefined : `${Number((memoryMiB / 1024).toFixed(1))} GiB`,
      regions?.join(', '),
      profile.offline ? 'offline' : undefined,
    ]
      .filter(Boolean)
      .join(' · ') || 'CPU, Modal’s smallest'
  );
}
