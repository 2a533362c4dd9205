import { alreadyExists, failedPrecondition, invalidArgument, notFound } from '../grpc/status.ts';
import { type ControlPlane, Creation, type SecretSource } from '../grpc/wire.ts';
import { environmentNamed } from './environments.ts';
import { newId } from './ids.ts';
import { nowSecs, type SecretRecord, type Store } from './store.ts';

type Env = Record<string, string>;

/** Named secrets, which are persistent, and ephemeral ones (the SDK's `fromObject`), which last until the server stops. */
export class Secrets {
  readonly #store: Store;
  readonly #ephemeral = new Map<string, Env>();

  constructor(store: Store) {
    this.#store = store;
  }

  find(name: string, environment: string): SecretRecord | undefined {
    return Object.values(this.#store.state.secrets).find(
      (secret) => secret.name === name && secret.environment === environment,
    );
  }

  /** Creates or replaces a named secret. The caller saves the store. */
  put(name: string, environment: string, env: Env): SecretRecord {
    const existing = this.find(name, environment);
    const record = {
      id: existing?.id ?? newId('st'),
      name,
      environment,
      env,
      createdAt: existing?.createdAt ?? nowSecs(),
    };
    this.#store.state.secrets[record.id] = record;
    return record;
  }

  putEphemeral(env: Env): string {
    const id = newId('st');
    this.#ephemeral.set(id, env);
    return id;
  }

  /** Returns the variables of a secret. Throws NOT_FOUND. */
  env(secretId: string): Env {
    const env = this.#store.state.secrets[secretId]?.env ?? this.#ephemeral.get(secretId);
    if (!env) throw notFound(`Secret with ID ${secretId} not found`);
    return env;
  }

  /** Returns the variables of all secrets in a request; later ones win. Throws NOT_FOUND. */
  merged(secretIds: readonly string[], sources: readonly SecretSource[]): Env {
    const merged: Env = {};
    for (const id of secretIds) Object.assign(merged, this.env(id));
    for (const { secretId, env } of sources) Object.assign(merged, secretId ? this.env(secretId) : env?.contents);
    return merged;
  }
}

export function secretsService(store: Store, secrets: Secrets) {
  const described = (secret: SecretRecord) => ({
    name: secret.name,
    keys: Object.keys(secret.env),
    environmentName: secret.environment,
    creationInfo: { createdAt: secret.createdAt, createdBy: 'local' },
  });

  function lookUp(name: string, environment: string, requiredKeys: readonly string[]): SecretRecord {
    const secret = secrets.find(name, environment);
    if (!secret) throw notFound(`Secret '${name}' not found in environment '${environment}'`);
    const missing = requiredKeys.filter((key) => !(key in secret.env));
    if (missing.length > 0) throw failedPrecondition(`Secret is missing key(s): ${missing.join(', ')}`);
    return secret;
  }

  return {
    async secretGetOrCreate({ deploymentName, environmentName, objectCreationType, envDict, requiredKeys }) {
      if (objectCreationType === Creation.ephemeral) return { secretId: secrets.putEphemeral(envDict) };
      const environment = environmentNamed(store, environmentName).name;
      const existing = secrets.find(deploymentName, environment);
      if (objectCreationType === Creation.createFailIfExists && existing) {
        throw alreadyExists(`Secret '${deploymentName}' already exists`);
      }
      const creates =
        objectCreationType === Creation.createFailIfExists ||
        objectCreationType === Creation.createOverwrite ||
        (objectCreationType === Creation.createIfMissing && !existing);
      if (creates) {
        if (!deploymentName) throw invalidArgument('Secret name is required');
        secrets.put(deploymentName, environment, envDict);
        await store.save();
      }
      const secret = lookUp(deploymentName, environment, requiredKeys);
      return { secretId: secret.id, metadata: described(secret) };
    },
    async secretDelete({ secretId }) {
      if (!store.state.secrets[secretId]) throw notFound(`Secret with ID ${secretId} not found`);
      delete store.state.secrets[secretId];
      await store.save();
      return {};
    },
    async secretList({ environmentName }) {
      const environment = environmentNamed(store, environmentName).name;
      const items = Object.values(store.state.secrets)
        .filter((secret) => secret.environment === environment)
        .sort((one, other) => other.createdAt - one.createdAt)
        .map((secret) => ({
          label: secret.name,
          secretId: secret.id,
          createdAt: secret.createdAt,
          environmentName: environment,
          metadata: described(secret),
        }));
      return { items, environmentName: environment };
    },
  } satisfies Partial<ControlPlane>;
}
