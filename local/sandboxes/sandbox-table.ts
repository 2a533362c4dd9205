/** All sandboxes: the running ones, and the records of those that have stopped. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Pipes } from '../execs/pipes.ts';
import { failedPrecondition, notFound } from '../grpc/status.ts';
import { EndStatus, NetworkAccess, type SandboxDefinition } from '../grpc/wire.ts';
import { STANDARD_PATH } from '../images/image-build.ts';
import type { Images } from '../images/images.ts';
import type { NetworkAccess as ContainerAccess, Isolation } from '../isolation/container.ts';
import { removeTree } from '../isolation/remove-tree.ts';
import { environmentNamed } from '../state/environments.ts';
import { newSandboxId, newTaskId } from '../state/ids.ts';
import { type AppRecord, type ImageRecord, nowSecs, type SandboxRecord, type Store } from '../state/store.ts';
import { GpuQueue } from './gpu-queue.ts';
import { assertNameFree, endResult, Sandbox } from './sandbox.ts';
import { MAIN_CONTAINER, SandboxContainer } from './sandbox-container.ts';
import { assertSandboxDefinition, hasExitSnapshot } from './sandbox-definition.ts';

/** The kernel accepts the options of a mount up to a length of 4096 bytes. */
const MAX_LAYERS = 200;
/** The number of records of stopped sandboxes that are kept. */
const MAX_ENDED_RECORDS = 1000;
/** The time for which the output of commands can be read after their sandbox has stopped. */
const OUTPUT_RETENTION_MS = 10 * 60_000;

export interface SandboxRequest {
  readonly app: AppRecord;
  readonly definition: SandboxDefinition;
  readonly tags: Readonly<Record<string, string>>;
  /** The variables of its secrets. */
  readonly secretEnv: Readonly<Record<string, string>>;
  readonly version: 1 | 2;
}

/** Called during the lifecycle of a sandbox. */
export interface SandboxHooks {
  /** The root exists, and nothing runs in it yet. */
  prepared(sandbox: Sandbox, main: SandboxContainer): Promise<void>;
  started(sandbox: Sandbox): Promise<void>;
  /** The processes have stopped, and the root still exists. */
  beforeRemoval(sandbox: Sandbox): Promise<void>;
}

export class SandboxTable {
  /** A delay that is added to each start, for tests of slow starts. */
  coldStartMs = 0;
  /** The number of sandboxes in one page of a list. */
  pageSize = 100;
  readonly gpuQueue = new GpuQueue();
  readonly #store: Store;
  readonly #images: Images;
  readonly #tools: { isolation: Isolation; pipes: Pipes };
  readonly #hooks: SandboxHooks;
  readonly #folder: string;
  readonly #live = new Map<string, Sandbox>();
  #lastCreatedAt = 0;

  constructor(
    store: Store,
    images: Images,
    dataFolder: string,
    tools: { isolation: Isolation; pipes: Pipes },
    hooks: SandboxHooks,
  ) {
    this.#hooks = hooks;
    this.#store = store;
    this.#images = images;
    this.#folder = join(dataFolder, 'sandboxes');
    this.#tools = tools;
  }

  /** Marks the sandboxes of an earlier server as terminated, and removes their files after `rescue`. */
  async recover(rescue: (record: SandboxRecord, folder: string) => Promise<void>): Promise<void> {
    for (const record of this.records()) {
      record.result ??= endResult(EndStatus.terminated, 0, 'Local Modal was restarted');
      record.finishedAt ??= nowSecs();
      await rescue(record, join(this.#folder, record.id)).catch(() => {});
    }
    await removeTree(this.#folder);
    await this.#store.save();
  }

  records(): SandboxRecord[] {
    return Object.values(this.#store.state.sandboxes);
  }

  /** Returns the sandboxes in memory: those that are running or have stopped recently. */
  live(): Sandbox[] {
    return [...this.#live.values()];
  }

  /** Returns a sandbox's record. Throws NOT_FOUND. */
  record(sandboxId: string): SandboxRecord {
    const record = this.#store.state.sandboxes[sandboxId];
    if (!record) throw notFound(`Sandbox with ID ${sandboxId} not found`);
    return record;
  }

  get(sandboxId: string): Sandbox | undefined {
    return this.#live.get(sandboxId);
  }

  /** Returns the sandbox in memory with this task. Throws NOT_FOUND. */
  withTask(taskId: string): Sandbox {
    for (const sandbox of this.#live.values()) if (sandbox.record.taskId === taskId) return sandbox;
    throw notFound(`Task ${taskId} not found`);
  }

  /**
   * Starts a sandbox, or puts it into the queue for its GPU. Throws ALREADY_EXISTS if its name is in use, NOT_FOUND for its image, and INVALID_ARGUMENT for its
   * definition.
   */
  async create(request: SandboxRequest): Promise<Sandbox> {
    const { definition, app, version } = request;
    assertSandboxDefinition(definition);
    const image = this.#images.get(definition.imageId);
    if (image.layers.length > MAX_LAYERS) {
      throw failedPrecondition(`Image ${image.id} has ${image.layers.length} layers, more than ${MAX_LAYERS}`);
    }
    if (definition.name) assertNameFree(this.records(), app.id, definition.name);
    const record: SandboxRecord = {
      id: newSandboxId(version),
      taskId: newTaskId(version),
      version,
      appId: app.id,
      environment: app.environment,
      name: definition.name,
      tags: { ...request.tags },
      imageId: image.id,
      createdAt: this.#uniqueTime(),
      timeoutSecs: definition.timeoutSecs || 300,
      idleTimeoutSecs: definition.idleTimeoutSecs,
      regions: definition.schedulerPlacement?.regions ?? [],
      gpuType: definition.resources?.gpuConfig?.gpuType ?? '',
      milliCpu: definition.resources?.milliCpu ?? 0,
      memoryMb: definition.resources?.memoryMb ?? 0,
      hasExitSnapshot: hasExitSnapshot(definition),
    };
    const folder = join(this.#folder, record.id);
    const sandbox = new Sandbox(record, definition, folder, {
      beforeRemoval: (stopping) => this.#hooks.beforeRemoval(stopping),
      afterStop: (stopped) => this.#onStopped(stopped),
    });
    this.#store.state.sandboxes[record.id] = record;
    this.#live.set(record.id, sandbox);
    const env = this.#environment(record, request, image.env);
    if (this.gpuQueue.mustWait(sandbox)) {
      const starting = this.gpuQueue.admit(sandbox, () => this.#bringUp(sandbox, image, env));
      starting.catch((error) => sandbox.finish(endResult(EndStatus.initFailure, 1, String(error))));
      return sandbox;
    }
    try {
      await this.#bringUp(sandbox, image, env);
      return sandbox;
    } catch (error) {
      await sandbox.finish(endResult(EndStatus.initFailure, 1, String(error)));
      this.#live.delete(record.id);
      delete this.#store.state.sandboxes[record.id];
      throw error;
    }
  }

  async #bringUp(sandbox: Sandbox, image: ImageRecord, env: Record<string, string>): Promise<void> {
    const main = await this.#start(sandbox, image, env);
    await this.#hooks.prepared(sandbox, main);
    await sandbox.begin(main);
    await this.#store.save();
    void this.#hooks.started(sandbox);
  }

  async #start(sandbox: Sandbox, image: ImageRecord, env: Record<string, string>): Promise<SandboxContainer> {
    const { definition, folder } = sandbox;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (this.coldStartMs > 0) await pause(this.coldStartMs);
    const container = await this.#tools.isolation.start({
      folder,
      layers: this.#images.layerFolders(image),
      network: networkOf(definition),
      runtime: runtimeOf(definition),
      limits: {
        memoryMiB: definition.resources?.memoryMbMax || undefined,
        cpus: definition.resources?.milliCpuMax ? definition.resources.milliCpuMax / 1000 : undefined,
      },
    });
    return new SandboxContainer({
      id: MAIN_CONTAINER,
      container,
      image,
      folder,
      env,
      workdir: definition.workdir ?? image.workdir ?? '/',
      pipes: this.#tools.pipes,
      onActivity: () => sandbox.touch(),
    });
  }

  #environment(
    record: SandboxRecord,
    { definition, secretEnv }: SandboxRequest,
    imageEnv: Readonly<Record<string, string>>,
  ): Record<string, string> {
    return {
      PATH: STANDARD_PATH,
      HOME: '/root',
      ...imageEnv,
      MODAL_SANDBOX_ID: record.id,
      MODAL_TASK_ID: record.taskId,
      MODAL_IMAGE_ID: record.imageId,
      MODAL_ENVIRONMENT: record.environment,
      MODAL_REGION: record.regions[0] ?? 'local',
      MODAL_CLOUD_PROVIDER: 'CLOUD_PROVIDER_LOCAL',
      ...(definition.includeOidcIdentityToken ? { MODAL_IDENTITY_TOKEN: 'local.identity.token' } : {}),
      ...definition.environmentVariables?.contents,
      ...secretEnv,
    };
  }

  /** Returns the time, and never the same one twice, because lists are paged by creation time. */
  #uniqueTime(): number {
    this.#lastCreatedAt = Math.max(nowSecs(), this.#lastCreatedAt + 0.00001);
    return this.#lastCreatedAt;
  }

  async #onStopped(sandbox: Sandbox): Promise<void> {
    const forget = setTimeout(() => this.#forget(sandbox), OUTPUT_RETENTION_MS);
    forget.unref();
    for (const side of ['up', 'work', 'root', 'mounts', 'volumes', 'sidecars']) {
      await removeTree(join(sandbox.folder, side)).catch(() => {});
    }
    const ended = this.records().filter((record) => record.result);
    ended.sort((one, other) => one.createdAt - other.createdAt);
    for (const old of ended.slice(0, Math.max(0, ended.length - MAX_ENDED_RECORDS))) {
      delete this.#store.state.sandboxes[old.id];
    }
    await this.#store.save();
  }

  async #forget(sandbox: Sandbox): Promise<void> {
    this.#live.delete(sandbox.record.id);
    for (const exec of sandbox.execs.values()) await (await exec.catch(() => undefined))?.dispose();
    for (const { entrypoint } of sandbox.allContainers()) await entrypoint?.dispose();
    await removeTree(sandbox.folder).catch(() => {});
  }

  /** Terminates all sandboxes, or those whose record matches. */
  async terminateAll(matches: (record: SandboxRecord) => boolean = () => true): Promise<void> {
    await Promise.all(
      this.live()
        .filter(({ record }) => matches(record))
        .map((sandbox) => sandbox.finish(endResult(EndStatus.terminated))),
    );
  }

  /** Returns true while a running sandbox uses this layer. */
  usesLayer(layer: string): boolean {
    return this.live().some(
      (sandbox) =>
        sandbox.running &&
        sandbox
          .allContainers()
          .some(
            ({ setup, imageMounts }) =>
              setup.image.layers.includes(layer) ||
              [...imageMounts.values()].some(({ layers }) => layers.includes(layer)),
          ),
    );
  }

  runningIn(appId: string): number {
    return this.records().filter((record) => record.appId === appId && !record.result).length;
  }

  terminateAllIn(appId: string): Promise<void> {
    return this.terminateAll((record) => record.appId === appId);
  }

  /** Returns the records that match a filter, newest first. */
  list(filter: {
    appId: string;
    environmentName: string;
    includeFinished: boolean;
    tags: readonly { tagName: string; tagValue: string }[];
    /** Only sandboxes that were created before this time, in seconds. 0 means no limit. */
    beforeTimestamp: number;
  }): SandboxRecord[] {
    const environment = filter.appId ? undefined : environmentNamed(this.#store, filter.environmentName).name;
    return this.records()
      .filter((record) => (filter.appId ? record.appId === filter.appId : record.environment === environment))
      .filter((record) => filter.includeFinished || !record.result)
      .filter((record) => filter.beforeTimestamp === 0 || record.createdAt < filter.beforeTimestamp)
      .filter((record) => filter.tags.every(({ tagName, tagValue }) => record.tags[tagName] === tagValue))
      .sort((one, other) => other.createdAt - one.createdAt);
  }
}

/** Returns the runtime that a sandbox asks for. There are no virtual machines (`vm`) here. */
export function runtimeOf({ runtime }: SandboxDefinition): 'gvisor' | undefined {
  return runtime === 'gvisor' ? runtime : undefined;
}

/** Returns what a sandbox may reach. An allowlist that contains everything is none. */
export function networkOf({ networkAccess, blockNetwork }: SandboxDefinition): ContainerAccess {
  if (blockNetwork || networkAccess?.networkAccessType === NetworkAccess.blocked) return 'none';
  if (networkAccess?.networkAccessType !== NetworkAccess.allowlist) return 'open';
  const { allowedCidrs: cidrs, allowedDomains: domains } = networkAccess;
  return cidrs.includes('0.0.0.0/0') || domains.includes('*') ? 'open' : { cidrs, domains };
}
