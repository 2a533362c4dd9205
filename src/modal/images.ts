import { setTimeout as sleep } from 'node:timers/promises';
import type { App, ModalClient } from 'modal';

/** One layer to build: Dockerfile lines on top of an image, or of a registry tag. */
export interface LayerRequest {
  readonly base: { readonly imageId: string } | { readonly tag: string; readonly registry?: RegistryLogin | undefined };
  /** Lines after `FROM`. */
  readonly commands: readonly string[];
  /** Ids of secrets whose variables `RUN` sees. */
  readonly secretIds?: readonly string[];
  /** Build even when Modal has a layer of these lines. */
  readonly force?: boolean;
}

/** How a private registry signs in. */
export interface RegistryLogin {
  readonly kind: 'registry' | 'aws-ecr' | 'gcp-artifact-registry';
  readonly secretId: string;
}

export interface BuildWatch {
  readonly signal?: AbortSignal | undefined;
  /** The build's log as it comes, in pieces that are no lines. */
  readonly onLog?: ((text: string) => void) | undefined;
}

/** Modal could not build a layer. The message is what Modal said. */
export class LayerError extends Error {
  override name = 'LayerError';
}

// Numbers of Modal's protocol: the SDK's own names for them are not exported.
const Status = { success: 1, failure: 2, terminated: 3, timeout: 4, memory: 8 } as const;
const RegistryAuth = { 'aws-ecr': 1, 'gcp-artifact-registry': 2, registry: 4 } as const;
const EPHEMERAL = 5;

/** Seconds after which the stream of a log ends and is opened again; as the SDK does. */
const JOIN_SECS = 55;
/** Times in a row that a stream may break off without a word before the build is given up. */
const MAX_BROKEN_STREAMS = 5;
const RECONNECT_MS = 1000;

/**
 * Builds a layer, or finds the one that Modal has of the same lines on the same base; two who ask at once share a build.
 * Asks the control plane itself, since the SDK's own build drops the log and cannot be cancelled. Returns the image's id.
 * Throws `LayerError` when the build fails, the signal's reason when it is aborted, else `ClientError`.
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

/** Passes the log on until the build has ended. */
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
  if (status === Status.terminated) return 'Modal ended the build';
  if (status === Status.timeout) return 'the build took longer than Modal allows';
  if (status === Status.memory) return 'the build ran out of memory';
  return exception || `the build ended with status ${status}`;
}

/** A secret of Modal's that only this build knows of. Returns its id; throws `ClientError`. */
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

/** An image that is published under `name:tag`, and since when; undefined when there is none. Throws `ClientError`. */
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
