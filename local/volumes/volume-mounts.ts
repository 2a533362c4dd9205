/**
 * Volumes in sandboxes. A mount shows the volume as of the time when it was mounted or last reloaded, with the sandbox's own
 * changes on top. Changes are committed every few seconds, on reload, and when the sandbox stops.
 */
import { mkdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { failedPrecondition, invalidArgument } from '../grpc/status.ts';
import type { Router, SandboxDefinition } from '../grpc/wire.ts';
import { Jail } from '../isolation/jail.ts';
import type { Sandbox } from '../sandboxes/sandbox.ts';
import type { SandboxContainer } from '../sandboxes/sandbox-container.ts';
import type { SandboxTable } from '../sandboxes/sandbox-table.ts';
import { newFolderName } from '../state/ids.ts';
import { applyChanges, CommittedChanges, findChanges } from './volume-commit.ts';
import type { HeldVersion, VolumeStore } from './volume-store.ts';

const COMMIT_INTERVAL_MS = 2000;
/** The pause after a commit is at least this many times as long as the commit. */
const REST_FACTOR = 5;

type MountRequest = SandboxDefinition['volumeMounts'][number];

interface Mounted {
  readonly request: MountRequest;
  /** The absolute path in the volume. */
  readonly subPath: string;
  held: HeldVersion;
  /** The host folder with the sandbox's changes. Undefined for a read-only mount. */
  upper: string | undefined;
  committed: CommittedChanges;
}

/** Normalizes a path in a volume. Throws INVALID_ARGUMENT if it contains `..`. */
export function volumePath(file: string): string {
  if (file.split('/').includes('..')) throw invalidArgument(`Volume path must not contain '..': ${file}`);
  return posix.resolve('/', file);
}

export class VolumeMounts {
  readonly #volumes: VolumeStore;
  readonly #mounted = new Map<SandboxContainer, Mounted[]>();
  readonly #committing = new Map<Sandbox, Promise<void>>();

  constructor(volumes: VolumeStore) {
    this.#volumes = volumes;
  }

  /** Mounts the volumes in a sandbox's definition. Throws NOT_FOUND or INVALID_ARGUMENT. */
  async attach(sandbox: Sandbox, container: SandboxContainer): Promise<void> {
    const mounted: Mounted[] = [];
    this.#mounted.set(container, mounted);
    for (const request of sandbox.definition.volumeMounts) mounted.push(await this.#attach(container, request));
    if (!mounted.some(({ upper }) => upper)) return;
    void this.#commitRegularly(sandbox, container);
  }

  /** Commits at intervals until the sandbox stops, and less often if a commit takes long. */
  async #commitRegularly(sandbox: Sandbox, container: SandboxContainer): Promise<void> {
    const stopped = new AbortController();
    void sandbox.ended.then(() => stopped.abort());
    let tookMs = 0;
    while (sandbox.running) {
      await pause(Math.max(COMMIT_INTERVAL_MS, tookMs * REST_FACTOR), undefined, { signal: stopped.signal }).catch(
        () => {},
      );
      if (!sandbox.running) return;
      const before = performance.now();
      await this.commit(sandbox, container).catch((error) =>
        process.stderr.write(`Could not commit a volume: ${error}\n`),
      );
      tookMs = performance.now() - before;
    }
  }

  async #attach(container: SandboxContainer, request: MountRequest): Promise<Mounted> {
    if (!request.mountPath.startsWith('/'))
      throw invalidArgument(`Volume mount path must be absolute: ${request.mountPath}`);
    this.#volumes.record(request.volumeId);
    const subPath = volumePath(request.subPath ?? '/');
    if (subPath !== '/') {
      await this.#volumes.change(request.volumeId, async (folder) => new Jail(folder).mkdirs(subPath));
    }
    const mounted: Mounted = {
      request,
      subPath,
      held: await this.#volumes.hold(request.volumeId),
      upper: undefined,
      committed: new CommittedChanges(),
    };
    await this.#mount(container, mounted);
    return mounted;
  }

  async #mount(container: SandboxContainer, mounted: Mounted): Promise<void> {
    const { held, subPath, request } = mounted;
    const source = join(held.folder, new Jail(held.folder).realpath(subPath));
    const target = request.mountPath;
    if (request.readOnly) return container.setup.container.mounts.mount({ source, target, readOnly: true });
    const own = join(container.setup.folder, 'volumes', newFolderName());
    const upper = join(own, 'up');
    const work = join(own, 'work');
    for (const each of [upper, work]) await mkdir(each, { recursive: true });
    await container.setup.container.mounts.mount({ lower: [source], upper, work, target });
    mounted.upper = upper;
    mounted.committed = new CommittedChanges();
  }

  /** Commits the sandbox's changes since the last commit. */
  commit(sandbox: Sandbox, container: SandboxContainer): Promise<void> {
    const running = this.#committing.get(sandbox) ?? Promise.resolve();
    const next = running.then(() => this.#commit(container));
    this.#committing.set(
      sandbox,
      next.catch(() => {}),
    );
    return next;
  }

  async #commit(container: SandboxContainer): Promise<void> {
    for (const { request, subPath, held, upper, committed } of this.#mounted.get(container) ?? []) {
      if (!upper) continue;
      const layers = {
        lower: join(held.folder, new Jail(held.folder).realpath(subPath)),
        upper,
        merged: join(container.root, new Jail(container.root).realpath(request.mountPath)),
      };
      const changes = await findChanges(layers, committed);
      if (changes.puts.length + changes.deletes.length === 0) continue;
      await this.#volumes.change(request.volumeId, async (folder) => {
        const target = new Jail(folder);
        target.mkdirs(subPath);
        const inside = new Jail(join(folder, target.realpath(subPath)));
        await applyChanges(this.#volumes, inside, new Jail(upper), changes, committed);
      });
    }
  }

  /**
   * Commits, and then mounts the current content of the volumes. Throws FAILED_PRECONDITION while files in a volume are
   * open.
   */
  async reload(sandbox: Sandbox, container: SandboxContainer): Promise<void> {
    await this.commit(sandbox, container);
    for (const mounted of this.#mounted.get(container) ?? []) {
      const { held, request } = mounted;
      if (this.#volumes.currentFolder(request.volumeId) === held.folder) continue;
      await container.setup.container.mounts.unmount(request.mountPath, { lazy: false }).catch((error) => {
        throw failedPrecondition(`There are open files preventing the volume from being reloaded: ${error.message}`);
      });
      mounted.held = await this.#volumes.hold(request.volumeId);
      await this.#mount(container, mounted);
      await this.#volumes.release(held);
    }
  }

  /** Commits the last changes of a sandbox whose processes have stopped. */
  async detach(sandbox: Sandbox): Promise<void> {
    for (const container of sandbox.allContainers()) {
      await this.commit(sandbox, container);
      const mounted = this.#mounted.get(container) ?? [];
      this.#mounted.delete(container);
      void sandbox.ended.then(() => Promise.all(mounted.map(({ held }) => this.#volumes.release(held))));
    }
  }
}

export function volumeMountsRouter(table: SandboxTable, mounts: VolumeMounts) {
  return {
    async taskReloadVolumes({ taskId, containerId }) {
      const sandbox = table.withTask(taskId);
      await mounts.reload(sandbox, sandbox.container(containerId));
      return {};
    },
  } satisfies Partial<Router>;
}
