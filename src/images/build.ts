import type { Image, ModalClient } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { pathInFolder } from '../base/inside-folder.ts';
import { isNotFound } from '../modal/errors.ts';
import type { ImageProfile } from '../profiles/schema.ts';
import type { BuildContext, BuiltImage } from './build-context.ts';
import { Build } from './builder.ts';
import { lookUp } from './errors.ts';
import { recipeOf } from './profile-recipe.ts';
import type { Chain, CopiedEntry, FileHashes, Recipe, RecipeContext } from './recipe.ts';
import { recipeKey } from './recipe-key.ts';

export { ImageBuildError } from './errors.ts';

/** What the builds of one connection share. */
class BuildMemory {
  /** Images that were built or found, by recipe key. */
  readonly images = new Map<string, Promise<BuiltImage>>();
  readonly hashes: FileHashes = new Map();
}

/** Ends with the connection. */
const MEMORIES = new WeakMap<ModalClient, BuildMemory>();

/**
 * Returns the image of a profile, and builds it unless Modal has one with the same recipe. A recipe that this process has
 * seen costs no call, one of an earlier window costs one. Concurrent calls share a build, whose log goes to the first one.
 * Throws `ImageBuildError`, the signal's reason, and the SDK's errors.
 */
export async function buildImage(image: ImageProfile, context: BuildContext): Promise<Image> {
  const { client, app } = context;
  const { images, hashes } = memoryOf(client);
  const recipe = await resolveName(await recipeOf(image, { ...context, hashes }), client);
  const key = recipeKey(recipe, image.buildSecrets, app.appId);
  const running = context.force ? undefined : images.get(key);
  if (running) {
    const found = await shareBuild(running, context.signal);
    if (found && isUsable(found)) return found.image;
    if (images.get(key) === running) images.delete(key);
    return buildImage(image, context);
  }
  const building = findOrBuild(key, image, recipe, context);
  images.set(key, building);
  building.catch(() => {
    if (images.get(key) === building) images.delete(key);
  });
  return (await building).image;
}

/** A file in the folder that a build sends. */
export interface CopiedFile {
  /** Relative to the folder, with `/`. */
  readonly path: string;
  readonly bytes: number;
}

/**
 * Returns the files in the folder that the build of an image sends. Makes no request; with a client, spares the build
 * reading them again. Throws `ImageBuildError` for what can't be built.
 */
export async function copiedFiles(
  image: ImageProfile,
  { client, ...context }: RecipeContext & Partial<Pick<BuildContext, 'client'>>,
): Promise<CopiedFile[]> {
  const recipe = await recipeOf(image, client ? { ...context, hashes: memoryOf(client).hashes } : context);
  const files = new Map<string, CopiedFile>();
  for (const { kind, source, size } of [...chainsOf(recipe)].flatMap(entriesOf)) {
    if (kind !== 'file' || typeof source !== 'string') continue;
    const path = pathInFolder(context.folderPath, source);
    files.set(path, { path, bytes: size });
  }
  return [...files.values()];
}

/** Returns a chain and all stages that it needs. */
function chainsOf(chain: Chain, found = new Set<Chain>()): Set<Chain> {
  if (found.has(chain)) return found;
  found.add(chain);
  if (chain.base.kind === 'stage') chainsOf(chain.base.stage, found);
  for (const step of chain.steps)
    if (step.kind === 'copy') for (const { from } of step.copies) if ('stage' in from) chainsOf(from.stage, found);
  return found;
}

function entriesOf({ steps }: Chain): CopiedEntry[] {
  return steps.flatMap((step) =>
    step.kind === 'copy' ? step.copies.flatMap(({ from }) => ('entries' in from ? from.entries : [])) : [],
  );
}

function memoryOf(client: ModalClient): BuildMemory {
  const memory = MEMORIES.get(client) ?? new BuildMemory();
  MEMORIES.set(client, memory);
  return memory;
}

/** Waits for a build that another call has started. Returns undefined if that call was canceled and this one wasn't. */
async function shareBuild(
  running: Promise<BuiltImage>,
  signal: AbortSignal | undefined,
): Promise<BuiltImage | undefined> {
  try {
    return await untilAborted(running, signal);
  } catch (error) {
    if (signal?.aborted || (error as Error).name !== 'AbortError') throw error;
    return undefined;
  }
}

/** Resolves a published name, which may refer to another image each time. */
async function resolveName(recipe: Recipe, client: ModalClient): Promise<Recipe> {
  const { base, basePlace: place } = recipe;
  if (base.kind !== 'name') return recipe;
  const id = await lookUp(base.name, place, async (name) => (await client.images.fromName(name)).imageId);
  return { ...recipe, base: { kind: 'snapshot', id } };
}

async function findOrBuild(
  key: string,
  image: ImageProfile,
  recipe: Recipe,
  context: BuildContext,
): Promise<BuiltImage> {
  const { client, store, force } = context;
  const kept = force ? undefined : store?.get(key);
  if (kept && isUsable(kept)) {
    try {
      return { image: await client.images.fromId(kept.imageId), usableUntilMs: kept.usableUntilMs };
    } catch (error) {
      if (!isNotFound(error)) throw error;
      store?.set(key, undefined);
    }
  }
  const built = await new Build(image, recipe, context).run();
  store?.set(key, { imageId: built.image.imageId, usableUntilMs: built.usableUntilMs });
  return built;
}

function isUsable({ usableUntilMs = Number.POSITIVE_INFINITY }: { usableUntilMs?: number | undefined }): boolean {
  return Date.now() < usableUntilMs;
}
