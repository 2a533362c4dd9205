import type { Image, Sandbox, SandboxCreateParams } from 'modal';
import type { Command, ExecuteOptions, SandboxFiles, SandboxHandle, SandboxOptions, SandboxProvider } from '../api.ts';
import { explainError, UserError } from '../modal/errors.ts';
import { execute, spawn } from '../run/execute.ts';
import type { RunRequest } from '../run/request.ts';
import type { RunServices } from '../run/run.ts';
import type { Sessions } from './sessions.ts';

/** Files written at once; each is a command in the sandbox. */
const PARALLEL_WRITES = 8;

/** The provider of the API. `allowed` throws a sentence while nothing may run. */
export function sandboxProvider(services: RunServices, allowed: () => void): SandboxProvider {
  const { sessions } = services;
  return {
    create: (options = {}) =>
      explained(allowed, async () => {
        const { client, app } = await sessions.connection();
        const image = await client.images.fromRegistry(options.image ?? sessions.settings.image).build(app);
        return handleOf(await create(sessions, image, options), services);
      }),
    connect: (sandboxId) =>
      explained(allowed, async () => {
        const { client } = await sessions.connection();
        const sandbox = await client.sandboxes.fromId(sandboxId);
        if ((await sandbox.poll()) !== null)
          throw new UserError(`The sandbox ${sandboxId} has ended. Create another one.`);
        return handleOf(sandbox, services);
      }),
    resume: (snapshotId, options = {}) =>
      explained(allowed, async () => {
        const { client } = await sessions.connection();
        return handleOf(await create(sessions, await client.images.fromId(snapshotId), options), services);
      }),
  };
}

async function create(sessions: Sessions, image: Image, options: SandboxOptions): Promise<Sandbox> {
  const { client, app } = await sessions.connection();
  const { timeoutMs, idleTimeoutMs } = sessions.settings;
  const params: SandboxCreateParams = {
    timeoutMs: options.timeoutMs ?? timeoutMs,
    idleTimeoutMs: options.idleTimeoutMs ?? idleTimeoutMs,
    ...(options.ports && { encryptedPorts: [...options.ports] }),
    ...(options.env && { env: { ...options.env } }),
  };
  return client.sandboxes.create(app, image, params);
}

function handleOf(sandbox: Sandbox, services: RunServices): SandboxHandle {
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
    kill: () => explained(undefined, () => sandbox.terminate()),
    pause: () =>
      explained(undefined, async () => {
        const { imageId } = await sandbox.snapshotFilesystem();
        await sandbox.terminate();
        return imageId;
      }),
  };
}

/** A command line as a request to a sandbox that is used as it is, without a folder. */
export function requestFor(sandboxId: string | undefined, command: Command, options: ExecuteOptions): RunRequest {
  const argv = typeof command === 'string' ? ['sh', '-c', command] : command;
  const [program, ...args] = argv;
  if (!program) throw new UserError('The command is empty. Name a program.');
  return {
    folder: { name: '', path: '' },
    label: program,
    programs: [{ argv: [program] }],
    args,
    cwd: options.cwd ?? '/',
    env: options.env ?? {},
    sync: false,
    ...(sandboxId && { sandboxId }),
  };
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
    throw new UserError(explainError(error), { cause: error });
  }
}
