import type { ModalClient, Sandbox } from 'modal';
import { isNotFound } from './errors.ts';

/** The name under which snapshots are published, each with its ID as the tag. */
const NAME = 'vscode-snapshot';
const PAGE = 100;
/** The time limit of every snapshot. A large file system takes longer than the SDK's 55 seconds. */
export const SNAPSHOT_TIMEOUT_MS = 10 * 60_000;

/** Pending writes that take longer may be missing from the snapshot. */
const FLUSH_TIMEOUT_MS = 2 * 60_000;

/** A snapshot's published name and the image behind it. */
export interface PublishedSnapshot {
  readonly id: string;
  readonly imageId: string;
  readonly createdAt: Date;
}

/** Returns the name by which other programs find a snapshot: `Image.from_name('vscode-snapshot:ID')`. */
export function publishedName(id: string): string {
  return `${NAME}:${id}`;
}

/**
 * Takes a snapshot of a sandbox's file system, or of a directory, after flushing pending writes. `ttlMs` is in whole
 * seconds; null keeps the snapshot until it's deleted. Returns the ID of its image. Throws the SDK's errors.
 */
export async function takeSnapshot(
  sandbox: Sandbox,
  { path, ttlMs }: { readonly path?: string | undefined; readonly ttlMs: number | null },
): Promise<string> {
  const options = { stdout: 'ignore', stderr: 'ignore', timeoutMs: FLUSH_TIMEOUT_MS } as const;
  await sandbox
    .exec(['sync'], options)
    .then((process) => process.wait())
    .catch(() => {});
  const params = { ttlMs, timeoutMs: SNAPSHOT_TIMEOUT_MS };
  const image = await (path === undefined
    ? sandbox.snapshotFilesystem(params)
    : sandbox.snapshotDirectory(path, params));
  return image.imageId;
}

/** Publishes a snapshot's image under its name. An existing name moves to this image. */
export async function publishSnapshot(client: ModalClient, id: string, imageId: string): Promise<void> {
  const image = await client.images.fromId(imageId);
  await image.publish(publishedName(id));
}

/** Lists all published snapshots by calling the control plane, since the SDK has no list. A name may outlive its image. */
export async function listPublished(client: ModalClient): Promise<PublishedSnapshot[]> {
  const found: PublishedSnapshot[] = [];
  let pageToken = '';
  do {
    const { items, nextPageToken } = await client.cpClient.imageListTags({
      environmentName: client.environmentName(),
      tagPrefix: `${NAME}:`,
      maxObjects: PAGE,
      pageToken,
      imageId: '',
    });
    for (const { tag, imageId, createdAt } of items)
      found.push({ id: tag.slice(NAME.length + 1), imageId, createdAt: new Date(createdAt * 1000) });
    pageToken = nextPageToken;
  } while (pageToken !== '');
  return found;
}

/** Resolves with true if an image still exists. It may have expired or been deleted. */
export async function hasImage(client: ModalClient, imageId: string): Promise<boolean> {
  try {
    await client.images.fromId(imageId);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** Deletes an image. It's not an error if it no longer exists. */
export async function deleteImage(client: ModalClient, imageId: string): Promise<void> {
  await client.images.delete(imageId).catch(unlessMissing);
}

/** Removes a snapshot's published name. */
export async function unpublishSnapshot(client: ModalClient, id: string): Promise<void> {
  const environment = client.environmentName();
  const tag = `${environment ? `${environment}/` : ''}${publishedName(id)}`;
  await client.cpClient.imageNameDelete({ tag }).catch(unlessMissing);
}

function unlessMissing(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
