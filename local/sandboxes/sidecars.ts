/** Sidecars: containers in addition to a sandbox's own. The control plane creates them, and the router lists them. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { CallContext } from 'nice-grpc';
import type { Pipes } from '../execs/pipes.ts';
import { alreadyExists, failedPrecondition, invalidArgument, notFound } from '../grpc/status.ts';
import { type ControlPlane, EndStatus, type Router } from '../grpc/wire.ts';
import { STANDARD_PATH } from '../images/image-build.ts';
import type { Images } from '../images/images.ts';
import type { Isolation } from '../isolation/container.ts';
import { newId } from '../state/ids.ts';
import type { Secrets } from '../state/secrets.ts';
import { endResult, type Sandbox, type Sidecar } from './sandbox.ts';
import { exitCodeOf, MAIN_CONTAINER, SandboxContainer } from './sandbox-container.ts';
import { runtimeOf, type SandboxTable } from './sandbox-table.ts';

interface SidecarsDependencies {
  readonly table: SandboxTable;
  readonly images: Images;
  readonly secrets: Secrets;
  readonly tools: { isolation: Isolation; pipes: Pipes };
}

/** The command of a container that was created without one. */
const SLEEP_FOREVER = ['sleep', 'infinity'];

export function sidecarsService({ table, images, secrets, tools }: SidecarsDependencies) {
  return {
    async sandboxContainerCreateV2({ sandboxId, containerName, definition, secretSources }) {
      table.record(sandboxId);
      const sandbox = table.get(sandboxId);
      if (!sandbox?.running) throw failedPrecondition(`Sandbox ${sandboxId} is not running`);
      if (!definition) throw invalidArgument('Container definition is required');
      if (!containerName || containerName === MAIN_CONTAINER)
        throw invalidArgument(`Invalid container name '${containerName}'`);
      if ([...sandbox.sidecars.values()].some(({ name, result }) => name === containerName && !result)) {
        throw alreadyExists(`Container '${containerName}' already exists`);
      }
      const image = images.get(definition.imageId);
      const id = newId('ctr');
      const folder = join(sandbox.folder, 'sidecars', id);
      await mkdir(folder, { recursive: true });
      const main = sandbox.container().setup.container.network;
      const container = await tools.isolation.start({
        folder,
        layers: images.layerFolders(image),
        network: main.isLoopback ? 'none' : main,
        runtime: runtimeOf(sandbox.definition),
        limits: {},
      });
      const sidecar = new SandboxContainer({
        id,
        container,
        image,
        folder,
        env: {
          PATH: STANDARD_PATH,
          HOME: '/root',
          ...image.env,
          MODAL_SANDBOX_ID: sandboxId,
          MODAL_TASK_ID: sandbox.record.taskId,
          ...definition.environmentVariables?.contents,
          ...secrets.merged(secretSources.length > 0 ? [] : definition.secretIds, secretSources),
        },
        workdir: definition.workdir ?? image.workdir ?? '/',
        pipes: tools.pipes,
        onActivity: () => sandbox.touch(),
      });
      await addTo(sandbox, sidecar, containerName, definition.entrypointArgs);
      return { containerId: id, containerName };
    },
  } satisfies Partial<ControlPlane>;
}

async function addTo(
  sandbox: Sandbox,
  container: SandboxContainer,
  name: string,
  argv: readonly string[],
): Promise<void> {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const sidecar: Sidecar = { id: container.id, name, container, result: undefined, ended };
  sandbox.sidecars.set(container.id, sidecar);
  const entrypoint = await container.startEntrypoint(argv.length > 0 ? argv : SLEEP_FOREVER, undefined);
  void entrypoint.ended.then(async (status) => {
    const exitcode = exitCodeOf(status);
    sidecar.result ??= endResult(exitcode === 0 ? EndStatus.success : EndStatus.failure, exitcode);
    await container.setup.container.kill();
    end();
  });
}

export function sidecarsRouter(table: SandboxTable) {
  const info = ({ id, name, result }: Sidecar) => ({
    containerId: id,
    containerName: name,
    status: result ? 'terminated' : 'running',
    result,
  });

  function withId(taskId: string, containerId: string): Sidecar {
    const sidecar = table.withTask(taskId).sidecars.get(containerId);
    if (!sidecar) throw notFound(`Container ${containerId} not found`);
    return sidecar;
  }

  return {
    async taskContainerGet({ taskId, containerName, includeTerminated }) {
      const found = [...table.withTask(taskId).sidecars.values()]
        .filter(({ name, result }) => name === containerName && (includeTerminated || !result))
        .at(-1);
      if (!found) throw notFound(`Container '${containerName}' not found`);
      return { container: info(found) };
    },
    async taskContainerList({ taskId, includeTerminated }) {
      const sidecars = [...table.withTask(taskId).sidecars.values()];
      return { containers: sidecars.filter(({ result }) => includeTerminated || !result).map(info) };
    },
    async taskContainerWait({ taskId, containerId, timeout }, { signal }: CallContext) {
      const sidecar = withId(taskId, containerId);
      const limit = new AbortController();
      const over = pause(timeout * 1000, undefined, { signal: AbortSignal.any([signal, limit.signal]) }).catch(
        () => {},
      );
      await Promise.race([sidecar.ended, over]);
      limit.abort();
      return { result: sidecar.result };
    },
    async taskContainerTerminate({ taskId, containerId }) {
      const sidecar = withId(taskId, containerId);
      sidecar.result ??= endResult(EndStatus.terminated);
      await sidecar.container.setup.container.kill();
      await sidecar.ended;
      return {};
    },
  } satisfies Partial<Router>;
}
