import type { App, Image, ModalClient, Sandbox, SandboxCreateParams, Secret, Volume } from 'modal';
import { UserError } from '../base/errors.ts';
import { isNotFound, isRefusedInput, SandboxEndedError } from './errors.ts';
import { isFirstVersion } from './exec-router.ts';
import { isMountTag, type Mount, mountTags } from './mounts.ts';
import { sandboxEnd } from './sandbox-ends.ts';

/** A volume to mount in a new sandbox. */
export interface MountParams extends Mount {
  /** Create the volume if it doesn't exist. */
  readonly createIfMissing: boolean;
}

/** The parameters that are passed on to the SDK unchanged. */
type PlainParams = Pick<
  SandboxCreateParams,
  | 'name'
  | 'cpu'
  | 'cpuLimit'
  | 'memoryMiB'
  | 'memoryLimitMiB'
  | 'cloud'
  | 'regions'
  | 'runtime'
  | 'timeoutMs'
  | 'idleTimeoutMs'
  | 'blockNetwork'
  | 'outboundCidrAllowlist'
  | 'outboundDomainAllowlist'
  | 'inboundCidrAllowlist'
  | 'encryptedPorts'
  | 'h2Ports'
  | 'unencryptedPorts'
  | 'command'
>;

/** What a sandbox is started with. */
export interface SandboxParams extends Readonly<PlainParams> {
  readonly image: Image;
  /** GPU types to try in order; empty for a sandbox without a GPU. */
  readonly gpus: readonly string[];
  /** Names of Modal secrets. */
  readonly secrets: readonly string[];
  readonly mounts: readonly MountParams[];
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
export async function createSandbox(client: ModalClient, app: App, params: SandboxParams): Promise<Sandbox> {
  const { image, gpus, secrets: secretNames, mounts, env, tags: ownTags, ...plainParams } = params;
  const [secrets, volumes] = await Promise.all([secretsOf(client, secretNames), volumesOf(client, mounts)]);
  const shared = { ...plainParams, env: { ...env }, ...(secrets.length > 0 && { secrets }), volumes };
  const create = async (gpu: string | undefined) => {
    const start = (tags: Record<string, string>) =>
      client.sandboxes.create(app, image, { ...shared, tags, ...(gpu && { gpu }) });
    const tags = { ...ownTags, ...mountTags(mounts) };
    // What Modal takes as tags is not written down: a sandbox that tells less of itself is better than none.
    return start(tags).catch((error) => {
      const plain = plainTags(tags);
      if (isRefusedInput(error) && Object.keys(plain).length < Object.keys(tags).length) return start(plain);
      throw error;
    });
  };
  for (const candidate of gpus.slice(0, -1)) {
    const sandbox = await create(candidate).catch(ifExhausted);
    if (sandbox && (await isScheduled(sandbox))) return sandbox;
    await sandbox?.terminate().catch(() => {});
  }
  return create(gpus.at(-1));
}

function secretsOf(client: ModalClient, names: readonly string[]): Promise<Secret[]> {
  return Promise.all(
    names.map((name) =>
      client.secrets
        .fromName(name)
        .catch(
          ifMissing(`There is no secret “${name}” in this account. Make it at modal.com/secrets, then run again.`),
        ),
    ),
  );
}

async function volumesOf(client: ModalClient, mounts: readonly MountParams[]): Promise<Record<string, Volume>> {
  const mounted = await Promise.all(
    mounts.map(async ({ path, volume: name, subPath, isReadOnly, createIfMissing }) => {
      const missing = `There is no volume “${name}” in this account. Make it, or leave \`createIfMissing\` on, then run again.`;
      const volume = await client.volumes.fromName(name, { createIfMissing }).catch(ifMissing(missing));
      const options = { readOnly: isReadOnly, ...(subPath && { subPath }) };
      return [path, subPath || isReadOnly ? volume.withMountOptions(options) : volume] as const;
    }),
  );
  // A volume that is mounted inside another one comes after it.
  return Object.fromEntries(mounted.sort(([one], [other]) => (one < other ? -1 : 1)));
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
  if (result?.status) throw new SandboxEndedError(sandboxEnd(result.status));
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
