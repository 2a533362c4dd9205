import type { App, ModalClient } from 'modal';
import type { Hardware } from './prices.ts';
import { type SandboxEnd, sandboxEnd } from './sandbox-ends.ts';
import { Tag } from './sandboxes.ts';
import { strings } from './strings.ts';

/** A port of a sandbox and where it is reached. */
export interface SandboxPort {
  readonly port: number;
  readonly url: string;
}

/** One sandbox, as the account lists it. */
export interface SandboxSummary {
  readonly id: string;
  readonly state: 'starting' | 'running' | 'ended';
  readonly end?: SandboxEnd;
  readonly name?: string;
  readonly createdAt: Date;
  readonly endedAt?: Date;
  /** When its lifetime ends at the latest. */
  readonly endsAt: Date;
  /** How long it lives without anything to do; absent: as long as its lifetime. */
  readonly idleTimeoutMs?: number;
  readonly imageId: string;
  readonly hardware: Hardware;
  readonly ports: readonly SandboxPort[];
  readonly tags: Readonly<Record<string, string>>;
}

/** No sandbox lives longer. https://modal.com/docs/guide/sandboxes */
const LONGEST_LIFE_MS = 24 * 60 * 60_000;

type SandboxInfo = Awaited<ReturnType<ModalClient['cpClient']['sandboxListV2']>>['sandboxes'][number];

/**
 * Sandboxes of an app that run or have ended since a moment, newest first. Asks the control plane itself, since the SDK's
 * own list keeps nothing but ids. Pages until an empty page, as the SDK does, or until sandboxes too old to matter.
 */
export async function listSandboxes(client: ModalClient, app: App, endedSince: Date): Promise<SandboxSummary[]> {
  const found: SandboxSummary[] = [];
  const oldestSecs = (endedSince.getTime() - LONGEST_LIFE_MS) / 1000;
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

/** Sandboxes of an app that run and have all the given tags. */
export async function runningSandboxes(
  client: ModalClient,
  app: App,
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
    ports: info.tunnels.map(({ containerPort, host, port, unencryptedHost, unencryptedPort }) => ({
      port: containerPort,
      url: urlOf(host || unencryptedHost || '', port || unencryptedPort || 443),
    })),
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

/** Modal's tunnels end TLS; those of the local Modal are plain TCP on this machine. */
function urlOf(host: string, port: number): string {
  const isLocal = host === '127.0.0.1' || host === 'localhost';
  return `${isLocal ? 'http' : 'https'}://${host}${!isLocal && port === 443 ? '' : `:${port}`}`;
}

const date = (seconds: number) => new Date(seconds * 1000);

/** Returns how a sandbox stopped, in a few words: `timed out`, `terminated`, … */
export function endLabel(end: SandboxEnd): string {
  return strings.sandboxEnd(end);
}

/** What people know a sandbox by. */
export function sandboxLabel({ id, name, tags }: Pick<SandboxSummary, 'id' | 'name' | 'tags'>): string {
  return tags[Tag.label] || name || tags[Tag.folderName] || id;
}
