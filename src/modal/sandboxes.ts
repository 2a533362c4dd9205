import type { App, Image, ModalClient, Sandbox, SandboxCreateParams, Secret, Volume } from 'modal';
import { DAY_MS, MINUTE_MS } from '../base/clock.ts';
import { type ActionId, UserError } from '../base/errors.ts';
import { isNotFound, isRefusedInput, SandboxEndedError } from './errors.ts';
import { isFirstVersion } from './exec-router.ts';
import { EXIT_SNAPSHOT_OPTION, isOptionRefused } from './exit-snapshots.ts';
import { isMountTag, type Mount, mountTags } from './mounts.ts';
import { sandboxEnd } from './sandbox-ends.ts';
import { NotScheduledError, type StartWatch, startWithin } from './sandbox-start.ts';
import { START_TAG, type StartOptions, startNoted, terminateNoted } from './start-notes.ts';
import { strings } from './strings.ts';

/** Modal's limit for the lifetime of a sandbox. https://modal.com/docs/guide/sandboxes */
export const MAX_LIFETIME_MS = DAY_MS;

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

/** The parameters that a sandbox is started with. */
export interface SandboxParams extends Readonly<PlainParams>, StartOptions {
  readonly image: Image;
  /** GPU types to try in order; empty for a sandbox without a GPU. */
  readonly gpus: readonly string[];
  /** Names of Modal secrets. */
  readonly secrets: readonly string[];
  readonly mounts: readonly MountParams[];
  readonly env: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  /** Save the file system when the sandbox ends, if the account has that. */
  readonly savesAtExit?: boolean;
}

/** Tags by which the extension recognizes its own sandboxes. */
export const Tag = {
  folder: 'vscode-folder',
  folderName: 'vscode-folder-name',
  /** The profile that it was started with. */
  profile: 'vscode-profile',
  /** The computer and user that started it. */
  machine: 'vscode-machine',
  /** A hash of the profile at the time of the start. */
  definition: 'vscode-definition',
  /** The VS Code window that uses it. */
  window: 'vscode-window',
  /** The name that the user gave it. */
  label: 'vscode-label',
  /** The snapshot it was started from. */
  snapshot: 'vscode-snapshot',
  /** The ID of a run whose program outlives its window. Local Modal keeps running while there is such a sandbox. */
  detached: 'vscode-detached',
  /** The ID of its start. */
  start: START_TAG,
} as const;

const OWN_TAGS: readonly string[] = Object.values(Tag);

/** True for the extension's own tags, which users don't need to see. */
export function isOwnTag(name: string): boolean {
  return OWN_TAGS.includes(name) || isMountTag(name);
}

/** Omits the extension's own tags, except for the name that the user gave. */
export function userTags(tags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).filter(([name]) => name === Tag.label || !isOwnTag(name)));
}

/**
 * Omits mounts, and those of the extension's own tags whose values aren't allowed in the tags of Modal's apps
 * (`check_tag_dict`, see mounts.ts).
 */
function plainTags(tags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tags).filter(
      ([name, value]) => !isOwnTag(name) || (!isMountTag(name) && /^[\w.-]{1,63}$/.test(value)),
    ),
  );
}

/** The time to wait for a GPU before trying the next one in the list. */
const GPU_WAIT_MS = MINUTE_MS;

/** The sandbox stops a command that does nothing after this time. Its programs may have been replaced. */
const NO_OP_TIMEOUT_MS = 30_000;

/** Finds or creates the app that sandboxes belong to. Throws `ClientError`. */
export function openApp(client: ModalClient, name: string): Promise<App> {
  return client.apps.fromName(name, { createIfMissing: true });
}

/**
 * Starts a sandbox, with the first of its GPU types that is available. Throws `UserError` for a secret or volume that
 * doesn't exist, the signal's reason, and the SDK's errors.
 */
export async function createSandbox(
  client: ModalClient,
  app: App,
  params: SandboxParams,
  watch: StartWatch = {},
): Promise<Sandbox> {
  const { image, gpus, secrets: secretNames, mounts, env, tags: ownTags, isTemporary = false, ...rest } = params;
  const { savesAtExit = false, ...plainParams } = rest;
  const [secrets, volumes] = await Promise.all([secretsOf(client, secretNames), volumesOf(client, mounts)]);
  const shared = { ...plainParams, env: { ...env }, ...(secrets.length > 0 && { secrets }), volumes };
  const create = async (gpu: string | undefined) => {
    const startWith = (all: SandboxCreateParams) => startNoted(client, app, image, all, { isTemporary });
    const start = async (tags: Record<string, string>) => {
      const all = { ...shared, tags, ...(gpu && { gpu }) };
      if (!savesAtExit) return startWith(all);
      return startWith({ ...all, experimentalOptions: EXIT_SNAPSHOT_OPTION }).catch((error) => {
        if (isRefusedInput(error) && isOptionRefused(error)) return startWith(all);
        throw error;
      });
    };
    const tags = { ...ownTags, ...mountTags(mounts) };
    // Modal doesn't document which tags it accepts. A sandbox with fewer tags is better than none.
    return start(tags).catch((error) => {
      const plain = plainTags(tags);
      if (isRefusedInput(error) && Object.keys(plain).length < Object.keys(tags).length) return start(plain);
      throw error;
    });
  };
  const terminate = async (sandboxId: string) => terminateNoted(client, await client.sandboxes.fromId(sandboxId));
  for (const gpu of gpus.slice(0, -1)) {
    const call = { ...watch, start: () => create(gpu), terminate, waitMs: GPU_WAIT_MS };
    const sandbox = await startWithin(call).catch(ifUnavailable);
    if (sandbox) return sandbox;
  }
  return startWithin({ ...watch, start: () => create(gpus.at(-1)), terminate });
}

function secretsOf(client: ModalClient, names: readonly string[]): Promise<Secret[]> {
  return Promise.all(
    names.map((name) =>
      client.secrets.fromName(name).catch(ifMissing(strings.missingSecret(name), 'showSecrets', 'showProfile')),
    ),
  );
}

async function volumesOf(client: ModalClient, mounts: readonly MountParams[]): Promise<Record<string, Volume>> {
  const mounted = await Promise.all(
    mounts.map(async ({ path, volume: name, subPath, isReadOnly, createIfMissing }) => {
      const finding = client.volumes.fromName(name, { createIfMissing });
      const volume = await finding.catch(ifMissing(strings.missingVolume(name), 'showProfile'));
      const options = { readOnly: isReadOnly, ...(subPath && { subPath }) };
      return [path, subPath || isReadOnly ? volume.withMountOptions(options) : volume] as const;
    }),
  );
  // Sorted by path, so that a nested mount comes after the volume that contains it.
  return Object.fromEntries(mounted.sort(([one], [other]) => (one < other ? -1 : 1)));
}

function ifMissing(message: string, ...actions: ActionId[]): (error: unknown) => never {
  return (error) => {
    if (isNotFound(error)) throw new UserError(message, { cause: error, actions });
    throw error;
  };
}

function ifUnavailable(error: unknown): undefined {
  if (error instanceof NotScheduledError) return undefined;
  if (error instanceof Error && /ResourceExhausted|RESOURCE_EXHAUSTED/.test(`${error.name} ${error.message}`))
    return undefined;
  throw error;
}

/** Terminates a sandbox. It's not an error if it has already stopped. */
export async function terminateSandbox(client: ModalClient, sandboxId: string): Promise<void> {
  const sandbox = await client.sandboxes.fromId(sandboxId);
  await sandbox.terminate();
}

/** The maximum time for Modal to respond. */
const RESPONSE_TIMEOUT_MS = 10_000;

/**
 * Throws `SandboxEndedError` if the sandbox has stopped, or stops within `waitMs`, and a gRPC error if Modal doesn't
 * respond.
 */
export async function requireRunning({ cpClient }: ModalClient, sandboxId: string, waitMs: number): Promise<void> {
  const asked = { sandboxId, timeout: waitMs / 1000 };
  const options = { timeoutMs: waitMs + RESPONSE_TIMEOUT_MS };
  const { result } = isFirstVersion(sandboxId)
    ? await cpClient.sandboxWait(asked, options)
    : await cpClient.sandboxWaitV2(asked, options);
  if (result?.status) throw new SandboxEndedError(sandboxEnd(result.status));
}

/**
 * Sets the name that a sandbox is shown under; `''` removes it. Keeps the other tags, all of which `setTags` replaces.
 */
export async function renameSandbox(client: ModalClient, sandboxId: string, label: string): Promise<void> {
  const sandbox = await client.sandboxes.fromId(sandboxId);
  const { [Tag.label]: _, ...others } = await sandbox.getTags();
  await sandbox.setTags(label === '' ? others : { ...others, [Tag.label]: label });
}

/** Runs a no-op command, which counts as activity. Throws if the sandbox has stopped. */
export async function touchSandbox(client: ModalClient, sandboxId: string): Promise<void> {
  const sandbox = await client.sandboxes.fromId(sandboxId);
  await (await sandbox.exec(['true'], { stdout: 'ignore', stderr: 'ignore', timeoutMs: NO_OP_TIMEOUT_MS })).wait();
}
