/**
 * Snapshots, and images mounted over directories. A root's changes since its image lie in a folder of their own, so a
 * snapshot of it copies those and nothing else, and puts them on top of the image's layers.
 */
import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { failedPrecondition, invalidArgument, notFound } from '../grpc/status.ts';
import type { Router } from '../grpc/wire.ts';
import type { Images } from '../images/images.ts';
import { Jail } from '../isolation/jail.ts';
import { newId, newLayerName } from '../state/ids.ts';
import { type ImageRecord, nowSecs } from '../state/store.ts';
import type { ContainerParts, SandboxContainer } from './sandbox-container.ts';
import type { SandboxTable } from './sandbox-table.ts';

/** `ttlSeconds` of a snapshot that is kept until it is deleted. */
const NO_EXPIRY = -1;

interface SnapshotOptions {
  readonly ttlSeconds: number | undefined;
  readonly key: Uint8Array | undefined;
}

function lifetime(ttlSeconds: number | undefined): number | undefined {
  if (!ttlSeconds || (ttlSeconds < 0 && ttlSeconds !== NO_EXPIRY)) {
    throw invalidArgument('A snapshot needs a lifetime of at least one second, or -1 for no end');
  }
  return ttlSeconds === NO_EXPIRY ? undefined : nowSecs() + ttlSeconds;
}

const digest = (key: Uint8Array | undefined) => key && createHash('sha256').update(key).digest('hex');

export class Snapshots {
  readonly #images: Images;

  constructor(images: Images) {
    this.#images = images;
  }

  /** The root as it is, without what is mounted in it. */
  async filesystem({ parts }: SandboxContainer, options: SnapshotOptions): Promise<ImageRecord> {
    const expiresAt = lifetime(options.ttlSeconds);
    const layer = newLayerName();
    await copyOut(parts, new Jail(parts.container.changes), '/', join(this.#images.layersFolder, layer));
    return this.#keep({
      kind: 'filesystem',
      layers: [...parts.image.layers, layer],
      env: parts.image.env,
      workdir: parts.image.workdir,
      user: parts.image.user,
      builderVersion: parts.image.builderVersion,
      expiresAt,
      keyDigest: digest(options.key),
    });
  }

  /**
   * A directory with all that is in it; of an image mounted there, only the changes are copied.
   * @throws NOT_FOUND when there is no such directory
   */
  async directory(container: SandboxContainer, file: string, options: SnapshotOptions): Promise<ImageRecord> {
    const expiresAt = lifetime(options.ttlSeconds);
    const at = realDirectory(container, file);
    const layer = newLayerName();
    const to = join(this.#images.layersFolder, layer, 'root');
    const mounted = container.imageMounts.get(at);
    if (mounted) await copyOut(container.parts, new Jail(mounted.upper), '/', to);
    else await copyOut(container.parts, new Jail(container.root), at, to);
    return this.#keep({
      kind: 'directory',
      layers: [...(mounted?.layers ?? []), layer],
      env: {},
      builderVersion: container.parts.image.builderVersion,
      expiresAt,
      keyDigest: digest(options.key),
    });
  }

  async #keep(content: Omit<ImageRecord, 'id' | 'createdAt'>): Promise<ImageRecord> {
    const image = { id: newId('im'), createdAt: nowSecs(), ...content };
    await this.#images.add(image);
    return image;
  }

  /**
   * Lays an image, or an empty directory, over a directory.
   * @throws NOT_FOUND for the image, FAILED_PRECONDITION without its key
   */
  async mount(container: SandboxContainer, file: string, imageId: string, key: Uint8Array | undefined): Promise<void> {
    const image = imageId ? this.#images.get(imageId) : undefined;
    if (image?.keyDigest && image.keyDigest !== digest(key)) {
      throw failedPrecondition(`Image ${imageId} is encrypted with another key`);
    }
    new Jail(container.root).mkdirs(file);
    const at = realDirectory(container, file);
    const folder = join(container.parts.folder, 'mounts', newLayerName());
    const [upper, work, empty] = ['up', 'work', 'empty'].map((name) => join(folder, name));
    if (!upper || !work || !empty) return;
    for (const each of [upper, work, empty]) await mkdir(each, { recursive: true });
    const layers = image?.layers ?? [];
    const lower = layers.map((layer) => join(this.#images.layersFolder, layer, 'root'));
    await container.parts.container.mount({ lower: lower.length > 0 ? lower : [empty], upper, work, target: at });
    container.imageMounts.set(at, { layers, upper });
  }

  /** @throws NOT_FOUND when no image is mounted there */
  async unmount(container: SandboxContainer, file: string): Promise<void> {
    const at = realDirectory(container, file);
    if (!container.imageMounts.has(at)) throw notFound(`No image is mounted at ${file}`);
    container.imageMounts.delete(at);
    await container.parts.container.unmount(at, { lazy: true });
  }
}

async function copyOut({ container }: ContainerParts, jail: Jail, from: string, to: string): Promise<void> {
  const folder = jail.openDirectory(from);
  try {
    await container.copyOut(folder, to);
  } finally {
    closeSync(folder);
  }
}

/** @throws NOT_FOUND, INVALID_ARGUMENT */
function realDirectory(container: SandboxContainer, file: string): string {
  if (!file.startsWith('/')) throw invalidArgument(`The path must be absolute: ${file}`);
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
  /** By the id that the client chose, so that a repeated call makes one snapshot. */
  const made = new Map<string, Promise<ImageRecord>>();

  async function once(snapshotId: string, make: () => Promise<ImageRecord>): Promise<{ imageId: string }> {
    const known = snapshotId ? made.get(snapshotId) : undefined;
    if (known) return { imageId: (await known).id };
    const making = make();
    if (snapshotId) {
      made.set(snapshotId, making);
      making.catch(() => made.delete(snapshotId));
    }
    return { imageId: (await making).id };
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
