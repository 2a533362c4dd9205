import { posix } from 'node:path';
import type { Sandbox } from 'modal';
import { z } from 'zod';
import { DAY_MS } from '../base/clock.ts';
import { eachLimited } from '../base/each-limited.ts';
import { UserError } from '../base/errors.ts';
import type { Forwards } from '../channel/forwards.ts';
import { explainAndLog } from '../modal/explain/explain.ts';
import { contentOf, readAll } from '../modal/remote-files.ts';
import { sandboxFiles } from '../modal/sandbox-files.ts';
import { openablePortUrl, portOf } from '../modal/sandbox-list.ts';
import { userTags } from '../modal/sandboxes.ts';
import { takeSnapshot } from '../modal/snapshots.ts';
import { BUILT_IN_PROFILE, type NamedProfile } from '../profiles/profiles.ts';
import { type Profile, ProfileSchema } from '../profiles/schema.ts';
import { type RunRequest, runRequest } from '../run/request.ts';
import type { RunServices } from '../run/services.ts';
import { type Folder, NO_FOLDER } from '../sandboxes/folder.ts';
import type { Sessions } from '../sandboxes/sessions.ts';
import type {
  Command,
  ExecuteOptions,
  ForwardedPort,
  SandboxFiles,
  SandboxHandle,
  SandboxOptions,
  SandboxProvider,
} from './api.ts';
import { execute, spawn } from './execute.ts';
import { strings } from './strings.ts';

/** The time that Modal keeps the files of a paused sandbox. */
const PAUSED_TTL_MS = 30 * DAY_MS;
/** A larger file isn't read into memory. */
const MAX_READ_BYTES = 256 * 1024 * 1024;
/** The number of files written at once. Each is a command in the sandbox. */
const MAX_PARALLEL_WRITES = 8;

export interface ApiServices extends RunServices {
  readonly forwards: Forwards;
}

/**
 * Creates the API's provider of sandboxes. `requireAllowed` throws a `UserError` while nothing may run. `folder` returns
 * the folder whose profiles are used, if one is open.
 */
export function sandboxProvider(
  services: ApiServices,
  requireAllowed: () => void,
  folder: () => Folder | undefined,
): SandboxProvider {
  const { sessions } = services;
  const create = async (
    options: SandboxOptions,
    overrides: Partial<Pick<Profile, 'image' | 'ports'>>,
    snapshot?: { readonly imageId: string },
  ) => {
    const named = await profileFor(sessions, folder(), options);
    const profile = { ...named.profile, ...overrides };
    const startOptions = { folder: folder(), tags: options.tags, ...(snapshot && { snapshot }) };
    const sandbox = await sessions.create({ ...named, profile }, startOptions);
    return handleOf(sandbox, services, profile.ports);
  };
  return {
    create: (options = {}) =>
      explained(requireAllowed, () => create(options, options.image ? { image: options.image } : {})),
    connect: (sandboxId) =>
      explained(requireAllowed, async () => {
        const { client } = await sessions.connection();
        const sandbox = await client.sandboxes.fromId(sandboxId);
        if ((await sandbox.poll()) !== null) throw new UserError(strings.sandboxStopped(sandboxId));
        return handleOf(sandbox, services);
      }),
    resume: (snapshotId, options = {}) =>
      explained(requireAllowed, () => {
        const { imageId, ports, tags } = decodePaused(snapshotId);
        const overrides = !options.ports && ports ? { ports } : {};
        return create({ ...options, tags: { ...tags, ...options.tags } }, overrides, { imageId });
      }),
  };
}

/** A paused sandbox: its snapshot, and what else the resumed sandbox gets. */
const PausedSchema = z.object({
  imageId: z.string().min(1),
  ports: ProfileSchema.shape.ports.optional(),
  tags: z.record(z.string(), z.string()).default({}),
});

/** Returns a snapshot's ID, followed by the encoded rest. */
function encodePaused({ imageId, ...rest }: z.infer<typeof PausedSchema>): string {
  return `${imageId}.${Buffer.from(JSON.stringify(rest)).toString('base64url')}`;
}

/** Decodes what `encodePaused` returned, or the bare ID of a snapshot. Throws `UserError` for anything else. */
function decodePaused(text: string): z.infer<typeof PausedSchema> {
  const [imageId, rest] = text.split('.');
  try {
    return PausedSchema.parse({ imageId, ...(rest && JSON.parse(Buffer.from(rest, 'base64url').toString())) });
  } catch {
    throw new UserError(strings.notPausedSandbox(text));
  }
}

/**
 * Returns the named or current profile with the caller's options applied. Such a sandbox belongs to no folder, so it has
 * no host volume.
 */
async function profileFor(
  sessions: Sessions,
  folder: Folder | undefined,
  { profile: name, timeoutMs, idleTimeoutMs, ports, env }: SandboxOptions,
): Promise<NamedProfile> {
  const named = folder ? await sessions.profile(folder, name) : BUILT_IN_PROFILE;
  const { profile } = named;
  const lifetimeMs = timeoutMs ?? profile.timeoutMs;
  const changed = ProfileSchema.parse({
    ...profile,
    hostVolume: false,
    timeoutMs: lifetimeMs,
    idleTimeoutMs: idleTimeoutMs ?? (profile.idleTimeoutMs && Math.min(profile.idleTimeoutMs, lifetimeMs)),
    ports: ports ?? profile.ports,
    env: { ...profile.env, ...env },
  });
  return { ...named, profile: changed };
}

/** Returns a handle to a sandbox. `ports` are its exposed ports, if known. */
function handleOf(sandbox: Sandbox, services: ApiServices, ports?: Profile['ports']): SandboxHandle {
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
        const tunnel = await tunnelOf(sandbox, port);
        return `${tunnel.host}:${tunnel.port}`;
      }),
    getUrl: (port) =>
      explained(undefined, async () => {
        const tunnel = await tunnelOf(sandbox, port);
        const { client } = await services.sessions.connection();
        return openablePortUrl(client, id, portOf(port, tunnel));
      }),
    forward: (port) => explained(undefined, () => forward(sandbox, port, services)),
    getTags: () => explained(undefined, () => sandbox.getTags()),
    kill: () => explained(undefined, () => services.sessions.terminate(sandbox)),
    pause: () =>
      explained(undefined, async () => {
        const [tags, tunnels, imageId] = await Promise.all([
          sandbox.getTags(),
          ports ? {} : sandbox.tunnels(),
          takeSnapshot(sandbox, { ttlMs: PAUSED_TTL_MS }),
        ]);
        await services.sessions.terminate(sandbox);
        return encodePaused({ imageId, ports: ports ?? Object.keys(tunnels).map(Number), tags: userTags(tags) });
      }),
  };
}

async function forward(sandbox: Sandbox, port: number, { sessions, forwards }: ApiServices): Promise<ForwardedPort> {
  const { account } = await sessions.connection();
  // Sandboxes of Local Modal may share this computer's ports: a forward of a port to itself would never end.
  const forwarded = await forwards.start(sandbox, { port }, account.isLocal ? { preferredPort: 0 } : {});
  const { localPort } = forwarded;
  return { port: localPort, url: `http://127.0.0.1:${localPort}`, dispose: () => forwards.stop(forwarded) };
}

async function tunnelOf(sandbox: Sandbox, port: number) {
  const tunnel = (await sandbox.tunnels())[port];
  if (!tunnel) throw new UserError(strings.portNotExposed(port));
  return tunnel;
}

/** Returns the request for a command in a sandbox, without a folder or sync. */
function requestFor(sandboxId: string, command: Command, options: ExecuteOptions): RunRequest {
  const argv = typeof command === 'string' ? ['sh', '-c', command] : command;
  const [program, ...args] = argv;
  if (!program) throw new UserError(strings.commandEmpty());
  return runRequest({
    folder: NO_FOLDER,
    label: program,
    programs: [{ argv: [program] }],
    args,
    cwd: options.cwd ?? '/',
    env: options.env ?? {},
    sync: false,
    sandboxId,
  });
}

function filesOf(sandbox: Sandbox): SandboxFiles {
  const files = sandboxFiles(async () => sandbox);
  const write = (path: string, data: string | Uint8Array) =>
    files.write(path, contentOf(typeof data === 'string' ? Buffer.from(data) : data));
  return {
    read: (path) => explained(undefined, () => readAll(files, path, MAX_READ_BYTES)),
    write: (path, data) => explained(undefined, () => write(path, data)),
    writeBatch: (batch) =>
      explained(undefined, async () => {
        await eachLimited(batch, MAX_PARALLEL_WRITES, ({ path, data }) => write(path, data));
      }),
    makeDir: (path) => explained(undefined, () => files.makeDirectory(path)),
    list: (path) =>
      explained(undefined, async () =>
        (await files.list(path)).map(({ name, type, bytes, modifiedMs }) => {
          return {
            name,
            path: posix.join(path, name),
            type: type === 'other' ? 'file' : type,
            size: bytes,
            modifiedMs,
          };
        }),
      ),
    remove: (path) => explained(undefined, () => files.remove(path)),
  };
}

/** Turns errors into `UserError`s, with messages that other extensions can show. */
async function explained<T>(requireAllowed: (() => void) | undefined, work: () => Promise<T>): Promise<T> {
  try {
    requireAllowed?.();
    return await work();
  } catch (error) {
    throw new UserError(explainAndLog(error), { cause: error });
  }
}
