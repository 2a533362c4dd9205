import { setTimeout as sleep } from 'node:timers/promises';
import type { App, ModalClient } from 'modal';
import { strings } from './strings.ts';

/** A layer to build: Dockerfile lines on top of an image or a registry tag. */
export interface LayerRequest {
  readonly base: { readonly imageId: string } | { readonly tag: string; readonly registry?: RegistryLogin | undefined };
  /** Lines after `FROM`. */
  readonly commands: readonly string[];
  /** IDs of secrets whose variables are available to `RUN`. */
  readonly secretIds?: readonly string[];
  /** Build even if Modal already has a layer for these lines. */
  readonly force?: boolean;
}

/** Credentials for a private registry. */
export interface RegistryLogin {
  readonly kind: 'registry' | 'aws-ecr' | 'gcp-artifact-registry';
  readonly secretId: string;
}

export interface BuildWatch {
  readonly signal?: AbortSignal | undefined;
  /** Called with the build's log as it arrives, in chunks that aren't split at line breaks. */
  readonly onLog?: ((text: string) => void) | undefined;
}

/** Modal couldn't build a layer. The message is Modal's. */
export class LayerError extends Error {
  override name = 'LayerError';
}

// Constants of Modal's protocol, which the SDK doesn't export.
const Status = { success: 1, failure: 2, terminated: 3, timeout: 4, memory: 8 } as const;
const RegistryAuth = { 'aws-ecr': 1, 'gcp-artifact-registry': 2, registry: 4 } as const;
const EPHEMERAL = 5;

/** The length of one log stream, in seconds, after which the next one is opened. The SDK's own value. */
const JOIN_SECS = 55;
/** Give up after this many streams in a row that break off without an entry. */
const MAX_BROKEN_STREAMS = 5;
const RECONNECT_MS = 1000;

/**
 * Builds a layer, or finds the one that Modal already has for the same lines on the same base. Simultaneous requests share
 * a build. Calls the control plane directly, since the SDK's own build drops the log and can't be canceled. Returns the
 * image's ID. Throws `LayerError` if the build fails, the signal's reason if it's aborted, and `ClientError` otherwise.
 */
export async function buildLayer(
  client: ModalClient,
  app: App,
  request: LayerRequest,
  watch: BuildWatch = {},
): Promise<string> {
  const { signal } = watch;
  const { base } = request;
  const onImage = 'imageId' in base;
  const { imageId, result } = await client.cpClient
    .imageGetOrCreate(
      {
        appId: app.appId,
        image: {
          dockerfileCommands: [`FROM ${onImage ? 'base' : base.tag}`, ...request.commands],
          baseImages: onImage ? [{ dockerTag: 'base', imageId: base.imageId }] : [],
          secretIds: [...(request.secretIds ?? [])],
          ...(!onImage &&
            base.registry && {
              imageRegistryConfig: {
                registryAuthType: RegistryAuth[base.registry.kind],
                secretId: base.registry.secretId,
              },
            }),
        },
        builderVersion: await client.getImageBuilderVersion(app.environmentName),
        forceBuild: request.force ?? false,
      },
      { signal },
    )
    .catch((error) => rethrow(error, signal));
  const end = result?.status ? result : await follow(client, imageId, watch);
  if (end.status !== Status.success) throw new LayerError(reason(end));
  return imageId;
}

interface End {
  readonly status: number;
  readonly exception: string;
}

/** Passes on the log until the build ends. */
async function follow(client: ModalClient, imageId: string, { signal, onLog }: BuildWatch): Promise<End> {
  let lastEntryId = '';
  for (let broken = 0; ; ) {
    const request = { imageId, timeout: JOIN_SECS, lastEntryId, includeLogsForFinished: true };
    try {
      for await (const { taskLogs, entryId, result } of client.cpClient.imageJoinStreaming(request, { signal })) {
        broken = 0;
        if (entryId) lastEntryId = entryId;
        for (const { data } of taskLogs) if (data) onLog?.(data);
        if (result?.status) return result;
      }
    } catch (error) {
      broken += 1;
      if (signal?.aborted || broken > MAX_BROKEN_STREAMS) rethrow(error, signal);
      await sleep(RECONNECT_MS, undefined, { signal });
    }
  }
}

function rethrow(error: unknown, signal: AbortSignal | undefined): never {
  signal?.throwIfAborted();
  throw error;
}

function reason({ status, exception }: End): string {
  if (status === Status.terminated) return strings.buildTerminated();
  if (status === Status.timeout) return strings.buildTimedOut();
  if (status === Status.memory) return strings.buildOutOfMemory();
  return exception || strings.buildFailed(status);
}

/** Creates a Modal secret for a single build. Returns its ID. Throws `ClientError`. */
export async function ephemeralSecret(
  client: ModalClient,
  app: App,
  variables: Readonly<Record<string, string>>,
): Promise<string> {
  const { secretId } = await client.cpClient.secretGetOrCreate({
    objectCreationType: EPHEMERAL,
    environmentName: client.environmentName(app.environmentName),
    envDict: { ...variables },
  });
  return secretId;
}

/** Finds the image that is published as `name:tag`; undefined if there is none. Throws `ClientError`. */
export async function findPublished(
  client: ModalClient,
  app: App,
  name: string,
): Promise<{ imageId: string; publishedAtMs: number } | undefined> {
  const environmentName = client.environmentName(app.environmentName);
  const { items } = await client.cpClient.imageListTags({ environmentName, tagPrefix: name, maxObjects: 10 });
  const found = items.find(({ tag }) => tag === name);
  return found && { imageId: found.imageId, publishedAtMs: found.updatedAt * 1000 };
}
