/** Images: layers with a cache, and their builds with logs. */
import { createHash } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CallContext } from 'nice-grpc';
import { invalidArgument, notFound } from '../grpc/status.ts';
import { type ControlPlane, EndStatus, LogStream, type Request } from '../grpc/wire.ts';
import { removeTree } from '../isolation/remove-tree.ts';
import { IMAGE_BUILDER_VERSION } from '../state/environments.ts';
import { newFolderName, newId } from '../state/ids.ts';
import type { Secrets } from '../state/secrets.ts';
import { type EndResult, type ImageRecord, nowSecs, type Store } from '../state/store.ts';
import { assertBuildable, BuildFailure, type BuildTools, buildLayer } from './image-build.ts';

interface LogItem {
  readonly data: string;
  readonly fileDescriptor: number;
  readonly timestamp: number;
}

/** A build that is running or has run since the server started. */
class Build {
  readonly log: LogItem[] = [];
  result: EndResult | undefined;
  #waiting: (() => void)[] = [];

  add(fileDescriptor: number, data: string): void {
    this.log.push({ data, fileDescriptor, timestamp: nowSecs() });
    this.#wake();
  }

  end(result: EndResult): void {
    this.result = result;
    this.#wake();
  }

  /** Resolves at the next line, at the end of the build, or after `ms`. */
  change(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      const wake = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#waiting.push(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

const SUCCEEDED: EndResult = { status: EndStatus.success, exitcode: 0, exception: '' };

export class Images {
  readonly #store: Store;
  readonly #secrets: Secrets;
  readonly #folder: string;
  readonly #tools: Pick<BuildTools, 'isolation' | 'pipes'>;
  readonly #builds = new Map<string, Build>();
  readonly #running = new Map<string, string>();

  constructor(store: Store, secrets: Secrets, dataFolder: string, tools: Pick<BuildTools, 'isolation' | 'pipes'>) {
    this.#store = store;
    this.#secrets = secrets;
    this.#folder = dataFolder;
    this.#tools = tools;
  }

  get layersFolder(): string {
    return join(this.#folder, 'l');
  }

  layerFolders(image: ImageRecord): string[] {
    return image.layers.map((layer) => join(this.layersFolder, layer));
  }

  /** Returns an image by its ID. Throws NOT_FOUND if it doesn't exist or has expired. */
  get(imageId: string): ImageRecord {
    const image = this.#store.state.images[imageId];
    if (!image || (image.expiresAt !== undefined && image.expiresAt <= nowSecs())) {
      throw notFound(`Could not find image with ID ${imageId}`);
    }
    return image;
  }

  /** Saves a finished image. */
  async add(image: ImageRecord): Promise<void> {
    this.#store.state.images[image.id] = image;
    await this.#store.save();
  }

  /**
   * Returns the ID of an image with these lines: from the cache, or of a build that it starts. Throws NOT_FOUND if the base
   * image doesn't exist, and INVALID_ARGUMENT for lines that cannot be built.
   */
  getOrBuild({ image, forceBuild, ignoreCache, builderVersion }: Request<'imageGetOrCreate'>): string {
    if (!image) throw invalidArgument('Image definition is required');
    assertBuildable(image.dockerfileCommands);
    const baseId = image.baseImages[0]?.imageId;
    const base = baseId ? this.get(baseId) : undefined;
    const version = builderVersion || IMAGE_BUILDER_VERSION;
    const recipe = [image.dockerfileCommands, base?.id, version, image.buildArgs, image.gpuConfig?.gpuType ?? ''];
    const key = createHash('sha256').update(JSON.stringify(recipe)).digest('hex');
    const cached = forceBuild || ignoreCache ? undefined : this.#cached(key);
    if (cached) return cached;
    const id = newId('im');
    const build = new Build();
    const secretEnv = this.#secrets.merged(image.secretIds, []);
    this.#builds.set(id, build);
    this.#running.set(key, id);
    void this.#build(id, key, build, version, {
      commands: image.dockerfileCommands,
      base,
      secretEnv,
      buildArgs: image.buildArgs,
    }).finally(() => {
      if (this.#running.get(key) === id) this.#running.delete(key);
    });
    return id;
  }

  #cached(key: string): string | undefined {
    const running = this.#running.get(key);
    if (running) return running;
    const found = Object.values(this.#store.state.images)
      .filter((image) => image.key === key)
      .sort((one, other) => other.createdAt - one.createdAt)[0];
    return found?.id;
  }

  async #build(
    id: string,
    key: string,
    build: Build,
    builderVersion: string,
    recipe: Parameters<typeof buildLayer>[0],
  ): Promise<void> {
    try {
      const content = await buildLayer(recipe, {
        ...this.#tools,
        layersFolder: this.layersFolder,
        scratch: join(this.#folder, 'sandboxes', `build-${id}`),
        layerName: newFolderName(),
        log: (stream, text) => build.add(LogStream[stream], text),
      });
      await this.#saveLog(id, build);
      await this.add({
        id,
        kind: 'built',
        key,
        layers: [...content.layers],
        env: { ...content.env },
        workdir: content.workdir,
        user: content.user,
        builderVersion,
        createdAt: nowSecs(),
      });
      build.end(SUCCEEDED);
    } catch (error) {
      const exception = error instanceof Error ? error.message : String(error);
      if (!(error instanceof BuildFailure)) build.add(LogStream.system, `${exception}\n`);
      build.end({ status: EndStatus.failure, exitcode: 1, exception });
    }
  }

  #logFile(id: string): string {
    return join(this.#folder, 'build-logs', `${id}.json`);
  }

  async #saveLog(id: string, build: Build): Promise<void> {
    await mkdir(dirname(this.#logFile(id)), { recursive: true });
    await appendFile(this.#logFile(id), JSON.stringify(build.log), { mode: 0o600 });
  }

  /** Returns the result of an image's build, or undefined while it is running. Throws NOT_FOUND. */
  result(imageId: string): EndResult | undefined {
    const build = this.#builds.get(imageId);
    if (build) return build.result;
    this.get(imageId);
    return SUCCEEDED;
  }

  /** Yields log lines from index `from` as they arrive, until the build ends or `timeoutMs` is over. */
  async *follow(imageId: string, from: number, timeoutMs: number, signal: AbortSignal) {
    const build = this.#builds.get(imageId);
    if (!build) {
      this.get(imageId);
      const log: LogItem[] = JSON.parse(await readFile(this.#logFile(imageId), 'utf8').catch(() => '[]'));
      yield { lines: log.slice(from), next: log.length };
      return;
    }
    const deadline = Date.now() + timeoutMs;
    let at = from;
    while (!signal.aborted) {
      if (build.log.length > at) {
        yield { lines: build.log.slice(at), next: build.log.length };
        at = build.log.length;
      } else if (build.result || Date.now() >= deadline) {
        return;
      } else {
        await build.change(deadline - Date.now(), signal);
      }
    }
  }

  /** Deletes expired images. */
  async sweep(inUse: (layer: string) => boolean): Promise<void> {
    for (const { id, expiresAt } of Object.values(this.#store.state.images)) {
      if (expiresAt !== undefined && expiresAt <= nowSecs()) await this.delete(id, inUse);
    }
  }

  /** Removes layers without an image, which interrupted builds and snapshots left behind. Call it only at startup. */
  async removeOrphans(): Promise<void> {
    const kept = new Set(Object.values(this.#store.state.images).flatMap(({ layers }) => layers));
    for (const layer of await readdir(this.layersFolder).catch(() => [])) {
      if (!kept.has(layer)) await removeTree(join(this.layersFolder, layer));
    }
  }

  /** Deletes an image, and those of its layers that no other image or sandbox uses. Throws NOT_FOUND. */
  async delete(imageId: string, inUse: (layer: string) => boolean): Promise<void> {
    const image = this.#store.state.images[imageId];
    if (!image) throw notFound(`No Image with ID ${imageId}`);
    delete this.#store.state.images[imageId];
    this.#builds.delete(imageId);
    await this.#store.save();
    await rm(this.#logFile(imageId), { force: true });
    const kept = new Set(Object.values(this.#store.state.images).flatMap(({ layers }) => layers));
    for (const layer of image.layers) {
      if (!kept.has(layer) && !inUse(layer)) await removeTree(join(this.layersFolder, layer));
    }
  }
}

export function imagesService(images: Images, inUse: (layer: string) => boolean) {
  const metadata = { imageBuilderVersion: IMAGE_BUILDER_VERSION };

  return {
    async imageGetOrCreate(request) {
      if (request.existingImageId) {
        return { imageId: images.get(request.existingImageId).id, result: SUCCEEDED, metadata };
      }
      const imageId = images.getOrBuild(request);
      return { imageId, result: images.result(imageId), metadata };
    },
    async *imageJoinStreaming({ imageId, timeout, lastEntryId, includeLogsForFinished }, { signal }: CallContext) {
      const finished = images.result(imageId) !== undefined;
      let entryId = lastEntryId;
      if (!finished || includeLogsForFinished) {
        for await (const { lines, next } of images.follow(imageId, Number(lastEntryId) || 0, timeout * 1000, signal)) {
          entryId = String(next);
          yield { taskLogs: lines, entryId };
        }
      }
      const result = images.result(imageId);
      if (result) yield { result, entryId, eof: true, metadata };
    },
    async imageFromId({ imageId }) {
      return { imageId: images.get(imageId).id, metadata };
    },
    async imageDelete({ imageId }) {
      await images.delete(imageId, inUse);
      return {};
    },
  } satisfies Partial<ControlPlane>;
}
