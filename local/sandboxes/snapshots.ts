/**
 * Snapshots, and images that are mounted over directories. The changes to a root are in a separate folder, so a snapshot
 * copies only those, and adds them as a layer to the layers of the image.
 */
import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { failedPrecondition, invalidArgument, notFound } from '../grpc/status.ts';
import type { Router } from '../grpc/wire.ts';
import type { Images } from '../images/images.ts';
import { Jail } from '../isolation/jail.ts';
import { newFolderName, newId } from '../state/ids.ts';
import { type ImageRecord, nowSecs, type SandboxRecord } from '../state/store.ts';
import type { ContainerSetup, SandboxContainer } from './sandbox-container.ts';
import type { SandboxTable } from './sandbox-table.ts';

/** The value of `ttlSeconds` for a snapshot that doesn't expire. */
const NO_EXPIRY = -1;

interface SnapshotOptions {
  readonly ttlSeconds: number | undefined;
  readonly key: Uint8Array | undefined;
}

function expiry(ttlSeconds: number | undefined): number | undefined {
  if (!ttlSeconds || (ttlSeconds < 0 && ttlSeconds !== NO_EXPIRY)) {
    throw invalidArgument('Snapshot TTL must be at least one second, or -1 for no expiry');
  }
  return ttlSeconds === NO_EXPIRY ? undefined : nowSecs() + ttlSeconds;
}

const digest = (key: Uint8Array | undefined) => key && createHash('sha256').update(key).digest('hex');

export class Snapshots {
  readonly #images: Images;

  constructor(images: Images) {
    this.#images = images;
  }

  /** Takes a snapshot of the root, without mounts. */
  async filesystem({ setup }: SandboxContainer, options: SnapshotOptions): Promise<ImageRecord> {
    const expiresAt = expiry(options.ttlSeconds);
    const layer = newFolderName();
    await copyOut(setup, new Jail(setup.container.changes), '/', join(this.#images.layersFolder, layer));
    return this.#saveLayer(setup.image, layer, { expiresAt, keyDigest: digest(options.key) });
  }

  /** Turns the changes to the root of a sandbox of an earlier server into a snapshot. Throws if they or its image are gone. */
  async rescued({ imageId }: SandboxRecord, changes: string, ttlSeconds: number): Promise<ImageRecord> {
    const image = this.#images.get(imageId);
    const layer = newFolderName();
    await rename(changes, join(this.#images.layersFolder, layer));
    return this.#saveLayer(image, layer, { expiresAt: expiry(ttlSeconds) });
  }

  #saveLayer(
    { layers, env, workdir, user, builderVersion }: ImageRecord,
    layer: string,
    options: Pick<ImageRecord, 'expiresAt' | 'keyDigest'>,
  ): Promise<ImageRecord> {
    const inherited = { env, workdir, user, builderVersion };
    return this.#save({ kind: 'filesystem', layers: [...layers, layer], ...inherited, ...options });
  }

  /**
   * Takes a snapshot of a directory and its contents. If an image is mounted there, only the changes are copied. Throws
   * NOT_FOUND if the directory doesn't exist.
   */
  async directory(container: SandboxContainer, file: string, options: SnapshotOptions): Promise<ImageRecord> {
    const expiresAt = expiry(options.ttlSeconds);
    const at = realDirectory(container, file);
    const layer = newFolderName();
    const to = join(this.#images.layersFolder, layer, 'root');
    const mounted = container.imageMounts.get(at);
    if (mounted) await copyOut(container.setup, new Jail(mounted.upper), '/', to);
    else await copyOut(container.setup, new Jail(container.root), at, to);
    return this.#save({
      kind: 'directory',
      layers: [...(mounted?.layers ?? []), layer],
      env: {},
      builderVersion: container.setup.image.builderVersion,
      expiresAt,
      keyDigest: digest(options.key),
    });
  }

  async #save(content: Omit<ImageRecord, 'id' | 'createdAt'>): Promise<ImageRecord> {
    const image = { id: newId('im'), createdAt: nowSecs(), ...content };
    await this.#images.add(image);
    return image;
  }

  /**
   * Mounts an image, or an empty directory, over a directory. Throws NOT_FOUND for the image, and FAILED_PRECONDITION
   * without its encryption key.
   */
  async mount(container: SandboxContainer, file: string, imageId: string, key: Uint8Array | undefined): Promise<void> {
    const image = imageId ? this.#images.get(imageId) : undefined;
    if (image?.keyDigest && image.keyDigest !== digest(key)) {
      throw failedPrecondition(`Image ${imageId} is encrypted with a different key`);
    }
    new Jail(container.root).mkdirs(file);
    const at = realDirectory(container, file);
    const folder = join(container.setup.folder, 'mounts', newFolderName());
    const [upper, work, empty] = ['up', 'work', 'empty'].map((name) => join(folder, name));
    if (!upper || !work || !empty) return;
    for (const each of [upper, work, empty]) await mkdir(each, { recursive: true });
    const layers = image?.layers ?? [];
    const lower = layers.map((layer) => join(this.#images.layersFolder, layer, 'root'));
    await container.setup.container.mounts.mount({
      lower: lower.length > 0 ? lower : [empty],
      upper,
      work,
      target: at,
    });
    container.imageMounts.set(at, { layers, upper });
  }

  /** Unmounts an image. Throws NOT_FOUND if no image is mounted there. */
  async unmount(container: SandboxContainer, file: string): Promise<void> {
    const at = realDirectory(container, file);
    if (!container.imageMounts.has(at)) throw notFound(`No image is mounted at ${file}`);
    container.imageMounts.delete(at);
    await container.setup.container.mounts.unmount(at, { lazy: true });
  }
}

async function copyOut({ container }: ContainerSetup, jail: Jail, from: string, to: string): Promise<void> {
  const folder = jail.openDirectory(from);
  try {
    await container.mounts.copyOut(folder, to);
  } finally {
    closeSync(folder);
  }
}

/** Resolves the path of a directory. Throws NOT_FOUND, or INVALID_ARGUMENT if it isn't an absolute path of a directory. */
function realDirectory(container: SandboxContainer, file: string): string {
  if (!file.startsWith('/')) throw invalidArgument(`Path must be absolute: ${file}`);
  const jail = new Jail(container.root);
  try {
    if (jail.stat(file).isDirectory()) return jail.realpath(file);
  } catch {
    throw notFound(`Directory ${file} not found`);
  }
  throw invalidArgument(`${file} is not a directory`);
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

export function snapshotsRouter(table: SandboxTable, snapshots: Snapshots) {
  /** By the ID that the client chose, so that a repeated call doesn't take a second snapshot. */
  const snapshotsById = new Map<string, Promise<ImageRecord>>();

  async function once(snapshotId: string, take: () => Promise<ImageRecord>): Promise<{ imageId: string }> {
    const known = snapshotId ? snapshotsById.get(snapshotId) : undefined;
    if (known) return { imageId: (await known).id };
    const taking = take();
    if (snapshotId) {
      snapshotsById.set(snapshotId, taking);
      taking.catch(() => snapshotsById.delete(snapshotId));
    }
    return { imageId: (await taking).id };
  }

  return {
    async taskSnapshotFilesystem({ taskId, containerId, snapshotId, ttlSeconds, customerSuppliedEncryptionKey: key }) {
      const container = table.withTask(taskId).container(containerId);
      return once(snapshotId, () => snapshots.filesystem(container, { ttlSeconds, key }));
    },
    async taskSnapshotDirectory({ taskId, containerId, path: file, snapshotId, ttlSeconds, ...rest }) {
      const container = table.withTask(taskId).container(containerId);
      const options = { ttlSeconds, key: rest.customerSuppliedEncryptionKey };
      return once(snapshotId, () => snapshots.directory(container, text(file), options));
    },
    async taskMountDirectory({ taskId, containerId, path: file, imageId, customerSuppliedEncryptionKey: key }) {
      await snapshots.mount(table.withTask(taskId).container(containerId), text(file), imageId, key);
      return {};
    },
    async taskUnmountDirectory({ taskId, containerId, path: file }) {
      await snapshots.unmount(table.withTask(taskId).container(containerId), text(file));
      return {};
    },
  } satisfies Partial<Router>;
}
