import type { ModalClient, Sandbox } from 'modal';
import { isNotFound } from './errors.ts';

/** The name under which snapshots are published, each with its id as the tag. */
const NAME = 'vscode-snapshot';
const PAGE = 100;
/** A large file system takes longer than the SDK's 55 seconds. */
const SNAPSHOT_TIMEOUT_MS = 10 * 60_000;

/** A snapshot's published name and the image behind it. */
export interface PublishedSnapshot {
  readonly id: string;
  readonly imageId: string;
  readonly createdAt: Date;
}

/** Where snapshots are found by other programs: `Image.from_name('vscode-snapshot:ID')`. */
export function publishedName(id: string): string {
  return `${NAME}:${id}`;
}

/**
 * The image of a sandbox's file system, or of one directory of it. `ttlMs`: whole seconds, null to keep it. What programs
 * have written is brought to the disk first. Throws the SDK's errors.
 */
export async function takeSnapshot(
  sandbox: Sandbox,
  { path, ttlMs }: { readonly path?: string | undefined; readonly ttlMs: number | null },
): Promise<string> {
  await sandbox.exec(['sync'], { stdout: 'ignore', stderr: 'ignore' }).then(
    (process) => process.wait(),
    () => {},
  );
  const params = { ttlMs, timeoutMs: SNAPSHOT_TIMEOUT_MS };
  const image = await (path === undefined
    ? sandbox.snapshotFilesystem(params)
    : sandbox.snapshotDirectory(path, params));
  return image.imageId;
}

/** Publishes a snapshot's image under its name; a name that is there moves to this image. */
export async function publishSnapshot(client: ModalClient, id: string, imageId: string): Promise<void> {
  const image = await client.images.fromId(imageId);
  await image.publish(publishedName(id));
}

/** All published snapshots. A name may outlive its image. The SDK has no list, so the control plane is asked itself. */
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

/** Whether an image is there still: it may have expired, or somebody may have deleted it. */
export async function hasImage(client: ModalClient, imageId: string): Promise<boolean> {
  try {
    await client.images.fromId(imageId);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** Deletes an image; one that is gone already is not an error. */
export async function deleteImage(client: ModalClient, imageId: string): Promise<void> {
  await client.images.delete(imageId).catch(unlessMissing);
}

/** Takes a snapshot's published name away. */
export async function unpublishSnapshot(client: ModalClient, id: string): Promise<void> {
  const environment = client.environmentName();
  const tag = `${environment ? `${environment}/` : ''}${publishedName(id)}`;
  await client.cpClient.imageNameDelete({ tag }).catch(unlessMissing);
}

function unlessMissing(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
