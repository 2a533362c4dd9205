/** The names of published images: `name:tag` in an environment, each with its revisions. */
import { invalidArgument, notFound } from '../grpc/status.ts';
import type { ControlPlane } from '../grpc/wire.ts';
import { environmentNamed } from '../state/environments.ts';
import { newId } from '../state/ids.ts';
import { type ImageTagRecord, nowSecs, type Store } from '../state/store.ts';
import type { Images } from './images.ts';

const PAGE_SIZE = 100;

interface ImageName {
  readonly environment: string;
  readonly tag: string;
}

export function imageNamesService(store: Store, images: Images) {
  const keyOf = ({ environment, tag }: ImageName) => `${environment}/${tag}`;

  /** Parses `environment/name:tag` or `name:tag`. The tag defaults to `latest`. Throws INVALID_ARGUMENT. */
  function parseName(name: string, environmentName: string): ImageName {
    const slash = name.lastIndexOf('/');
    const environment = environmentNamed(store, slash < 0 ? environmentName : name.slice(0, slash)).name;
    const bare = name.slice(slash + 1);
    const tag = bare.includes(':') ? bare : `${bare}:latest`;
    if (!/^[\w.-]{1,64}:[\w.-]{1,64}$/.test(tag)) throw invalidArgument(`Invalid image name '${name}'`);
    return { environment, tag };
  }

  /** Returns a published image. Throws NOT_FOUND. */
  function published(name: string, environmentName: string): ImageTagRecord {
    const place = parseName(name, environmentName);
    const record = store.state.imageTags[keyOf(place)];
    if (!record) throw notFound(`Image '${name}' not found in environment '${place.environment}'`);
    return record;
  }

  /** Returns a page of a list, and the token of the next page. */
  function paged<Item>(items: readonly Item[], pageToken: string, maxObjects: number) {
    const start = Number(pageToken) || 0;
    const end = start + Math.min(maxObjects || PAGE_SIZE, PAGE_SIZE);
    return { page: items.slice(start, end), nextPageToken: end < items.length ? String(end) : '' };
  }

  return {
    async imagePublish({ imageId, tag, environmentName }) {
      images.get(imageId);
      const place = parseName(tag, environmentName);
      const now = nowSecs();
      const before = store.state.imageTags[keyOf(place)];
      const revision = { imageId, revisionId: newId('ir'), createdAt: now };
      store.state.imageTags[keyOf(place)] = {
        ...place,
        createdAt: before?.createdAt ?? now,
        updatedAt: now,
        revisions: [revision, ...(before?.revisions ?? [])],
      };
      await store.save();
      return { imageId, revisionId: revision.revisionId };
    },
    async imageGetByTag({ tag, environmentName }) {
      const imageId = published(tag, environmentName).revisions[0]?.imageId ?? '';
      return { imageId: images.get(imageId).id };
    },
    async imageListTags({ environmentName, tagPrefix, maxObjects, pageToken, imageId }) {
      const environment = environmentNamed(store, environmentName).name;
      const matching = Object.values(store.state.imageTags)
        .filter((record) => record.environment === environment && record.tag.startsWith(tagPrefix))
        .filter((record) => !imageId || record.revisions[0]?.imageId === imageId)
        .sort((one, other) => one.tag.localeCompare(other.tag));
      const { page, nextPageToken } = paged(matching, pageToken, maxObjects);
      const items = page.map(({ tag, createdAt, updatedAt, revisions: [latest] }) => ({
        tag,
        createdAt,
        updatedAt,
        imageId: latest?.imageId ?? '',
        revisionId: latest?.revisionId ?? '',
      }));
      return { items, nextPageToken, environmentName: environment };
    },
    async imageTagRevisions({ tag, environmentName, maxObjects, pageToken }) {
      const record = published(tag, environmentName);
      const { page, nextPageToken } = paged(record.revisions, pageToken, maxObjects);
      const items = page.map((revision) => ({ ...revision, publishedBy: 'local' }));
      return { items, nextPageToken, tag: record.tag, environmentName: record.environment };
    },
    async imageNameDelete({ tag }) {
      const record = published(tag, '');
      delete store.state.imageTags[keyOf(record)];
      await store.save();
      return {};
    },
  } satisfies Partial<ControlPlane>;
}
