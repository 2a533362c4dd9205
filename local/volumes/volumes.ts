/** The control plane's RPCs for volumes. */
import { alreadyExists, invalidArgument, notFound } from '../grpc/status.ts';
import { type ControlPlane, Creation } from '../grpc/wire.ts';
import { environmentNamed } from '../state/environments.ts';
import { newId } from '../state/ids.ts';
import { nowSecs, type Store, type VolumeRecord } from '../state/store.ts';
import type { VolumeStore } from './volume-store.ts';

const PAGE_SIZE = 100;
/** An ephemeral volume is deleted after this time without a heartbeat. */
const EPHEMERAL_TIMEOUT_MS = 15 * 60_000;

export function volumesService(store: Store, volumes: VolumeStore) {
  const lastHeartbeat = new Map<string, number>();
  const startedAt = Date.now();

  const metadata = (volume: VolumeRecord) => ({
    version: volume.version,
    name: volume.name ?? '',
    creationInfo: { createdAt: volume.createdAt, createdBy: 'local' },
  });

  function find(name: string, environment: string): VolumeRecord | undefined {
    return Object.values(store.state.volumes).find((each) => each.name === name && each.environment === environment);
  }

  async function create(name: string | undefined, environment: string, version: number): Promise<VolumeRecord> {
    const id = newId('vo');
    const volume: VolumeRecord = {
      id,
      name,
      environment,
      version: version === 2 ? 2 : 1,
      createdAt: nowSecs(),
      current: await volumes.begin(id),
    };
    store.state.volumes[id] = volume;
    await store.save();
    return volume;
  }

  setInterval(() => {
    for (const volume of Object.values(store.state.volumes)) {
      const last = lastHeartbeat.get(volume.id) ?? Math.max(startedAt, volume.createdAt * 1000);
      if (volume.name === undefined && Date.now() - last > EPHEMERAL_TIMEOUT_MS)
        void volumes.delete(volume.id).catch(() => {});
    }
  }, 60_000).unref();

  return {
    async volumeGetOrCreate({ deploymentName, environmentName, objectCreationType, version }) {
      const environment = environmentNamed(store, environmentName).name;
      const described = (volume: VolumeRecord) => ({
        volumeId: volume.id,
        version: volume.version,
        metadata: metadata(volume),
      });
      if (objectCreationType === Creation.ephemeral) return described(await create(undefined, environment, version));
      if (!deploymentName) throw invalidArgument('Volume name is required');
      const existing = find(deploymentName, environment);
      if (existing && objectCreationType === Creation.createFailIfExists) {
        throw alreadyExists(`Volume '${deploymentName}' already exists`);
      }
      if (existing) return described(existing);
      if (objectCreationType === Creation.lookup) {
        throw notFound(`Volume '${deploymentName}' not found in environment '${environment}'`);
      }
      return described(await create(deploymentName, environment, version));
    },
    async volumeGetById({ volumeId }) {
      return { volumeId, metadata: metadata(volumes.record(volumeId)) };
    },
    async volumeList({ environmentName, pagination }) {
      const environment = environmentNamed(store, environmentName).name;
      const items = Object.values(store.state.volumes)
        .filter((volume) => volume.environment === environment && volume.name !== undefined)
        .filter((volume) => !pagination?.createdBefore || volume.createdAt < pagination.createdBefore)
        .sort((one, other) => other.createdAt - one.createdAt)
        .slice(0, Math.min(pagination?.maxObjects || PAGE_SIZE, PAGE_SIZE))
        .map((volume) => ({
          label: volume.name ?? '',
          volumeId: volume.id,
          createdAt: volume.createdAt,
          metadata: metadata(volume),
        }));
      return { items, environmentName: environment };
    },
    async volumeDelete({ volumeId }) {
      await volumes.delete(volumeId);
      return {};
    },
    async volumeRename({ volumeId, name }) {
      const volume = volumes.record(volumeId);
      if (!name) throw invalidArgument('Volume name is required');
      const other = find(name, volume.environment);
      if (other && other !== volume) throw alreadyExists(`Volume '${name}' already exists`);
      volume.name = name;
      await store.save();
      return {};
    },
    async volumeHeartbeat({ volumeId }) {
      volumes.record(volumeId);
      lastHeartbeat.set(volumeId, Date.now());
      return {};
    },
  } satisfies Partial<ControlPlane>;
}
