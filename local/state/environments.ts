import { alreadyExists, invalidArgument, notFound } from '../grpc/status.ts';
import { type ControlPlane, Creation } from '../grpc/wire.ts';
import { newId } from './ids.ts';
import { type EnvironmentRecord, nowSecs, type Store } from './store.ts';

/** The environment to use if the name is empty. */
export const DEFAULT_ENVIRONMENT = 'main';
/** The image builder version of every environment. */
export const IMAGE_BUILDER_VERSION = '2025.06';

function find(store: Store, name: string): EnvironmentRecord | undefined {
  return Object.values(store.state.environments).find((environment) => environment.name === name);
}

/** Returns the environment with this name, creating it if needed. The caller saves the store. */
export function ensureEnvironment(store: Store, name: string): EnvironmentRecord {
  const existing = find(store, name);
  if (existing) return existing;
  const record = { id: newId('en'), name, createdAt: nowSecs() };
  store.state.environments[record.id] = record;
  return record;
}

/** Returns an environment by its name; an empty name means the default one. Throws NOT_FOUND. */
export function environmentNamed(store: Store, name: string): EnvironmentRecord {
  const record = find(store, name || DEFAULT_ENVIRONMENT);
  if (!record) throw notFound(`Environment '${name}' not found`);
  return record;
}

export function environmentsService(store: Store) {
  const described = (record: EnvironmentRecord) => ({
    environmentId: record.id,
    metadata: { name: record.name, settings: { imageBuilderVersion: IMAGE_BUILDER_VERSION, webhookSuffix: '' } },
  });
  return {
    async environmentGetOrCreate({ deploymentName, objectCreationType }) {
      if (objectCreationType === Creation.lookup) return described(environmentNamed(store, deploymentName));
      if (!deploymentName) throw invalidArgument('Environment name is required');
      if (objectCreationType === Creation.createFailIfExists && find(store, deploymentName)) {
        throw alreadyExists(`Environment '${deploymentName}' already exists`);
      }
      const record = ensureEnvironment(store, deploymentName);
      await store.save();
      return described(record);
    },
    async environmentCreate({ name }) {
      if (!name) throw invalidArgument('Environment name is required');
      if (find(store, name)) throw alreadyExists(`Environment '${name}' already exists`);
      ensureEnvironment(store, name);
      await store.save();
      return {};
    },
    async environmentDelete({ name }) {
      const record = environmentNamed(store, name);
      if (record.name === DEFAULT_ENVIRONMENT) throw invalidArgument('Cannot delete the default environment');
      delete store.state.environments[record.id];
      await store.save();
      return {};
    },
    async environmentList() {
      const items = Object.values(store.state.environments).map((record) => ({
        name: record.name,
        environmentId: record.id,
        createdAt: record.createdAt,
        default: record.name === DEFAULT_ENVIRONMENT,
      }));
      return { items };
    },
  } satisfies Partial<ControlPlane>;
}
