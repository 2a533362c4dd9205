import { posix } from 'node:path';
import { z } from 'zod';
import { MINUTE_MS } from '../base/clock.ts';
import { cidr, cores, gpu, mebibytes, objectName, relativePath, variableName, wholeSeconds } from './fields.ts';
import { GPUS } from './gpus.ts';
import { DEFAULT_PYTHON, type ImageProfile, ImageSchema } from './image-schema.ts';
import { strings } from './strings.ts';
import { SetupSchema, WarmSchema } from './warm-schema.ts';

export type { ImageProfile } from './image-schema.ts';
export type { SetupProfile, WarmProfile } from './warm-schema.ts';

/** The mount path of the folder's host volume. */
export const HOST_VOLUME_PATH = '/mnt/state';
/** The folders that are created on the host volume. */
export const HOST_VOLUME_FOLDERS: readonly string[] = ['.cache', 'git-repos', 'checkpoints', 'workspace'];

const VolumeSchema = z.strictObject({
  name: objectName.meta({ description: 'The name of the volume.' }),
  subPath: z
    .string()
    .startsWith('/', { error: () => strings.slash() })
    .optional()
    .meta({ description: 'The folder in the volume to mount. Defaults to the whole volume.' }),
  readOnly: z.boolean().default(false).meta({ description: 'Mount the volume read-only.' }),
  createIfMissing: z.boolean().default(true).meta({ description: "Create the volume if it doesn't exist." }),
});

const portNumber = z.number().int().min(1).max(65_535);

const PortSchema = z.union([
  portNumber,
  z.strictObject({
    port: portNumber.meta({ description: 'The port number in the sandbox.' }),
    visibility: z
      .enum(['public', 'private'])
      .default('public')
      .meta({ description: 'Who can reach the port: everyone on the internet, or only your computer.' }),
    protocol: z
      .enum(['encrypted', 'h2', 'plain'])
      .optional()
      .meta({ description: 'The protocol of a public port: TLS (default), TLS with HTTP/2, or plain TCP.' }),
    label: z.string().min(1).max(60).optional().meta({ description: 'The name of the port in views and messages.' }),
    localPort: portNumber
      .optional()
      .meta({ description: "The port of your computer that leads to a private port, if it's free." }),
  }),
]);

/** Returns what is wrong with a mount path, if anything. */
function mountProblem(path: string): string | undefined {
  if (!posix.isAbsolute(path)) return strings.mountPathSlash();
  const place = mountPlace(path);
  if (['/', '/workspace', '/proc', '/dev', '/sys', '/tmp', '/etc', '/usr', '/bin', '/lib'].includes(place))
    return strings.reservedMountPath(place);
  return undefined;
}

/** Normalizes a mount path: removes `.`, `..`, and trailing slashes. */
export function mountPlace(path: string): string {
  return posix.normalize(path).replace(/(?<=.)\/+$/, '');
}

/** A profile: a named description of a sandbox. */
export const ProfileSchema = z
  .strictObject({
    description: z.string().optional().meta({ description: 'A short description, shown in the profile picker.' }),
    image: z
      .union([z.string().min(1), ImageSchema])
      .optional()
      .meta({
        description: `The image: a registry tag, or an object that describes it. Defaults to the built-in base image (Debian, Python ${DEFAULT_PYTHON}, common tools).`,
      }),
    cpu: cores.optional().meta({
      description: 'Physical cores to reserve. Defaults to 0.125.',
      examples: [1, 2, 4, 8],
    }),
    cpuLimit: cores.optional().meta({ description: 'The maximum number of physical cores.' }),
    memoryMiB: mebibytes.optional().meta({
      description: 'Memory to reserve, in MiB. Defaults to 128.',
      examples: [1024, 4096, 16_384],
    }),
    memoryLimitMiB: mebibytes.optional().meta({ description: 'The maximum memory, in MiB.' }),
    gpu: z
      .union([gpu, z.array(gpu, { error: () => strings.gpus() }).min(1, { error: () => strings.gpus() })], {
        error: () => strings.gpus(),
      })
      .optional()
      .meta({
        description: 'A GPU type, optionally with a count (`H100:2`). A list is tried in order.',
        examples: Object.keys(GPUS),
      }),
    cloud: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'The cloud provider. Defaults to any.', examples: ['aws', 'gcp', 'oci', 'auto'] }),
    regions: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .meta({
        description: 'Allowed regions. Defaults to any. Restricting the region raises the price.',
        examples: [['us'], ['eu'], ['us-east']],
      }),
    runtime: z.enum(['gvisor', 'vm']).optional().meta({
      description:
        'The isolation runtime. Modal uses gVisor unless this is `vm`. On Local Modal, `gvisor` requires an installed gVisor, and `vm` has no effect.',
    }),
    timeoutMs: wholeSeconds.default(14_400_000).meta({ description: 'The maximum lifetime, in milliseconds.' }),
    idleTimeoutMs: wholeSeconds.optional().meta({
      description:
        'Stop the sandbox after this many milliseconds of inactivity. Defaults to five minutes, or ten if `keep` is `never`.',
    }),
    keep: z.enum(['exit', 'never']).optional().meta({
      description:
        'Keep the files of a sandbox when it ends (`exit`), so that the next run resumes with them, or never. Defaults to `exit`, or to `never` if `warm` keeps sandboxes running.',
    }),
    keepDays: z
      .number()
      .int()
      .min(1)
      .max(30)
      .default(7)
      .meta({ description: 'Keep the files of a sandbox that has ended for this many days.' }),
    debugIdleTimeoutMs: wholeSeconds.default(1_800_000).meta({
      description:
        'End a debug session whose program has been stopped at a breakpoint for this many milliseconds while you did nothing.',
    }),
    carryOver: z.boolean().default(false).meta({
      description: 'Move to a new sandbox automatically, by way of a snapshot, before the maximum lifetime is reached.',
    }),
    volumes: z
      .record(z.string(), z.union([z.string(), VolumeSchema]))
      .default({})
      .meta({
        description: 'Volumes by mount path: a volume name, `name:/path`, or an object.',
        examples: [{ '/mnt/data': 'my-data' }],
      }),
    hostVolume: z
      .boolean()
      .default(true)
      .meta({
        description: `Mount a volume for this folder at \`${HOST_VOLUME_PATH}\` that keeps the caches of pip, uv, npm, and Hugging Face.`,
      }),
    offline: z.boolean().default(false).meta({ description: 'Disable network access.' }),
    ssh: z
      .boolean()
      .default(false)
      .meta({ description: 'Add an SSH server to the image, if it has none. It listens on no port.' }),
    startOnSsh: z
      .boolean()
      .default(false)
      .meta({ description: 'Resume or start the sandbox when an SSH connection needs it.' }),
    outboundCidrAllowlist: z
      .array(cidr)
      .optional()
      .meta({ description: 'Allow connections only to these address ranges.' }),
    outboundDomainAllowlist: z
      .array(z.string().min(1))
      .optional()
      .meta({
        description: 'Allow TLS connections only to these domains. `*.example.com` covers all subdomains.',
        examples: [['pypi.org', '*.pythonhosted.org']],
      }),
    inboundCidrAllowlist: z
      .array(cidr)
      .optional()
      .meta({ description: 'Allow connections to ports only from these address ranges.' }),
    ports: z
      .array(PortSchema)
      .default([])
      .meta({
        description: 'Ports, as a number or an object. They get a public URL, unless their visibility is private.',
        examples: [[8000], [{ port: 5173, visibility: 'private', label: 'Dev server' }]],
      }),
    pull: z
      .array(z.string().min(1))
      .default([])
      .meta({
        description:
          'Files to pull after each run, as paths or `.gitignore` patterns. Local changes are never overwritten.',
        examples: [['results/*.csv']],
      }),
    secrets: z.array(objectName).default([]).meta({ description: 'Modal secrets to set as environment variables.' }),
    env: z.record(variableName, z.string()).default({}).meta({ description: 'Environment variables.' }),
    setup: SetupSchema.optional().meta({
      description:
        "Setup that isn't part of the image. It runs once and is saved as a snapshot that new sandboxes start from.",
    }),
    warm: WarmSchema.optional().meta({
      description: 'Keep sandboxes running so that your code starts immediately. You pay for waiting sandboxes.',
      examples: [{ sandboxes: 1, refresh: 30 }],
    }),
    envFile: relativePath.optional().meta({
      description: "An environment file, such as `.env`. Its variables are sent; the file isn't.",
      examples: ['.env'],
    }),
  })
  .superRefine((profile, context) => {
    const problem = (path: PropertyKey[], message: string) =>
      context.addIssue({ code: 'custom', path, message, input: profile });
    if (profile.idleTimeoutMs !== undefined && profile.idleTimeoutMs > profile.timeoutMs)
      problem(['idleTimeoutMs'], strings.idleTimeoutTooLong());
    if (profile.keep === 'exit' && profile.warm && profile.warm.sandboxes > 0)
      problem(['keep'], strings.keepWithWarm());
    for (const [limit, reserved] of [
      ['cpuLimit', 'cpu'],
      ['memoryLimitMiB', 'memoryMiB'],
    ] as const) {
      const max = profile[limit];
      if (max === undefined) continue;
      if (profile[reserved] === undefined) problem([limit], strings.requires(reserved));
      else if (max < profile[reserved]) problem([limit], strings.limitTooLow(reserved));
    }
    if (profile.offline) {
      if (publicPorts(profile).length > 0) problem(['ports'], strings.offlinePorts());
      for (const key of ['outboundCidrAllowlist', 'outboundDomainAllowlist', 'inboundCidrAllowlist'] as const)
        if (profile[key]) problem([key], strings.offlineAllowlist());
    }
    const ports = new Set<number>();
    profile.ports.forEach((each, index) => {
      const { port, visibility, protocol, localPort } = typeof each === 'number' ? { port: each } : each;
      if (ports.has(port)) problem(['ports', index], strings.duplicatePort(port));
      ports.add(port);
      if (visibility === 'private' && protocol) problem(['ports', index, 'protocol'], strings.publicPortsOnly());
      if (visibility !== 'private' && localPort) problem(['ports', index, 'localPort'], strings.privatePortsOnly());
    });
    const places = new Set(profile.hostVolume ? [HOST_VOLUME_PATH] : []);
    for (const [path, volume] of Object.entries(profile.volumes)) {
      const wrong = mountProblem(path);
      if (wrong) problem(['volumes', path], wrong);
      const place = mountPlace(path);
      if (places.has(place)) {
        const isHostVolume = place === HOST_VOLUME_PATH && profile.hostVolume;
        problem(['volumes', path], isHostVolume ? strings.mountedOverHostVolume() : strings.mountedTwice());
      }
      places.add(place);
      if (typeof volume === 'string' && !/^[A-Za-z0-9._-]{1,64}(:\/.*)?$/.test(volume))
        problem(['volumes', path], strings.volume());
    }
  });

/** A profile with defaults filled in. */
export type Profile = z.infer<typeof ProfileSchema>;

/** Returns when the files of a profile's sandboxes are kept. Warm sandboxes start from the image. */
export function keepOf({ keep, warm }: Pick<Profile, 'keep' | 'warm'>): 'exit' | 'never' {
  return keep ?? (warm && warm.sandboxes > 0 ? 'never' : 'exit');
}

/** The default idle timeout of sandboxes that can be resumed, and of other sandboxes and processes. */
const RESUMABLE_IDLE_TIMEOUT_MS = 5 * MINUTE_MS;
export const IDLE_TIMEOUT_MS = 10 * MINUTE_MS;

/** Returns the idle timeout of a profile's sandboxes. */
export function idleTimeoutOf(profile: Pick<Profile, 'idleTimeoutMs' | 'timeoutMs' | 'keep' | 'warm'>): number {
  const { idleTimeoutMs, timeoutMs } = profile;
  const standard = keepOf(profile) === 'exit' ? RESUMABLE_IDLE_TIMEOUT_MS : IDLE_TIMEOUT_MS;
  return idleTimeoutMs ?? Math.min(standard, timeoutMs);
}

/** The content of `.vscode/modal.json`. */
export const ModalFileSchema = z
  .strictObject({
    $schema: z.string().optional(),
    default: z.string().optional().meta({ description: 'The default profile.' }),
    profiles: z.record(z.string().min(1), ProfileSchema).default({}).meta({ description: 'Profiles by name.' }),
  })
  .superRefine((file, context) => {
    if (file.default !== undefined && file.default !== DEFAULT_PROFILE && !file.profiles[file.default])
      context.addIssue({
        code: 'custom',
        path: ['default'],
        message: strings.unknownDefault(),
        input: file.default,
      });
  });

/** The name of the built-in profile. */
export const DEFAULT_PROFILE = 'default';

/** Returns the image of a profile as an object. A plain string is a registry tag. */
export function imageOf({ image, ssh }: Pick<Profile, 'image' | 'ssh'>): ImageProfile {
  const written = typeof image === 'object' ? image : ImageSchema.parse(image === undefined ? {} : { registry: image });
  return ssh ? { ...written, ssh } : written;
}

/** A port with a public URL. */
export interface PublicPort {
  readonly port: number;
  readonly protocol: 'encrypted' | 'h2' | 'plain';
}

/** Returns the ports of a profile that get a public URL. */
export function publicPorts({ ports }: Pick<Profile, 'ports'>): PublicPort[] {
  return ports.flatMap((each): PublicPort[] => {
    if (typeof each === 'number') return [{ port: each, protocol: 'encrypted' }];
    const { port, visibility, protocol = 'encrypted' } = each;
    return visibility === 'public' ? [{ port, protocol }] : [];
  });
}

/** A port that only this computer can reach. */
export interface PrivatePort {
  readonly port: number;
  readonly label?: string | undefined;
  readonly localPort?: number | undefined;
}

/** Returns the ports of a profile that only this computer can reach. */
export function privatePorts({ ports }: Pick<Profile, 'ports'>): PrivatePort[] {
  return ports.filter((each) => typeof each === 'object').filter(({ visibility }) => visibility === 'private');
}

/** Returns a volume as an object. */
export function volumeOf(volume: Profile['volumes'][string]): z.infer<typeof VolumeSchema> {
  if (typeof volume !== 'string') return volume;
  const [name = '', ...path] = volume.split(':');
  return VolumeSchema.parse({ name, ...(path.length > 0 && { subPath: path.join(':') }) });
}
