import type { App, Image, ModalClient, Sandbox, SandboxCreateParams, Secret, Volume } from 'modal';
import { UserError } from '../base/errors.ts';
import { HOST_VOLUME_PATH, mountPlace, type Profile, portOf, volumeOf } from '../profiles/schema.ts';
import { isNotFound, isRefusedInput, type SandboxEnd, SandboxEndedError } from './errors.ts';
import { isFirstVersion } from './exec-router.ts';
import { isMountTag, type Mount, mountTags } from './mounts.ts';

/** What a sandbox is asked to be, beside its profile. */
export interface SandboxSpec {
  readonly profile: Profile;
  readonly image: Image;
  /** Unique among the app's running sandboxes. */
  readonly name?: string;
  /** The volume at `/mnt/state`; none where the sandbox shall use its own disk. */
  readonly hostVolume?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

/** Tags by which the extension finds its own sandboxes again. */
export const Tag = {
  folder: 'vscode-folder',
  folderName: 'vscode-folder-name',
  /** The profile that it was started from. */
  profile: 'vscode-profile',
  /** The machine and user that started it. */
  machine: 'vscode-machine',
  /** What the profile asked for when it was started, as a hash. */
  definition: 'vscode-definition',
  /** The window of VS Code that it serves. */
  window: 'vscode-window',
  /** What people call it. */
  label: 'vscode-label',
  /** The snapshot it was started from. */
  snapshot: 'vscode-snapshot',
} as const;

const OWN_TAGS: readonly string[] = Object.values(Tag);

/** Whether a tag is the extension's own: nobody's who works with the sandbox. */
export function isOwnTag(name: string): boolean {
  return OWN_TAGS.includes(name) || isMountTag(name);
}

/** Without mounts, and values that Modal would not take as tags of its apps (`check_tag_dict`, see mounts.ts). */
function plainTags(tags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tags).filter(([name, value]) => !isMountTag(name) && /^[\w.-]{1,63}$/.test(value)),
  );
}

/** What the host volume has from the start. */
const HOST_FOLDERS = ['.cache', 'git-repos', 'checkpoints', 'workspace'];

/** How long the start of a sandbox may wait for a GPU that another one of the list can stand in for. */
const GPU_WAIT_MS = 60_000;

/** Finds or creates the app that our sandboxes belong to. Throws `ClientError`. */
export function openApp(client: ModalClient, name: string): Promise<App> {
  return client.apps.fromName(name, { createIfMissing: true });
}

/**
 * Starts a sandbox. Of several GPUs the first that Modal has is taken. Throws `UserError` for a secret or a volume that
 * is not there, and the SDK's errors.
 */
export async function createSandbox(client: ModalClient, app: App, spec: SandboxSpec): Promise<Sandbox> {
  const [secrets, volumes] = await Promise.all([secretsOf(client, spec.profile), volumesOf(client, spec)]);
  const params = { ...paramsOf(spec), ...(secrets.length > 0 && { secrets }), volumes };
  const create = async (gpu: string | undefined) => {
    const start = (tags: Record<string, string>) =>
      client.sandboxes.create(app, spec.image, { ...params, tags, ...(gpu && { gpu }) });
    const tags = { ...spec.tags, ...mountTags(mountsOf(spec)) };
    // What Modal takes as tags is not written down: a sandbox that tells less of itself is better than none.
    return start(tags).catch((error) => {
      const plain = plainTags(tags);
      if (isRefusedInput(error) && Object.keys(plain).length < Object.keys(tags).length) return start(plain);
      throw error;
    });
  };
  const { gpu } = spec.profile;
  if (!Array.isArray(gpu)) return create(gpu);
  for (const candidate of gpu.slice(0, -1)) {
    const sandbox = await create(candidate).catch(ifExhausted);
    if (sandbox && (await isScheduled(sandbox))) return sandbox;
    await sandbox?.terminate().catch(() => {});
  }
  return create(gpu.at(-1));
}

/** The part of a profile that needs nothing of the account, in the SDK's words. */
function paramsOf(spec: SandboxSpec): SandboxCreateParams {
  const { profile, name, hostVolume, env } = spec;
  const { cpu, cpuLimit, memoryMiB, memoryLimitMiB, cloud, regions, runtime, timeoutMs, idleTimeoutMs } = profile;
  const { offline, outboundCidrAllowlist, outboundDomainAllowlist, inboundCidrAllowlist } = profile;
  const ports = profile.ports.map(portOf);
  const portsOf = (wanted: string) => ports.filter(({ protocol }) => protocol === wanted).map(({ port }) => port);
  return {
    ...defined({ cpu, cpuLimit, memoryMiB, memoryLimitMiB, cloud, regions, runtime }),
    ...defined({ outboundCidrAllowlist, outboundDomainAllowlist, inboundCidrAllowlist }),
    ...(name && { name }),
    timeoutMs,
    idleTimeoutMs,
    ...(offline && { blockNetwork: true }),
    encryptedPorts: portsOf('encrypted'),
    h2Ports: portsOf('h2'),
    unencryptedPorts: portsOf('plain'),
    env: { ...env },
    // The volume hides what the image has there, so its folders are made as the sandbox starts.
    ...(hostVolume && {
      command: ['sh', '-c', `cd ${HOST_VOLUME_PATH} && mkdir -p ${HOST_FOLDERS.join(' ')}; exec sleep infinity`],
    }),
  };
}

function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

function secretsOf(client: ModalClient, { secrets }: Profile): Promise<Secret[]> {
  return Promise.all(
    secrets.map((name) =>
      client.secrets
        .fromName(name)
        .catch(
          ifMissing(`There is no secret “${name}” in this account. Make it at modal.com/secrets, then run again.`),
        ),
    ),
  );
}

function mountsOf({ profile, hostVolume }: SandboxSpec): Mount[] {
  const mounts = Object.entries(profile.volumes).map(([path, volume]): Mount => {
    const { name, subPath, readOnly } = volumeOf(volume);
    return { path: mountPlace(path), volume: name, subPath, isReadOnly: readOnly };
  });
  return hostVolume ? [...mounts, { path: HOST_VOLUME_PATH, volume: hostVolume, isReadOnly: false }] : mounts;
}

async function volumesOf(client: ModalClient, { profile, hostVolume }: SandboxSpec): Promise<Record<string, Volume>> {
  const wanted = Object.entries(profile.volumes).map(([path, volume]) => [mountPlace(path), volumeOf(volume)] as const);
  const mounted = await Promise.all(
    wanted.map(async ([path, { name, subPath, readOnly, createIfMissing }]) => {
      const missing = `There is no volume “${name}” in this account. Make it, or leave \`createIfMissing\` on, then run again.`;
      const volume = await client.volumes.fromName(name, { createIfMissing }).catch(ifMissing(missing));
      return [path, subPath || readOnly ? volume.withMountOptions(defined({ readOnly, subPath })) : volume] as const;
    }),
  );
  const host = hostVolume ? await client.volumes.fromName(hostVolume, { createIfMissing: true }) : undefined;
  return Object.fromEntries(host ? [[HOST_VOLUME_PATH, host], ...mounted] : mounted);
}

function ifMissing(sentence: string): (error: unknown) => never {
  return (error) => {
    if (isNotFound(error)) throw new UserError(sentence, { cause: error });
    throw error;
  };
}

function ifExhausted(error: unknown): undefined {
  if (error instanceof Error && /ResourceExhausted|RESOURCE_EXHAUSTED/.test(`${error.name} ${error.message}`))
    return undefined;
  throw error;
}

/** Whether Modal finds a place for a sandbox with a GPU in time; its first command waits until then. */
async function isScheduled(sandbox: Sandbox): Promise<boolean> {
  const timer = Promise.withResolvers<false>();
  const timeout = setTimeout(() => timer.resolve(false), GPU_WAIT_MS);
  const started = sandbox.exec(['true'], { stdout: 'ignore', stderr: 'ignore' }).then(
    () => true,
    (error) => ifExhausted(error) ?? false,
  );
  return Promise.race([started, timer.promise]).finally(() => clearTimeout(timeout));
}

/** Ends a sandbox; ending one that has ended already is not an error. */
export async function terminateSandbox(client: ModalClient, sandboxId: string): Promise<void> {
  const sandbox = await client.sandboxes.fromId(sandboxId);
  await sandbox.terminate();
}

/** How long Modal may take to answer. */
const ANSWER_TIMEOUT_MS = 10_000;

/** `GenericResult.GenericStatus` of Modal's api.proto, as far as people are told apart by it. */
const ENDS: Readonly<Record<number, SandboxEnd>> = {
  3: 'terminated',
  4: 'timeout',
  6: 'preempted',
  7: 'idle',
};

/**
 * Throws `SandboxEndedError` when the sandbox has ended, or ends within the time that is waited, which says how; a gRPC
 * error when Modal does not answer.
 */
export async function requireRunning({ cpClient }: ModalClient, sandboxId: string, waitMs: number): Promise<void> {
  const asked = { sandboxId, timeout: waitMs / 1000 };
  const options = { timeoutMs: waitMs + ANSWER_TIMEOUT_MS };
  const { result } = isFirstVersion(sandboxId)
    ? await cpClient.sandboxWait(asked, options)
    : await cpClient.sandboxWaitV2(asked, options);
  if (result?.status) throw new SandboxEndedError(ENDS[result.status] ?? 'exited');
}

/** Gives a sandbox a name for people; `''` takes it away. The other tags stay: `setTags` replaces all of them. */
export async function renameSandbox(client: ModalClient, sandboxId: string, label: string): Promise<void> {
  const sandbox = await client.sandboxes.fromId(sandboxId);
  const { [Tag.label]: _, ...others } = await sandbox.getTags();
  await sandbox.setTags(label === '' ? others : { ...others, [Tag.label]: label });
}

/** Runs a command that does nothing: it counts as activity. Throws when the sandbox has ended. */
export async function touchSandbox(client: ModalClient, sandboxId: string): Promise<void> {
  const sandbox = await client.sandboxes.fromId(sandboxId);
  await (await sandbox.exec(['true'], { stdout: 'ignore', stderr: 'ignore' })).wait();
}
