import type { MountParams, SandboxParams } from '../modal/sandboxes.ts';
import {
  HOST_VOLUME_FOLDERS,
  HOST_VOLUME_PATH,
  idleTimeoutOf,
  mountPlace,
  type Profile,
  publicPorts,
  volumeOf,
} from '../profiles/schema.ts';

/** Parameters of a sandbox in addition to its profile. */
export interface SandboxExtras {
  /** The volume at `HOST_VOLUME_PATH`; without one, the sandbox uses its own disk. */
  readonly hostVolume?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  /** Its files are kept when it ends. */
  readonly keeps?: boolean;
}

/** Translates a profile into the parameters of a sandbox. The image is built separately. */
export function sandboxParams(profile: Profile, extras: SandboxExtras): Omit<SandboxParams, 'image'> {
  const { cpu, cpuLimit, memoryMiB, memoryLimitMiB, gpu = [], cloud, regions, runtime, timeoutMs } = profile;
  const { offline, outboundCidrAllowlist, outboundDomainAllowlist, inboundCidrAllowlist, secrets } = profile;
  const { hostVolume, env, tags, keeps = false } = extras;
  const ports = publicPorts(profile);
  const portsOf = (wanted: string) => ports.filter(({ protocol }) => protocol === wanted).map(({ port }) => port);
  return {
    ...defined({ cpu, cpuLimit, memoryMiB, memoryLimitMiB, cloud, regions, runtime }),
    ...defined({ outboundCidrAllowlist, outboundDomainAllowlist, inboundCidrAllowlist }),
    gpus: Array.isArray(gpu) ? gpu : [gpu],
    timeoutMs,
    idleTimeoutMs: idleTimeoutOf(keeps ? profile : { ...profile, keep: 'never' }),
    ...(offline && { blockNetwork: true }),
    encryptedPorts: portsOf('encrypted'),
    h2Ports: portsOf('h2'),
    unencryptedPorts: portsOf('plain'),
    secrets,
    mounts: mountsOf(profile, hostVolume),
    env,
    tags,
    ...(keeps && { savesAtExit: true }),
    // The volume hides the folders of the image, so they're created when the sandbox starts.
    ...(hostVolume && {
      command: ['sh', '-c', `cd ${HOST_VOLUME_PATH} && mkdir -p ${HOST_VOLUME_FOLDERS.join(' ')}; exec sleep infinity`],
    }),
  };
}

function mountsOf({ volumes }: Profile, hostVolume: string | undefined): MountParams[] {
  const mounts = Object.entries(volumes).map(([path, volume]): MountParams => {
    const { name, subPath, readOnly, createIfMissing } = volumeOf(volume);
    return { path: mountPlace(path), volume: name, subPath, isReadOnly: readOnly, createIfMissing };
  });
  return hostVolume
    ? [...mounts, { path: HOST_VOLUME_PATH, volume: hostVolume, isReadOnly: false, createIfMissing: true }]
    : mounts;
}

function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
