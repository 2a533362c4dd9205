import { createHash } from 'node:crypto';
import type { App, Image, ModalClient } from 'modal';
import { buildLayer, ephemeralSecret, LayerError } from '../modal/images.ts';
import type { ImageProfile } from '../profiles/schema.ts';
import { untilAborted } from '../sync/exec.ts';
import { ImageBuildError, placeName } from './errors.ts';
import { shortened } from './lines.ts';
import { recipeOf } from './profile-recipe.ts';
import type { Place, Recipe, RunStep } from './recipe.ts';

export { ImageBuildError } from './errors.ts';

/** Ids of images by what they are made of; of one machine, for all accounts. */
export interface ImageStore {
  get(key: string): string | undefined;
  set(key: string, imageId: string | undefined): void;
}

export interface BuildContext {
  readonly client: ModalClient;
  readonly app: App;
  /** Where relative paths of the profile are. */
  readonly folderPath: string;
  /** The local Modal: its userland is this machine's own. */
  readonly isLocal: boolean;
  /** Values of `image.buildSecrets` by name. */
  readonly variables: Readonly<Record<string, string>>;
  /** Images of earlier windows. */
  readonly store?: ImageStore;
  /** Build all layers, whatever is known or kept of them. */
  readonly force?: boolean;
  readonly signal?: AbortSignal;
  /** Modal's build log as it streams. */
  readonly onLog?: (text: string) => void;
  /** A layer begins; the first has index 1. Layers that Modal has already pass at once. */
  readonly onProgress?: (step: { index: number; count: number; title: string }) => void;
}

/** The last lines of a log that an error carries. */
const LOG_LINES = 20;
/** Characters of what Modal says that go into a sentence. */
const REASON_LENGTH = 160;

/** Images that this process has built or found, by client: they need not be asked about again. */
const known = new WeakMap<ModalClient, Map<string, Promise<Image>>>();

/**
 * The image of a profile. Built by Modal where it has none of the same recipe; a recipe that this process has seen costs
 * no call, one of an earlier window costs one. Two calls at once share a build, and the one that came second hears no log.
 * Throws `ImageBuildError`, the signal's reason, and the SDK's errors.
 */
export async function buildImage(image: ImageProfile, context: BuildContext): Promise<Image> {
  const recipe = await recipeOf(image, context);
  const key = keyOf(recipe, image.buildSecrets, context.app);
  const images = known.get(context.client) ?? new Map<string, Promise<Image>>();
  known.set(context.client, images);
  const running = context.force ? undefined : images.get(key);
  if (running) return sharing(running, image, context);
  const building = findOrBuild(key, image, recipe, context);
  images.set(key, building);
  building.catch(() => {
    if (images.get(key) === building) images.delete(key);
  });
  return building;
}

/** Waits for a build that another call has begun; when that one is cancelled, this one goes on. */
async function sharing(running: Promise<Image>, image: ImageProfile, context: BuildContext): Promise<Image> {
  try {
    return await untilAborted(running, context.signal);
  } catch (error) {
    if (context.signal?.aborted || (error as Error).name !== 'AbortError') throw error;
    return buildImage(image, context);
  }
}

/** Names of secrets count, their values do not: those are neither kept nor hashed. */
function keyOf({ base, steps }: Recipe, secretNames: readonly string[], app: App): string {
  const content = steps.map(({ commands, secrets }) => [commands, secrets]);
  return createHash('sha256')
    .update(JSON.stringify([app.appId, base, content, secretNames]))
    .digest('hex');
}

async function findOrBuild(key: string, image: ImageProfile, recipe: Recipe, context: BuildContext): Promise<Image> {
  const { client, store, force } = context;
  const kept = force ? undefined : store?.get(key);
  if (kept) {
    try {
      return await client.images.fromId(kept);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      store?.set(key, undefined);
    }
  }
  const built = await new Build(image, recipe, context).run();
  store?.set(key, built.imageId);
  return built;
}

/** One build from the base to the last layer. */
class Build {
  readonly #image: ImageProfile;
  readonly #recipe: Recipe;
  readonly #context: BuildContext;
  readonly #count: number;
  #index = 0;
  #secretIds: Promise<string[]> | undefined;

  constructor(image: ImageProfile, recipe: Recipe, context: BuildContext) {
    this.#image = image;
    this.#recipe = recipe;
    this.#context = context;
    this.#count = recipe.steps.length + 1;
  }

  async run(): Promise<Image> {
    const { client, onLog } = this.#context;
    for (const note of this.#recipe.notes) onLog?.(`${note}\n`);
    let imageId = await this.#base();
    for (const step of this.#recipe.steps) imageId = await this.#step(step, imageId);
    return client.images.fromId(imageId);
  }

  async #base(): Promise<string> {
    const { base, basePlace: place } = this.#recipe;
    const { client, app } = this.#context;
    switch (base.kind) {
      case 'registry': {
        this.#begin(base.tag);
        const registry = base.secret && {
          kind: base.secret.kind,
          secretId: await this.#named(base.secret.name, { key: 'registrySecret' }, async (name) => {
            return (await client.secrets.fromName(name, { environment: app.environmentName })).secretId;
          }),
        };
        // An entrypoint would run in place of the sandbox's own, which waits for commands.
        return this.#layer(base.tag, place, { base: { tag: base.tag, registry }, commands: ['ENTRYPOINT []'] });
      }
      case 'name':
        this.#begin(base.name);
        return this.#named(base.name, place, async (name) => (await client.images.fromName(name)).imageId);
      case 'snapshot':
        this.#begin(base.id);
        return this.#named(base.id, place, async (id) => (await client.images.fromId(id)).imageId);
    }
  }

  async #step(step: RunStep, imageId: string): Promise<string> {
    this.#begin(step.title);
    const secretIds = step.secrets ? await this.#secrets() : [];
    return this.#layer(step.title, step.place, { base: { imageId }, commands: step.commands, secretIds });
  }

  #begin(title: string): void {
    const { signal, onLog, onProgress } = this.#context;
    signal?.throwIfAborted();
    this.#index += 1;
    onProgress?.({ index: this.#index, count: this.#count, title });
    onLog?.(`==> ${this.#index}/${this.#count} ${title}\n`);
  }

  async #layer(title: string, place: Place, request: Parameters<typeof buildLayer>[2]): Promise<string> {
    const { client, app, signal, force } = this.#context;
    const tail = new Tail(LOG_LINES);
    const onLog = (text: string) => {
      tail.add(text);
      this.#context.onLog?.(text);
    };
    try {
      return await buildLayer(client, app, { ...request, ...(force && { force }) }, { signal, onLog });
    } catch (error) {
      if (!(error instanceof LayerError)) throw error;
      const why = shortened(error.message.split('\n')[0]?.replace(/\.$/, '') ?? '', REASON_LENGTH);
      const message = `The image could not be built: “${title}” (${placeName(place)}) failed: ${why}.`;
      throw new ImageBuildError(message, { title, place, log: tail.lines, cause: error });
    }
  }

  /** Looks something up that the profile names. */
  async #named(name: string, place: Place, find: (name: string) => Promise<string>): Promise<string> {
    try {
      return await find(name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw new ImageBuildError(`Modal has no “${name}”, which ${placeName(place)} names. It may have been deleted.`, {
        title: name,
        place,
        cause: error,
      });
    }
  }

  /** The build secrets as one secret of Modal's, made at the first layer that needs it. */
  #secrets(): Promise<string[]> {
    this.#secretIds ??= this.#makeSecret();
    return this.#secretIds;
  }

  async #makeSecret(): Promise<string[]> {
    const { client, app, variables } = this.#context;
    const names = this.#image.buildSecrets;
    if (names.length === 0) return [];
    const missing = names.findIndex((name) => variables[name] === undefined);
    if (missing >= 0)
      throw new ImageBuildError(
        `image.buildSecrets names ${names[missing]}, which has no value. Set it on this machine or in the profile’s envFile.`,
        { title: 'build secrets', place: { key: 'buildSecrets', index: missing } },
      );
    const values = Object.fromEntries(names.map((name) => [name, variables[name] ?? '']));
    return [await ephemeralSecret(client, app, values)];
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && error.name === 'NotFoundError';
}

/** The last lines of a text that comes in pieces. */
class Tail {
  readonly #limit: number;
  #text = '';

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(text: string): void {
    this.#text = `${this.#text}${text}`
      .split('\n')
      .slice(-this.#limit - 1)
      .join('\n');
  }

  get lines(): string[] {
    return this.#text
      .replace(/\n$/, '')
      .split('\n')
      .filter((line) => line !== '');
  }
}
