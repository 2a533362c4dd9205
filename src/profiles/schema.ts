import { posix } from 'node:path';
import { closest } from 'fastest-levenshtein';
import { z } from 'zod';
import { GPUS, parseGpu } from './gpus.ts';
import { scheduleProblem } from './schedule.ts';

/** Modal's longest life of a sandbox. */
export const MAX_TIMEOUT_MS = 86_400_000;

/** Where the folder's host volume lies in a sandbox. */
export const HOST_VOLUME_PATH = '/mnt/state';

const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name that a variable can have: letters, digits and "_"');
const relativePath = z
  .string()
  .min(1)
  .refine((path) => !posix.isAbsolute(path) && !posix.normalize(path).startsWith('..'), {
    message: 'must be a path inside the workspace folder',
  });
const objectName = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 letters, digits, ".", "_" or "-"');
const wholeSeconds = z
  .number()
  .int()
  .min(1000)
  .max(MAX_TIMEOUT_MS, 'must be at most 86400000 (24 hours), which is Modal’s limit')
  .multipleOf(1000, 'must be whole seconds, such as 60000');
const mebibytes = z.number().int().min(128);
const cores = z.number().min(0.125);
const cidr = z.union([z.cidrv4(), z.cidrv6()], 'must be an address range such as "10.0.0.0/8"');
const packages = z.array(z.string().min(1));

const gpu = z
  .string()
  .superRefine((text, context) => {
    const parsed = parseGpu(text);
    const most = parsed && GPUS[parsed.name];
    if (parsed && most && parsed.count <= most) return;
    if (parsed && most) {
      context.addIssue({ code: 'custom', message: `must be at most ${parsed.name}:${most}`, input: text });
      return;
    }
    const [name = '', count] = text.split(':');
    const near = closest(name.toUpperCase(), Object.keys(GPUS));
    const suggestion = count === undefined ? near : `${near}:${count}`;
    context.addIssue({
      code: 'custom',
      message: `must be a GPU that Modal rents; did you mean “${suggestion}”?`,
      input: text,
      params: { suggestion },
    });
  })
  .meta({ examples: Object.keys(GPUS) });

const ImageSchema = z
  .strictObject({
    registry: z
      .string()
      .min(1)
      .optional()
      .meta({
        description: 'A registry tag, such as `python:3.13-slim` or `nvcr.io/nvidia/pytorch:25.01-py3`.',
        examples: ['python:3.13-slim', 'nvidia/cuda:12.8.1-devel-ubuntu24.04'],
      }),
    registrySecret: z
      .strictObject({
        name: objectName.meta({ description: 'The Modal secret with the registry’s credentials.' }),
        kind: z.enum(['registry', 'aws-ecr', 'gcp-artifact-registry']).default('registry').meta({
          description:
            'How the registry signs in: by user name and password, or as AWS ECR or GCP Artifact Registry do.',
        }),
      })
      .optional()
      .meta({ description: 'The secret for a private `registry` tag.' }),
    dockerfile: relativePath.optional().meta({
      description: 'A Dockerfile in the folder, built by Modal.',
      examples: ['Dockerfile'],
    }),
    context: relativePath.optional().meta({
      description: 'The folder that `COPY` and `ADD` of the Dockerfile read from; the Dockerfile’s own when absent.',
    }),
    target: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'The stage of the Dockerfile to build; the last one when absent.' }),
    buildArgs: z
      .record(variableName, z.string())
      .optional()
      .meta({ description: 'Values for the Dockerfile’s `ARG`s.' }),
    name: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'An image published in the account, as `name` or `name:tag`.' }),
    snapshot: z
      .string()
      .regex(/^im-/, 'must be the id of a snapshot, such as "im-…"')
      .optional()
      .meta({ description: 'The id of a snapshot.' }),
    python: z
      .string()
      .regex(/^3\.\d{1,2}$/, 'must be a version of Python such as "3.12"')
      .optional()
      .meta({ description: 'The version of Python in the built-in base image.', examples: ['3.11', '3.12', '3.13'] }),
    apt: packages.default([]).meta({ description: 'Debian packages to install.' }),
    pip: packages
      .default([])
      .meta({ description: 'Python packages to install.', examples: [['numpy', 'torch==2.9.0']] }),
    pipFrom: relativePath.optional().meta({
      description:
        'Python packages to install as a file of the folder names them: `requirements.txt`, `pyproject.toml` or `uv.lock`.',
      examples: ['requirements.txt', 'pyproject.toml', 'uv.lock'],
    }),
    npm: packages.default([]).meta({ description: 'npm packages to install for all users.' }),
    commands: z
      .array(z.string().min(1))
      .default([])
      .meta({
        description: 'Shell commands that finish the image.',
        examples: [['curl -LsSf https://example.com/install.sh | sh']],
      }),
    env: z
      .record(variableName, z.string())
      .default({})
      .meta({ description: 'Environment variables of the image, at build and run.' }),
    buildSecrets: z.array(variableName).default([]).meta({
      description: 'Variables of this machine (or of `envFile`) that the build sees and the image does not keep.',
    }),
  })
  .superRefine((image, context) => {
    const bases = (['registry', 'dockerfile', 'name', 'snapshot', 'python'] as const).filter(
      (key) => image[key] !== undefined,
    );
    for (const key of bases.slice(1))
      context.addIssue({
        code: 'custom',
        path: [key],
        message: `cannot be beside "${bases[0]}": an image has one base`,
        input: image,
      });
    const needs = (key: 'context' | 'target' | 'buildArgs' | 'registrySecret', base: 'dockerfile' | 'registry') => {
      if (image[key] !== undefined && image[base] === undefined)
        context.addIssue({ code: 'custom', path: [key], message: `needs "${base}" beside it`, input: image });
    };
    needs('context', 'dockerfile');
    needs('target', 'dockerfile');
    needs('buildArgs', 'dockerfile');
    needs('registrySecret', 'registry');
  });

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

const SetupSchema = z.strictObject({
  commands: z
    .array(z.string().min(1))
    .min(1)
    .meta({
      description: 'Shell commands that run once, in `/workspace` of a sandbox of the profile.',
      examples: [['pip install -r requirements.txt']],
    }),
  files: z
    .array(relativePath)
    .default([])
    .meta({
      description: 'Files of the folder that the commands need. They run again when one of these changes.',
      examples: [['requirements.txt']],
    }),
});

const WarmSchema = z
  .strictObject({
    sandboxes: z
      .number()
      .int()
      .min(0)
      .max(10)
      .default(1)
      .meta({ description: 'How many started sandboxes are kept ready.' }),
    refresh: z
      .union([z.number().int().min(1), z.string()])
      .default(30)
      .meta({
        description: 'When all is looked after: a number of minutes, or a cron expression.',
        examples: [30, '*/30 * * * *', '0 8 * * 1-5'],
      }),
    timezone: z
      .string()
      .optional()
      .meta({
        description: 'The time zone of `refresh` and `workingHours`; this machine’s when absent.',
        examples: ['Europe/Berlin'],
      }),
    when: z.enum(['always', 'focused', 'working-hours']).default('focused').meta({
      description:
        'While VS Code is open; while its window is in front; or in the hours of `workingHours`, Monday to Friday.',
    }),
    workingHours: z
      .string()
      .regex(/^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/, 'must be hours such as "08:00-18:00"')
      .default('08:00-18:00')
      .meta({ description: 'The hours of `when: "working-hours"`.' }),
    rebuild: z
      .boolean()
      .default(false)
      .meta({ description: 'Whether each refresh builds the image anew, so that floating tags move on.' }),
    setup: z
      .array(z.string().min(1))
      .default([])
      .meta({ description: 'Shell commands that each warm sandbox runs once, in the synced folder.' }),
    healthcheck: z
      .string()
      .min(1)
      .optional()
      .meta({
        description: 'A shell command that must end with 0 before a sandbox counts as ready.',
        examples: ['python -c "import torch"'],
      }),
    maxAgeMs: wholeSeconds
      .default(7_200_000)
      .meta({ description: 'A warm sandbox that is older is replaced at the next refresh.' }),
    cacheMaxAgeDays: z
      .number()
      .int()
      .min(1)
      .default(30)
      .meta({ description: 'Files of the host volume’s caches that were not used for so many days are removed.' }),
    cacheMaxMiB: z
      .number()
      .int()
      .min(0)
      .default(10_240)
      .meta({ description: 'The oldest files of the caches are removed beyond this size.' }),
  })
  .superRefine((warm, context) => {
    const wrong = scheduleProblem(warm.refresh, warm.timezone);
    if (wrong) context.addIssue({ code: 'custom', path: [wrong.key], message: wrong.message, input: warm });
  });

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
        description:
          'The image: a registry tag, or what it is made of. The built-in base (Debian, Python 3.11, common tools) when absent.',
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
/** What is run once for all sandboxes of a profile. */
export type SetupProfile = z.infer<typeof SetupSchema>;
/** How sandboxes of a profile are kept ready. */
export type WarmProfile = z.infer<typeof WarmSchema>;
/** What an image is made of. */
export type ImageProfile = z.infer<typeof ImageSchema>;

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
