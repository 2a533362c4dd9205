import type { App, Image, ModalClient } from 'modal';
import type { ImageProfile } from '../profiles/schema.ts';
import { untilAborted } from '../sync/exec.ts';
import { Build } from './builder.ts';
import { recipeOf } from './profile-recipe.ts';
import type { Recipe } from './recipe.ts';
import { recipeKey } from './recipe-key.ts';

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
  /** Modal's build log as it streams, with a heading for each layer; of layers that are there already it says nothing. */
  readonly onLog?: (text: string) => void;
  /** A layer begins; the first has index 1. Layers that Modal has already pass at once. */
  readonly onProgress?: (step: { index: number; count: number; title: string }) => void;
}

/** Images that this process has built or found, by client: they need not be asked about again. */
const known = new WeakMap<ModalClient, Map<string, Promise<Image>>>();

/**
 * The image of a profile. Built by Modal where it has none of the same recipe; a recipe that this process has seen costs
 * no call, one of an earlier window costs one. Two calls at once share a build, and the one that came second hears no log.
 * Throws `ImageBuildError`, the signal's reason, and the SDK's errors.
 */
export async function buildImage(image: ImageProfile, context: BuildContext): Promise<Image> {
  const recipe = await recipeOf(image, context);
  const key = recipeKey(recipe, image.buildSecrets, context.app.appId);
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

function isNotFound(error: unknown): boolean {
  return error instanceof Error && error.name === 'NotFoundError';
}
