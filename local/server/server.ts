/** Assembles the server: one gRPC port for the control plane and the router, and one HTTP port next to it. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ModalClientDefinition, TaskCommandRouterDefinition } from 'modal';
import { createServer, type Server } from 'nice-grpc';
import { Pipes } from '../execs/pipes.ts';
import { Faults } from '../grpc/faults.ts';
import { withLargeWindows } from '../grpc/flow-control.ts';
import { withOlderMethods } from '../grpc/older-methods.ts';
import { implement, type ServiceGuard } from '../grpc/rpc.ts';
import { withFastOutput } from '../grpc/stdio-codec.ts';
import type { StdinStreamMessage } from '../grpc/wire.ts';
import { HttpServer } from '../http/http-server.ts';
import { requireFreePort } from '../http/listen.ts';
import { imageNamesService } from '../images/image-names.ts';
import { Images, imagesService } from '../images/images.ts';
import { connectTokensService } from '../network/connect-tokens.ts';
import { Grants } from '../network/grants.ts';
import { networkPolicyRouter } from '../network/network-policy.ts';
import { Tunnels, tunnelsService } from '../network/tunnels.ts';
import { containerFilesService } from '../sandboxes/container-files.ts';
import { entrypointsRouter, entrypointsService } from '../sandboxes/entrypoints.ts';
import { execsService } from '../sandboxes/execs.ts';
import { exitSnapshotsService, rescueExitSnapshot, takeExitSnapshot } from '../sandboxes/exit-snapshots.ts';
import { logsService } from '../sandboxes/logs.ts';
import { Readiness, readinessRouter } from '../sandboxes/readiness.ts';
import { SandboxTable } from '../sandboxes/sandbox-table.ts';
import { SandboxTokens } from '../sandboxes/sandbox-tokens.ts';
import { sandboxesService } from '../sandboxes/sandboxes.ts';
import { sidecarsRouter, sidecarsService } from '../sandboxes/sidecars.ts';
import { Snapshots, snapshotsRouter } from '../sandboxes/snapshots.ts';
import { appsService } from '../state/apps.ts';
import { Auth, assertOwnTask, type TokenPair } from '../state/auth.ts';
import { DEFAULT_ENVIRONMENT, ensureEnvironment, environmentsService } from '../state/environments.ts';
import { Secrets, secretsService } from '../state/secrets.ts';
import { Store } from '../state/store.ts';
import { Blobs } from '../volumes/blobs.ts';
import { volumeFilesService } from '../volumes/volume-files.ts';
import { VolumeMounts, volumeMountsRouter } from '../volumes/volume-mounts.ts';
import { VolumeStore } from '../volumes/volume-store.ts';
import { volumesService } from '../volumes/volumes.ts';
import { type ChosenIsolation, chooseIsolation, type IsolationOptions } from './choose-isolation.ts';
import { Control } from './control.ts';
import type { Seed } from './options.ts';
import { SIGN_IN_METHODS, SignIns, signInPage, signInService } from './sign-in.ts';
import { workspaceService } from './workspace.ts';

export interface ServerOptions extends IsolationOptions {
  readonly port: number;
  readonly dataFolder: string;
  /** The tokens to accept. */
  readonly tokens: readonly TokenPair[];
  readonly seed: Seed;
  readonly controlPort: number | undefined;
  /** Let clients into the tunnels of encrypted ports without a token. */
  readonly openTunnels: boolean;
  /** If given, clients can sign in through a page. Shows a line to the person who started the server. */
  readonly signIn: ((line: string) => void) | undefined;
}

export interface LocalModal {
  /** The value for `MODAL_SERVER_URL`. */
  readonly url: string;
  readonly controlUrl: string | undefined;
  /** What isolates sandboxes, as sentences. */
  readonly isolation: string;
  readonly runtime: ChosenIsolation['runtime'];
  readonly http: HttpServer;
  /** Returns whether a sandbox is running, or one with a tag. */
  hasSandboxes(tag?: string): boolean;
  /** Stops all sandboxes, and then the server. */
  stop(): Promise<void>;
}

/** The limit that the SDK's own channels have. */
const MAX_MESSAGE_BYTES = 100 * 1024 * 1024;
/** The interval at which expired images are deleted. */
const SWEEP_INTERVAL_MS = 60_000;

/** Starts a server. Throws if the port is in use or the data folder cannot be used. */
export async function startServer(options: ServerOptions): Promise<LocalModal> {
  const dataFolder = resolve(options.dataFolder);
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const store = await Store.open(dataFolder, () => randomBytes(32).toString('base64url'));
  let grpcPort = 0;
  const auth = new Auth(store.state.signingKey, options.tokens, () => `https://127.0.0.1:${grpcPort}`);
  const { isolation, description, runtime } = await chooseIsolation(dataFolder, options);
  const tools = { isolation, pipes: new Pipes(join(dataFolder, 'run')) };
  const secrets = new Secrets(store);
  const images = new Images(store, secrets, dataFolder, tools);
  const snapshots = new Snapshots(images);
  const grants = new Grants();
  const tunnels = new Tunnels(grants, options.openTunnels);
  const volumes = new VolumeStore(store, dataFolder);
  const mounts = new VolumeMounts(volumes);
  const readiness = new Readiness(store);
  const table = new SandboxTable(store, images, dataFolder, tools, {
    async prepared(sandbox, main) {
      await mounts.attach(sandbox, main);
      await tunnels.open(sandbox);
    },
    started: (sandbox) => readiness.watch(sandbox),
    async beforeRemoval(sandbox) {
      await mounts.detach(sandbox);
      await takeExitSnapshot(sandbox, snapshots);
    },
  });
  const sandboxTokens = new SandboxTokens(auth, ({ sandboxId, taskId }) =>
    table.records().find((record) => record.id === sandboxId || record.taskId === taskId),
  );
  await table.recover((record, folder) => rescueExitSnapshot(record, folder, snapshots));
  await images.removeOrphans();
  await volumes.recover();
  setInterval(() => void images.sweep((layer) => table.usesLayer(layer)), SWEEP_INTERVAL_MS).unref();
  await applySeed(store, secrets, options.seed);
  const http = new HttpServer();
  const signIns = options.signIn && new SignIns(auth, (id) => http.url(`/token-flow/${id}`), options.signIn);
  if (signIns) http.route('/token-flow', signInPage(signIns));
  const faults = new Faults();

  const controlPlane = {
    ...workspaceService(auth, (page) => http.url(page)),
    ...(signIns && signInService(signIns)),
    ...environmentsService(store),
    ...secretsService(store, secrets),
    ...appsService(store, table),
    ...imagesService(images, (layer) => table.usesLayer(layer)),
    ...imageNamesService(store, images),
    ...sandboxesService({ store, table, secrets, auth, tokens: sandboxTokens, tunnels }),
    ...entrypointsService(table),
    ...containerFilesService(table),
    ...logsService(table),
    ...exitSnapshotsService(table),
    ...tunnelsService(table, tunnels),
    ...connectTokensService(table, grants),
    ...volumesService(store, volumes),
    ...volumeFilesService({ volumes, blobs: new Blobs(dataFolder), auth, http }),
    ...sidecarsService({ table, images, secrets, tools }),
  };
  const router = {
    ...execsService({ table, secrets }),
    ...entrypointsRouter(table),
    ...readinessRouter(table),
    ...sidecarsRouter(table),
    ...networkPolicyRouter(table),
    ...snapshotsRouter(table, snapshots),
    ...volumeMountsRouter(table, mounts),
  };

  const server = createServer({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  });
  serve(server, { auth, sandboxTokens, faults, openMethods: signIns ? SIGN_IN_METHODS : [] }, controlPlane, router);
  await requireFreePort(options.port);
  grpcPort = await withLargeWindows(() => server.listen(`127.0.0.1:${options.port}`));
  await http.listen(0);
  const control = options.controlPort === undefined ? undefined : new Control({ auth, faults, table, sandboxTokens });
  const controlPort = await control?.listen(options.controlPort ?? 0);

  return {
    url: `http://127.0.0.1:${grpcPort}`,
    isolation: description,
    runtime,
    controlUrl: controlPort === undefined ? undefined : `http://127.0.0.1:${controlPort}`,
    http,
    hasSandboxes: (tag) =>
      table.live().some(({ running, record }) => running && (tag === undefined || record.tags[tag] !== undefined)),
    async stop() {
      control?.close();
      http.close();
      await table.terminateAll();
      server.forceShutdown();
      await store.save();
    },
  };
}

interface Guards {
  readonly auth: Auth;
  readonly sandboxTokens: SandboxTokens;
  readonly faults: Faults;
  /** The control plane's calls that need no token. */
  readonly openMethods: readonly string[];
}

function serve(server: Server, guards: Guards, controlPlane: object, router: object) {
  const { auth, sandboxTokens, faults, openMethods } = guards;
  const add = (definition: typeof ModalClientDefinition, handlers: object, guard: ServiceGuard) =>
    server.add(definition as never, implement(definition, { ...handlers }, guard));
  add(withOlderMethods(ModalClientDefinition) as typeof ModalClientDefinition, controlPlane, {
    faults,
    check(method, { metadata }, request) {
      if (!openMethods.includes(method)) auth.assertToken(metadata);
      sandboxTokens.check('controlPlane', metadata, request);
    },
    checkMessage: () => {},
  });
  const assertTask = (tokenTask: string, request: unknown) => {
    if (typeof request === 'object' && request !== null && 'taskId' in request) {
      assertOwnTask(tokenTask, String(request.taskId));
    }
  };
  add(withFastOutput(TaskCommandRouterDefinition) as typeof TaskCommandRouterDefinition, router, {
    faults,
    check(_method, { metadata }, request) {
      const task = auth.taskOf(metadata);
      assertTask(task, request);
      sandboxTokens.check('router', metadata, { taskId: task });
    },
    checkMessage({ metadata }, message) {
      const { start } = message as StdinStreamMessage;
      if (start) assertTask(auth.taskOf(metadata), start);
    },
  });
}

/** Creates the default environment and those of the seed if needed, and sets the seed's secrets in them. */
async function applySeed(store: Store, secrets: Secrets, seed: Seed): Promise<void> {
  for (const name of [DEFAULT_ENVIRONMENT, ...seed.environments]) {
    const environment = ensureEnvironment(store, name);
    for (const [secret, env] of Object.entries(seed.secrets)) secrets.put(secret, environment.name, env);
  }
  await store.save();
}
