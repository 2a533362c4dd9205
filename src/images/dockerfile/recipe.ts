import { join, posix } from 'node:path';
import { UserError } from '../../base/errors.ts';
import { pathInFolder, resolveInFolder } from '../../base/inside-folder.ts';
import type { ImageProfile } from '../../profiles/schema.ts';
import { sendsIfNamed } from '../../sync/rules/credentials.ts';
import { ImageBuildError } from '../errors.ts';
import type { ReadFile } from '../pip-from.ts';
import type { Recipe, RecipeContext } from '../recipe.ts';
import { strings } from '../strings.ts';
import { DockerContext } from './context.ts';
import { parseDockerfile } from './parse.ts';
import { stageNamed, stagesOf } from './stages.ts';
import { StageReader } from './steps.ts';

/**
 * Returns the recipe of a Dockerfile in the folder: its last stage, or `target`, and the stages it needs. Instructions that
 * a remote build supports become layers; files are copied by way of sandboxes. Throws `ImageBuildError` with the line.
 */
export async function dockerfileRecipe(
  image: ImageProfile & { dockerfile: string },
  { folderPath, isLocal, read, hashes, sends = sendsIfNamed }: RecipeContext & { read: ReadFile },
): Promise<Recipe> {
  const { target, buildArgs = {}, buildSecrets } = image;
  const file = posix.normalize(image.dockerfile.replaceAll('\\', '/'));
  const bytes = await read(file, { key: 'dockerfile' });
  const stages = stagesOf(parseDockerfile(bytes, file), buildArgs);
  const stage = target === undefined ? stages.at(-1) : stageNamed(target, stages);
  if (!stage) {
    const reason = target === undefined ? strings.noFrom(file) : strings.noTarget(file, target);
    const key = target === undefined ? 'dockerfile' : 'target';
    throw new ImageBuildError(reason, { title: file, place: { key } });
  }
  const root = contextRoot(folderPath, image.context ?? posix.dirname(file), file);
  const context = new DockerContext(root, join(folderPath, file), {
    hashes,
    sends: (path, isNamed) => sends(pathInFolder(folderPath, join(root, path)), isNamed),
  });
  const notes = new Set<string>();
  const chain = await new StageReader({ stages, context, buildArgs, buildSecrets, isLocal, notes }).chain(stage);
  if (context.withheld.size > 0) notes.add(strings.credentialsNotCopied([...context.withheld].join(', ')));
  return { ...chain, notes: [...notes] };
}

/** Returns the folder that `COPY` reads from. Without `COPY`, it needn't exist. */
function contextRoot(folderPath: string, context: string, file: string): string {
  try {
    return resolveInFolder(folderPath, context);
  } catch (error) {
    if (!(error instanceof UserError)) return join(folderPath, context);
    throw new ImageBuildError(error.message, { title: file, place: { key: 'context' }, cause: error });
  }
}
