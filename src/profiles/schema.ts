import { posix } from 'node:path';
import { z } from 'zod';
import { cidr, cores, gpu, mebibytes, objectName, relativePath, variableName, wholeSeconds } from './fields.ts';
import { GPUS } from './gpus.ts';
import { DEFAULT_PYTHON, type ImageProfile, ImageSchema } from './image-schema.ts';
import { SetupSchema, WarmSchema } from './warm-schema.ts';

export type { ImageProfile } from './image-schema.ts';
export type { SetupProfile, WarmProfile } from './warm-schema.ts';

/** Where the folder's host volume lies in a sandbox. */
export const HOST_VOLUME_PATH = '/mnt/state';
/** The folders that the host volume has from the start. */
export const HOST_VOLUME_FOLDERS: readonly string[] = ['.cache', 'git-repos', 'checkpoints', 'workspace'];

const VolumeSchema = z.strictObject({
  name: objectName.meta({ description: 'The volume’s name.' }),
  subPath: z
    .string()
    .startsWith('/', 'must start with "/"')
    .optional()
    .meta({ description: 'The folder of the volume that is mounted; all of it when absent.' }),
  readOnly: z.boolean().default(false).meta({ description: 'Whether the sandbox can only read it.' }),
  createIfMissing: z
    .boolean()
    .default(true)
    .meta({ description: 'Whether it is created when there is none of the name.' }),
});

const PortSchema = z.union([
  z.number().int().min(1).max(65_535),
  z.strictObject({
    port: z.number().int().min(1).max(65_535),
    protocol: z
      .enum(['encrypted', 'h2', 'plain'])
      .default('encrypted')
      .meta({ description: 'TLS, TLS with HTTP/2, or plain TCP.' }),
  }),
]);

/** Where a volume is mounted: normalised, absolute, and nowhere that a sandbox needs itself. */
function mountProblem(path: string): string | undefined {
  if (!posix.isAbsolute(path)) return 'must start with "/": it is a path in the sandbox';
  const place = mountPlace(path);
  if (['/', '/workspace', '/proc', '/dev', '/sys', '/tmp', '/etc', '/usr', '/bin', '/lib'].includes(place))
    return `cannot be mounted over: the sandbox needs its own ${place}`;
  return undefined;
}

/** A mount path without `.`, `..` and a `/` at its end, so that two ways to write one place are equal. */
export function mountPlace(path: string): string {
  return posix.normalize(path).replace(/(?<=.)\/+$/, '');
}

/** A named description of a sandbox: everything that Modal can be asked for. */
export const ProfileSchema = z
  .strictObject({
    description: z.string().optional().meta({ description: 'A word on what it is for, shown when choosing.' }),
    image: z
      .union([z.string().min(1), ImageSchema])
      .optional()
      .meta({
        description: `The image: a registry tag, or an object that describes it. Defaults to the built-in base image (Debian, Python ${DEFAULT_PYTHON}, common tools).`,
      }),
    cpu: cores.optional().meta({
      description: 'Physical cores that are reserved; Modal reserves 0.125 when absent.',
      examples: [1, 2, 4, 8],
    }),
    cpuLimit: cores.optional().meta({ description: 'The most physical cores it may use.' }),
    memoryMiB: mebibytes.optional().meta({
      description: 'Memory that is reserved, in MiB; Modal reserves 128 when absent.',
      examples: [1024, 4096, 16_384],
    }),
    memoryLimitMiB: mebibytes.optional().meta({ description: 'The most memory it may use, in MiB.' }),
    gpu: z
      .union([gpu, z.array(gpu).min(1)])
      .optional()
      .meta({
        description: 'A GPU, with a count after “:” (`H100:2`). A list is tried in its order.',
        examples: Object.keys(GPUS),
      }),
    cloud: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'The cloud provider; any when absent.', examples: ['aws', 'gcp', 'oci', 'auto'] }),
    regions: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .meta({
        description: 'Regions to choose from; any when absent. A choice raises Modal’s price.',
        examples: [['us'], ['eu'], ['us-east']],
      }),
    runtime: z
      .enum(['gvisor', 'vm'])
      .optional()
      .meta({ description: 'What isolates the sandbox; Modal decides when absent.' }),
    timeoutMs: wholeSeconds
      .default(14_400_000)
      .meta({ description: 'The longest life of a sandbox, in milliseconds.' }),
    idleTimeoutMs: wholeSeconds
      .default(600_000)
      .meta({ description: 'A sandbox ends after this many milliseconds without use.' }),
    carryOver: z.boolean().default(false).meta({
      description:
        'Whether a sandbox that nears the end of its life is carried over by itself: a snapshot, and a new sandbox from it.',
    }),
    volumes: z
      .record(z.string(), z.union([z.string(), VolumeSchema]))
      .default({})
      .meta({
        description: 'Volumes by the path where they are mounted, as a name, `name:/path` or in full.',
        examples: [{ '/mnt/data': 'my-data' }],
      }),
    hostVolume: z
      .boolean()
      .default(true)
      .meta({
        description: `Whether a volume of this folder is mounted at ${HOST_VOLUME_PATH}, with the caches of pip, uv, npm and Hugging Face in it.`,
      }),
    offline: z.boolean().default(false).meta({ description: 'Whether the sandbox is without any network.' }),
    outboundCidrAllowlist: z.array(cidr).optional().meta({ description: 'The only address ranges it can reach.' }),
    outboundDomainAllowlist: z
      .array(z.string().min(1))
      .optional()
      .meta({
        description: 'The only domains it can reach by TLS; `*.example.com` covers all below it.',
        examples: [['pypi.org', '*.pythonhosted.org']],
      }),
    inboundCidrAllowlist: z
      .array(cidr)
      .optional()
      .meta({ description: 'The only address ranges that can reach its ports.' }),
    ports: z
      .array(PortSchema)
      .default([])
      .meta({ description: 'Ports that get a public URL: a number, or with its protocol.', examples: [[8000]] }),
    pull: z
      .array(z.string().min(1))
      .default([])
      .meta({
        description:
          'Files that each run brings back, as paths or patterns of `.gitignore`; never over a change made here.',
        examples: [['results/*.csv']],
      }),
    secrets: z.array(objectName).default([]).meta({ description: 'Modal secrets whose variables the sandbox sees.' }),
    env: z.record(variableName, z.string()).default({}).meta({ description: 'Environment variables.' }),
    setup: SetupSchema.optional().meta({
      description:
        'What every sandbox of the profile needs and the image has not: run once, kept as a snapshot that sandboxes start from.',
    }),
    warm: WarmSchema.optional().meta({
      description:
        'Keeps sandboxes ready while the editor is open, so that a run starts at once. They cost money while they wait.',
      examples: [{ sandboxes: 1, refresh: 30 }],
    }),
    envFile: relativePath.optional().meta({
      description: 'A file of variables such as `.env`. It is read on this machine and never sent as a file.',
      examples: ['.env'],
    }),
  })
  .superRefine((profile, context) => {
    const problem = (path: PropertyKey[], message: string) =>
      context.addIssue({ code: 'custom', path, message, input: profile });
    if (profile.idleTimeoutMs > profile.timeoutMs) problem(['idleTimeoutMs'], 'must not be longer than timeoutMs');
    for (const [limit, reserved] of [
      ['cpuLimit', 'cpu'],
      ['memoryLimitMiB', 'memoryMiB'],
    ] as const) {
      const most = profile[limit];
      if (most === undefined) continue;
      if (profile[reserved] === undefined) problem([limit], `needs "${reserved}" beside it`);
      else if (most < profile[reserved]) problem([limit], `must not be below ${reserved}`);
    }
    if (profile.offline) {
      if (profile.ports.length > 0) problem(['ports'], 'cannot be beside "offline": nothing could reach them');
      for (const key of ['outboundCidrAllowlist', 'outboundDomainAllowlist', 'inboundCidrAllowlist'] as const)
        if (profile[key]) problem([key], 'cannot be beside "offline": there is no network to allow');
    }
    const ports = new Set<number>();
    profile.ports.forEach((each, index) => {
      const port = portOf(each).port;
      if (ports.has(port)) problem(['ports', index], `names port ${port} a second time`);
      ports.add(port);
    });
    const places = new Set(profile.hostVolume ? [HOST_VOLUME_PATH] : []);
    for (const [path, volume] of Object.entries(profile.volumes)) {
      const wrong = mountProblem(path);
      if (wrong) problem(['volumes', path], wrong);
      const place = mountPlace(path);
      if (places.has(place)) {
        const taken = place === HOST_VOLUME_PATH ? ', where the host volume is; set "hostVolume" to false' : '';
        problem(['volumes', path], `is mounted a second time${taken}`);
      }
      places.add(place);
      if (typeof volume === 'string' && !/^[A-Za-z0-9._-]{1,64}(:\/.*)?$/.test(volume))
        problem(['volumes', path], 'must be a volume’s name, or a name and a path such as "data:/models"');
    }
  });

/** A profile as its author wrote it, with the defaults filled in. */
export type Profile = z.infer<typeof ProfileSchema>;

/** The content of `.vscode/modal.json`. */
export const ModalFileSchema = z
  .strictObject({
    $schema: z.string().optional(),
    default: z.string().optional().meta({ description: 'The profile that is used until another one is chosen.' }),
    profiles: z.record(z.string().min(1), ProfileSchema).default({}).meta({ description: 'Profiles by name.' }),
  })
  .superRefine((file, context) => {
    if (file.default !== undefined && file.default !== DEFAULT_PROFILE && !file.profiles[file.default])
      context.addIssue({
        code: 'custom',
        path: ['default'],
        message: 'must be the name of a profile',
        input: file.default,
      });
  });

/** The profile that is there without a word of the user's. */
export const DEFAULT_PROFILE = 'default';

/** The image part of a profile; a bare string is a registry tag. */
export function imageOf({ image }: Profile): ImageProfile {
  return typeof image === 'object' ? image : ImageSchema.parse(image === undefined ? {} : { registry: image });
}

/** A port with its protocol. */
export function portOf(port: Profile['ports'][number]): { port: number; protocol: 'encrypted' | 'h2' | 'plain' } {
  return typeof port === 'number' ? { port, protocol: 'encrypted' } : port;
}

/** A volume of a profile in full. */
export function volumeOf(volume: Profile['volumes'][string]): z.infer<typeof VolumeSchema> {
  if (typeof volume !== 'string') return volume;
  const [name = '', ...path] = volume.split(':');
  return VolumeSchema.parse({ name, ...(path.length > 0 && { subPath: path.join(':') }) });
}
