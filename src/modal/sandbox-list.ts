import type { App, ModalClient } from 'modal';
import type { Hardware } from './prices.ts';
import { type SandboxEnd, sandboxEnd } from './sandbox-ends.ts';
import { MAX_LIFETIME_MS, Tag } from './sandboxes.ts';
import { strings } from './strings.ts';

/** A port of a sandbox and its URL. */
export interface SandboxPort {
  readonly port: number;
  readonly url: string;
  /** The URL works only with a connect token: an HTTP port on Local Modal. */
  readonly needsToken?: true;
}

/** A sandbox, as the account lists it. */
export interface SandboxSummary {
  readonly id: string;
  readonly state: 'starting' | 'running' | 'ended';
  readonly end?: SandboxEnd;
  readonly name?: string;
  readonly createdAt: Date;
  readonly endedAt?: Date;
  /** The end of its maximum lifetime. */
  readonly endsAt: Date;
  /** Its idle timeout. Defaults to its maximum lifetime. */
  readonly idleTimeoutMs?: number;
  readonly imageId: string;
  readonly hardware: Hardware;
  readonly ports: readonly SandboxPort[];
  readonly tags: Readonly<Record<string, string>>;
}

type SandboxInfo = Awaited<ReturnType<ModalClient['cpClient']['sandboxListV2']>>['sandboxes'][number];

/**
 * Lists the sandboxes of an app that are running or have stopped since a point in time, newest first. Calls the control
 * plane directly, since the SDK's own list returns only IDs. Reads pages until an empty one, as the SDK does, or until the
 * sandboxes are too old to matter.
 */
export async function listSandboxes(client: ModalClient, app: App, endedSince: Date): Promise<SandboxSummary[]> {
  const found: SandboxSummary[] = [];
  const oldestSecs = (endedSince.getTime() - MAX_LIFETIME_MS) / 1000;
  let beforeTimestamp = 0;
  for (;;) {
    const { sandboxes } = await client.cpClient.sandboxListV2({
      appId: app.appId,
      environmentName: client.environmentName(),
      includeFinished: true,
      beforeTimestamp,
      tags: [],
    });
    found.push(...sandboxes.map(summaryOf).filter(({ endedAt }) => !endedAt || endedAt >= endedSince));
    const last = sandboxes.at(-1);
    if (!last || last.createdAt < oldestSecs) return found;
    beforeTimestamp = last.createdAt;
  }
}

/** Lists the running sandboxes of an app that have all the given tags. */
export async function runningSandboxes(
  client: ModalClient,
  app: Pick<App, 'appId'>,
  tags: Readonly<Record<string, string>>,
): Promise<SandboxSummary[]> {
  const found: SandboxSummary[] = [];
  let beforeTimestamp = 0;
  for (;;) {
    const { sandboxes } = await client.cpClient.sandboxListV2({
      appId: app.appId,
      environmentName: client.environmentName(),
      includeFinished: false,
      beforeTimestamp,
      tags: Object.entries(tags).map(([tagName, tagValue]) => ({ tagName, tagValue })),
    });
    found.push(...sandboxes.map(summaryOf));
    const last = sandboxes.at(-1);
    if (!last) return found;
    beforeTimestamp = last.createdAt;
  }
}

/** Finds the sandbox of a start by its tag, even if it has ended; undefined if Modal doesn't list it. */
export async function sandboxOfStart(
  client: ModalClient,
  { appId }: Pick<App, 'appId'>,
  startId: string,
): Promise<SandboxSummary | undefined> {
  const { sandboxes } = await client.cpClient.sandboxListV2({
    appId,
    environmentName: client.environmentName(),
    includeFinished: true,
    beforeTimestamp: 0,
    tags: [{ tagName: Tag.start, tagValue: startId }],
  });
  return sandboxes.map(summaryOf)[0];
}

function summaryOf(info: SandboxInfo): SandboxSummary {
  const { createdAt, taskInfo, timeoutSecs, idleTimeoutSecs, name } = info;
  const status = taskInfo?.result?.status ?? info.metadata?.result?.status ?? 0;
  const endsAt = date(createdAt + timeoutSecs);
  const isEnded = status !== 0 || Boolean(taskInfo?.finishedAt);
  return {
    id: info.id,
    state: isEnded ? 'ended' : taskInfo?.startedAt ? 'running' : 'starting',
    ...(isEnded && {
      end: sandboxEnd(status),
      endedAt: taskInfo?.finishedAt ? date(taskInfo.finishedAt) : endsAt,
    }),
    ...(name && { name }),
    createdAt: date(createdAt),
    endsAt,
    ...(idleTimeoutSecs && { idleTimeoutMs: idleTimeoutSecs * 1000 }),
    imageId: info.imageId,
    hardware: hardwareOf(info),
    ports: info.tunnels.map((tunnel) => portOf(tunnel.containerPort, tunnel)),
    tags: Object.fromEntries(info.tags.map(({ tagName, tagValue }) => [tagName, tagValue])),
  };
}

function hardwareOf({ resourceInfo, taskInfo }: SandboxInfo): Hardware {
  const { milliCpu, memoryMb } = resourceInfo ?? {};
  const type = taskInfo?.gpuConfig?.gpuType || taskInfo?.gpuType || resourceInfo?.gpuType;
  const count = taskInfo?.gpuConfig?.count ?? 1;
  return {
    ...(milliCpu?.value && { cpu: milliCpu.value / 1000 }),
    ...(memoryMb?.value && { memoryMiB: memoryMb.value }),
    ...(type && { gpu: count > 1 ? `${type}:${count}` : type }),
  };
}

/** A tunnel, as the SDK and the control plane describe it. */
interface Tunnel {
  readonly host: string;
  readonly port: number;
  readonly unencryptedHost?: string | undefined;
  readonly unencryptedPort?: number | undefined;
}

/** Returns a port of a sandbox, given its tunnel. */
export function portOf(containerPort: number, tunnel: Tunnel): SandboxPort {
  const { host, port, unencryptedHost, unencryptedPort } = tunnel;
  return {
    port: containerPort,
    url: urlOf(host || unencryptedHost || '', port || unencryptedPort || 443),
    ...(isLocalHost(host) && !unencryptedHost && { needsToken: true as const }),
  };
}

/** Modal's tunnels terminate TLS; those of Local Modal are plain TCP on this computer. */
function urlOf(host: string, port: number): string {
  const isLocal = isLocalHost(host);
  return `${isLocal ? 'http' : 'https'}://${host}${!isLocal && port === 443 ? '' : `:${port}`}`;
}

function isLocalHost(host: string): boolean {
  return host === '127.0.0.1' || host === 'localhost';
}

/** Returns the URL of a port that a browser can open. On Local Modal, it contains a connect token. Throws the SDK's errors. */
export async function openablePortUrl(
  { cpClient }: ModalClient,
  sandboxId: string,
  { port, url, needsToken }: SandboxPort,
): Promise<string> {
  return needsToken ? withToken(url, (await connectToken(cpClient, sandboxId, port)).token) : url;
}

/**
 * Returns a URL with which everyone can use the HTTP server on a port. It works until the sandbox stops, and can't be revoked
 * earlier. Throws the SDK's errors.
 */
export async function sharedPortUrl({ cpClient }: ModalClient, sandboxId: string, port: number): Promise<string> {
  const { url, token } = await connectToken(cpClient, sandboxId, port);
  return withToken(url, token);
}

function connectToken(cpClient: ModalClient['cpClient'], sandboxId: string, port: number) {
  return cpClient.sandboxCreateConnectTokenV2({ sandboxId, userMetadata: '', port });
}

function withToken(url: string, token: string): string {
  const openable = new URL(url);
  openable.searchParams.set('_modal_connect_token', token);
  return openable.href;
}

const date = (seconds: number) => new Date(seconds * 1000);

/** Returns how a sandbox stopped, in a few words: `timed out`, `terminated`, … */
export function endLabel(end: SandboxEnd): string {
  return strings.sandboxEnd(end);
}

/** Returns the name that a sandbox is shown under. */
export function sandboxLabel({ id, name, tags }: Pick<SandboxSummary, 'id' | 'name' | 'tags'>): string {
  return tags[Tag.label] || name || tags[Tag.folderName] || id;
}
