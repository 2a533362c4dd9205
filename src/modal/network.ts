import { z } from 'zod';
import { useProxy } from './proxy.ts';
import { useTrust } from './trust.ts';

/** How Modal is reached, as the user has set it in the editor. */
export const NetworkSettingsSchema = z.object({
  /** The proxy's URL; empty for that of the environment. */
  proxy: z.string(),
  /** Hosts to reach without it. */
  noProxy: z.array(z.string()),
  /** Whether a server has to prove who it is. */
  verify: z.boolean(),
  /** Whether authorities that the computer trusts are trusted. */
  systemCertificates: z.boolean(),
});
export type NetworkSettings = z.infer<typeof NetworkSettingsSchema>;

let current: NetworkSettings | undefined;

/** Applies settings to connections that are made from now on. */
export function useNetwork(settings: NetworkSettings): void {
  current = settings;
  useProxy(settings);
  useTrust(settings);
}

/** The settings in use; undefined before there are any. */
export function networkInUse(): NetworkSettings | undefined {
  return current;
}
