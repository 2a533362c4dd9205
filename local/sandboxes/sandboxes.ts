/** The control plane's RPCs for sandboxes. V1 and V2 differ only in their RPC names and in their IDs. */
import type { CallContext } from 'nice-grpc';
import { invalidArgument, notFound } from '../grpc/status.ts';
import { type ControlPlane, EndStatus, type Request, type Tunnel } from '../grpc/wire.ts';
import { appNamed, appWithId } from '../state/apps.ts';
import type { Auth } from '../state/auth.ts';
import { environmentNamed } from '../state/environments.ts';
import type { Secrets } from '../state/secrets.ts';
import { nowSecs, type SandboxRecord, type Store } from '../state/store.ts';
import { assertNameFree, endResult, type Sandbox } from './sandbox.ts';
import { assertSandboxName } from './sandbox-definition.ts';
import type { SandboxTable } from './sandbox-table.ts';
import type { SandboxTokens } from './sandbox-tokens.ts';

/** The resources that Modal bills by default. */
const DEFAULT_MILLI_CPU = 125;
const DEFAULT_MEMORY_MB = 128;

interface SandboxesDependencies {
  readonly store: Store;
  readonly table: SandboxTable;
  readonly secrets: Secrets;
  readonly auth: Auth;
  readonly tokens: SandboxTokens;
  readonly tunnels: { of(sandbox: Sandbox | undefined): Tunnel[] };
}

export function sandboxesService({ store, table, secrets, auth, tokens, tunnels }: SandboxesDependencies) {
  const info = (record: SandboxRecord) => ({
    id: record.id,
    createdAt: record.createdAt,
    appId: record.appId,
    name: record.name ?? '',
    imageId: record.imageId,
    tags: tagList(record),
    regions: record.regions,
    timeoutSecs: record.timeoutSecs,
    idleTimeoutSecs: record.idleTimeoutSecs,
    readyAt: record.readyAt,
    metadata: { appId: record.appId, result: record.result },
    tunnels: tunnels.of(table.get(record.id)),
    resourceInfo: {
      milliCpu: { value: record.milliCpu || DEFAULT_MILLI_CPU, isDefault: !record.milliCpu },
      memoryMb: { value: record.memoryMb || DEFAULT_MEMORY_MB, isDefault: !record.memoryMb },
      gpuType: record.gpuType,
    },
    taskInfo: {
      id: record.taskId,
      sandboxId: record.id,
      startedAt: record.startedAt ?? 0,
      finishedAt: record.finishedAt ?? 0,
      result: record.result,
      gpuType: record.gpuType,
    },
  });

  async function create(version: 1 | 2, request: Request<'sandboxCreateV2'> | Request<'sandboxCreate'>) {
    const { definition } = request;
    if (!definition) throw invalidArgument('Sandbox definition is required');
    const app = appWithId(store, request.appId);
    const sources = 'secretSources' in request ? request.secretSources : [];
    const ids = sources.length > 0 ? [] : definition.secretIds;
    const tags = Object.fromEntries(request.tags.map(({ tagName, tagValue }) => [tagName, tagValue]));
    return table.create({ app, definition, tags, secretEnv: secrets.merged(ids, sources), version });
  }

  async function wait({ sandboxId, timeout }: Request<'sandboxWaitV2'>, { signal }: CallContext) {
    const record = table.record(sandboxId);
    const metadata = { appId: record.appId };
    await ended(sandboxId, timeout * 1000, signal);
    // `result` must be undefined while the sandbox is running. The SDK takes any other value for the end of the sandbox.
    return { result: table.get(sandboxId)?.stopping ? undefined : record.result, metadata };
  }

  async function ended(sandboxId: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const sandbox = table.get(sandboxId);
    if (!sandbox || timeoutMs <= 0) return;
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
      signal.addEventListener('abort', resolve, { once: true });
    });
    await Promise.race([sandbox.ended, limit]);
    clearTimeout(timer);
  }

  async function terminate({ sandboxId }: Request<'sandboxTerminateV2'>) {
    const existingResult = table.record(sandboxId).result;
    await table.get(sandboxId)?.finish(endResult(EndStatus.terminated));
    return { existingResult };
  }

  async function list(request: Request<'sandboxListV2'>) {
    return { sandboxes: table.list(request).slice(0, table.pageSize).map(info) };
  }

  async function getTaskId({ sandboxId }: { sandboxId: string }) {
    const record = table.record(sandboxId);
    return { taskId: table.gpuQueue.has(sandboxId) ? '' : record.taskId, taskResult: record.result };
  }

  async function getFromName(version: 1 | 2, request: Request<'sandboxGetFromNameV2'>) {
    const { sandboxName, appName, environmentName, includeTerminated } = request;
    const environment = environmentNamed(store, environmentName).name;
    const app = appNamed(store, appName, environment);
    const found = table
      .list({ appId: app?.id ?? '', environmentName, includeFinished: includeTerminated, tags: [], beforeTimestamp: 0 })
      .filter((record) => app && record.name === sandboxName && record.version === version)
      .sort((one, other) => Number(Boolean(one.result)) - Number(Boolean(other.result)))[0];
    if (!found) throw notFound(`Sandbox with name '${sandboxName}' not found in app '${appName}'`);
    return { sandboxId: found.id, metadata: { appId: found.appId, result: found.result } };
  }

  async function tagsGet({ sandboxId }: Request<'sandboxTagsGetV2'>) {
    return { tags: tagList(table.record(sandboxId)) };
  }

  async function tagsSet({ sandboxId, tags }: Request<'sandboxTagsSetV2'>) {
    table.record(sandboxId).tags = Object.fromEntries(tags.map(({ tagName, tagValue }) => [tagName, tagValue]));
    await store.save();
    return {};
  }

  return {
    async sandboxCreateV2(request) {
      const { record } = await create(2, request);
      return {
        sandboxId: record.id,
        taskId: record.taskId,
        tunnels: tunnels.of(table.get(record.id)),
        metadata: { appId: record.appId },
        commandRouterAccess: auth.routerAccess(record.taskId),
        sandboxToken: tokens.of(record.id),
      };
    },
    async sandboxCreate(request) {
      return { sandboxId: (await create(1, request)).record.id };
    },
    sandboxWait: wait,
    sandboxWaitV2: wait,
    sandboxTerminate: terminate,
    sandboxTerminateV2: terminate,
    sandboxList: list,
    sandboxListV2: list,
    sandboxGetTaskId: getTaskId,
    sandboxGetTaskIdV2: getTaskId,
    sandboxGetFromName: (request) => getFromName(1, request),
    sandboxGetFromNameV2: (request) => getFromName(2, request),
    sandboxTagsGet: tagsGet,
    sandboxTagsGetV2: tagsGet,
    sandboxTagsSet: tagsSet,
    sandboxTagsSetV2: tagsSet,
    async sandboxSetName({ sandboxId, name }) {
      const record = table.record(sandboxId);
      assertSandboxName(name);
      const sandbox = table.get(sandboxId);
      if (!sandbox) throw notFound(`Sandbox ${sandboxId} is not running`);
      sandbox.assertNameable();
      assertNameFree(table.records(), record.appId, name);
      record.name = name;
      await store.save();
      return {};
    },
    async sandboxGetResourceUsage({ sandboxId }) {
      const { startedAt, finishedAt, milliCpu, memoryMb, gpuType } = table.record(sandboxId);
      const nanosecs = ((finishedAt ?? nowSecs()) - (startedAt ?? nowSecs())) * 1e9;
      return {
        cpuCoreNanosecs: Math.round((nanosecs * (milliCpu || DEFAULT_MILLI_CPU)) / 1000),
        memGibNanosecs: Math.round((nanosecs * (memoryMb || DEFAULT_MEMORY_MB)) / 1024),
        gpuNanosecs: gpuType ? Math.round(nanosecs) : 0,
        gpuType: gpuType || undefined,
      };
    },
    async sandboxGetCommandRouterAccess({ sandboxId, taskId }) {
      return auth.routerAccess(sandboxId ? table.record(sandboxId).taskId : (taskId ?? ''));
    },
    async taskGetCommandRouterAccess({ taskId }) {
      return auth.routerAccess(taskId);
    },
  } satisfies Partial<ControlPlane>;
}

function tagList(record: SandboxRecord): { tagName: string; tagValue: string }[] {
  return Object.entries(record.tags).map(([tagName, tagValue]) => ({ tagName, tagValue }));
}
