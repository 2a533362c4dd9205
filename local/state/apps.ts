import { alreadyExists, invalidArgument, notFound } from '../grpc/status.ts';
import { type ControlPlane, Creation } from '../grpc/wire.ts';
import { environmentNamed } from './environments.ts';
import { newId } from './ids.ts';
import { type AppRecord, nowSecs, type Store } from './store.ts';

const AppState = { deployed: 3, stopped: 5 } as const;

/** The operations on sandboxes that apps need. */
export interface AppTenants {
  runningIn(appId: string): number;
  terminateAllIn(appId: string): Promise<void>;
}

/** Returns an app by its ID. Throws NOT_FOUND. */
export function appWithId(store: Store, appId: string): AppRecord {
  const app = store.state.apps[appId];
  if (!app) throw notFound(`App with ID ${appId} not found`);
  return app;
}

/** Returns the app with this name, unless it was stopped. */
export function appNamed(store: Store, name: string, environment: string): AppRecord | undefined {
  return Object.values(store.state.apps).find(
    (app) => app.name === name && app.environment === environment && app.stoppedAt === undefined,
  );
}

export function appsService(store: Store, tenants: AppTenants) {
  async function create(name: string, environment: string): Promise<AppRecord> {
    const app = { id: newId('ap'), name, environment, createdAt: nowSecs() };
    store.state.apps[app.id] = app;
    await store.save();
    return app;
  }
  return {
    async appGetOrCreate({ appName, environmentName, objectCreationType }) {
      const environment = environmentNamed(store, environmentName).name;
      if (!appName) throw invalidArgument('App name is required');
      const existing = appNamed(store, appName, environment);
      if (existing && objectCreationType === Creation.createFailIfExists) {
        throw alreadyExists(`App '${appName}' already exists`);
      }
      if (!existing && objectCreationType === Creation.lookup) {
        throw notFound(`App '${appName}' not found in environment '${environment}'`);
      }
      return { appId: (existing ?? (await create(appName, environment))).id };
    },
    async appList({ environmentName }) {
      const environment = environmentNamed(store, environmentName).name;
      const apps = Object.values(store.state.apps)
        .filter((app) => app.environment === environment)
        .map((app) => ({
          appId: app.id,
          name: app.name,
          description: app.name,
          state: app.stoppedAt === undefined ? AppState.deployed : AppState.stopped,
          createdAt: app.createdAt,
          stoppedAt: app.stoppedAt ?? 0,
          nRunningTasks: tenants.runningIn(app.id),
        }));
      return { apps };
    },
    async appGetInfo({ appId }) {
      const app = appWithId(store, appId);
      const lifecycle = {
        appState: app.stoppedAt === undefined ? AppState.deployed : AppState.stopped,
        createdAt: app.createdAt,
        createdBy: 'local',
        stoppedAt: app.stoppedAt ?? 0,
      };
      return { info: { appId, description: app.name, environmentName: app.environment, lifecycle } };
    },
    async appStop({ appId }) {
      const app = appWithId(store, appId);
      app.stoppedAt ??= nowSecs();
      await tenants.terminateAllIn(appId);
      await store.save();
      return {};
    },
  } satisfies Partial<ControlPlane>;
}
