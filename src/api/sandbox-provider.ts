import type { Sandbox } from 'modal';
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import { explainAndLog } from '../modal/errors.ts';
import { isOwnTag, Tag } from '../modal/sandboxes.ts';
import { type Profile, ProfileSchema } from '../profiles/schema.ts';
import { type RunRequest, runRequest } from '../run/request.ts';
import type { RunServices } from '../run/services.ts';
import type { Folder } from '../sandboxes/folder.ts';
import type { Sessions } from '../sandboxes/sessions.ts';
import type { Command, ExecuteOptions, SandboxFiles, SandboxHandle, SandboxOptions, SandboxProvider } from './api.ts';
import { execute, spawn } from './execute.ts';

/** Files written at once; each is a command in the sandbox. */
const PARALLEL_WRITES = 8;

/**
 * The provider of the API. `allowed` throws a sentence while nothing may run; `folder` is the one whose profiles are
 * meant, where one is open.
 */
export function sandboxProvider(
  services: RunServices,
  allowed: () => void,
  folder: () => Folder | undefined,
): SandboxProvider {
  const { sessions } = services;
  const create = async (options: SandboxOptions, kept: Partial<Pick<Profile, 'image' | 'ports'>>) => {
    const profile = { ...(await profileFor(sessions, folder(), options)), ...kept };
    const sandbox = await sessions.create(profile, folder());
    if (options.tags) await sandbox.setTags({ ...(await sandbox.getTags()), ...options.tags });
    return handleOf(sandbox, services, profile.ports);
  };
  return {
    create: (options = {}) => explained(allowed, () => create(options, options.image ? { image: options.image } : {})),
    connect: (sandboxId) =>
      explained(allowed, async () => {
        const { client } = await sessions.connection();
        const sandbox = await client.sandboxes.fromId(sandboxId);
        if ((await sandbox.poll()) !== null)
          throw new UserError(`The sandbox ${sandboxId} has ended. Create another one.`);
        return handleOf(sandbox, services);
      }),
    resume: (snapshotId, options = {}) =>
      explained(allowed, () => {
        const { imageId, ports, tags } = readPaused(snapshotId);
        const image = ProfileSchema.shape.image.parse({ snapshot: imageId });
        const kept = { image, ...(!options.ports && ports && { ports }) };
        return create({ ...options, tags: { ...tags, ...options.tags } }, kept);
      }),
  };
}

/** What goes on in the sandbox that `resume` starts, beside the files. */
const PausedSchema = z.object({
  imageId: z.string().min(1),
  ports: ProfileSchema.shape.ports.optional(),
  tags: z.record(z.string(), z.string()).default({}),
});

/** The id of a snapshot, followed by what else was kept. */
function writePaused({ imageId, ...kept }: z.infer<typeof PausedSchema>): string {
  return `${imageId}.${Buffer.from(JSON.stringify(kept)).toString('base64url')}`;
}

/** Takes the bare id of a snapshot as well. Throws `UserError` for anything else. */
function readPaused(text: string): z.infer<typeof PausedSchema> {
  const [imageId, kept] = text.split('.');
  try {
    return PausedSchema.parse({ imageId, ...(kept && JSON.parse(Buffer.from(kept, 'base64url').toString())) });
  } catch {
    throw new UserError(`“${text}” does not come from pausing a sandbox. Pass on what \`pause\` resolved with.`);
  }
}

/** Tags that people and programs gave, without those by which this extension knows what a sandbox is for. */
function ownTags(tags: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).filter(([name]) => name === Tag.label || !isOwnTag(name)));
}

/** The named or chosen profile with the caller's words over it. Such a sandbox serves no folder, so it has no host volume. */
async function profileFor(
  sessions: Sessions,
  folder: Folder | undefined,
  { profile: name, timeoutMs, idleTimeoutMs, ports, env }: SandboxOptions,
): Promise<Profile> {
  const profile = folder ? (await sessions.profile(folder, name)).profile : ProfileSchema.parse({});
  const lifeMs = timeoutMs ?? profile.timeoutMs;
  return ProfileSchema.parse({
    ...profile,
    hostVolume: false,
    timeoutMs: lifeMs,
    idleTimeoutMs: idleTimeoutMs ?? Math.min(profile.idleTimeoutMs, lifeMs),
    ports: ports ?? profile.ports,
    env: { ...profile.env, ...env },
  });
}

/** `ports` are those that are known from its start. */
function handleOf(sandbox: Sandbox, services: RunServices, ports?: Profile['ports']): SandboxHandle {
  const id = sandbox.sandboxId;
  const request = (command: Command, options: ExecuteOptions = {}) => requestFor(id, command, options);
  return {
    id,
    commands: {
      run: (command, options) => execute(request(command, options), services, options),
      spawn: (command, options) => spawn(request(command, options), services, options),
    },
    files: filesOf(sandbox),
    getHost: (port) =>
      explained(undefined, async () => {
        const tunnel = (await sandbox.tunnels())[port];
        if (!tunnel)
          throw new UserError(`Port ${port} was not named when the sandbox was created. Name it in \`ports\`.`);
        return `${tunnel.host}:${tunnel.port}`;
      }),
    getTags: () => explained(undefined, () => sandbox.getTags()),
    kill: () => explained(undefined, () => services.sessions.terminate(sandbox)),
    pause: () =>
      explained(undefined, async () => {
        const [tags, tunnels, { imageId }] = await Promise.all([
          sandbox.getTags(),
          ports ? {} : sandbox.tunnels(),
          sandbox.snapshotFilesystem(),
        ]);
        await services.sessions.terminate(sandbox);
        return writePaused({ imageId, ports: ports ?? Object.keys(tunnels).map(Number), tags: ownTags(tags) });
      }),
  };
}

/** A command line as a request to a sandbox that is used as it is, without a folder. */
export function requestFor(sandboxId: string | undefined, command: Command, options: ExecuteOptions): RunRequest {
  const argv = typeof command === 'string' ? ['sh', '-c', command] : command;
  const [program, ...args] = argv;
  if (!program) throw new UserError('The command is empty. Name a program.');
  return runRequest({
    folder: { name: '', path: '' },
    label: program,
    programs: [{ argv: [program] }],
    args,
    cwd: options.cwd ?? '/',
    env: options.env ?? {},
    sync: false,
    sandboxId,
  });
}

function filesOf({ filesystem }: Sandbox): SandboxFiles {
  const write = (path: string, data: string | Uint8Array) =>
    typeof data === 'string' ? filesystem.writeText(data, path) : filesystem.writeBytes(data, path);
  return {
    read: (path) => explained(undefined, () => filesystem.readBytes(path)),
    write: (path, data) => explained(undefined, () => write(path, data)),
    writeBatch: (files) =>
      explained(undefined, async () => {
        const waiting = [...files];
        const worker = async () => {
          for (let next = waiting.shift(); next; next = waiting.shift()) await write(next.path, next.data);
        };
        await Promise.all(Array.from({ length: PARALLEL_WRITES }, worker));
      }),
    makeDir: (path) => explained(undefined, () => filesystem.makeDirectory(path, { createParents: true })),
    list: (path) =>
      explained(undefined, async () =>
        (await filesystem.listFiles(path)).map(({ name, path: full, type, size, modifiedTime }) => {
          return { name, path: full, type, size, modifiedMs: modifiedTime * 1000 };
        }),
      ),
    remove: (path) => explained(undefined, () => filesystem.remove(path, { recursive: true })),
  };
}

/** Errors for other extensions are sentences that they can show. */
async function explained<T>(allowed: (() => void) | undefined, work: () => Promise<T>): Promise<T> {
  try {
    allowed?.();
    return await work();
  } catch (error) {
    throw new UserError(explainAndLog(error), { cause: error });
  }
}
