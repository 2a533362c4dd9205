import { readFile } from 'node:fs/promises';
import { UserError } from '../base/errors.ts';
import { pathInFolder, resolveInFolder } from '../base/inside-folder.ts';
import { DEFAULT_PYTHON } from '../profiles/image-schema.ts';
import type { ImageProfile } from '../profiles/schema.ts';
import { sendsIfNamed } from '../sync/rules/credentials.ts';
import { builtInBase, builtInSteps } from './built-in.ts';
import { dockerfileRecipe } from './dockerfile/recipe.ts';
import { ImageBuildError, placeName } from './errors.ts';
import { envLine, runLine, shortened } from './lines.ts';
import { aptStep, npmStep, pipStep, sshStep } from './packages.ts';
import { pipFromStep, type ReadFile } from './pip-from.ts';
import type { Base, Place, Recipe, RecipeContext, RunStep, Step } from './recipe.ts';
import { strings } from './strings.ts';

const MAX_TITLE_CHARS = 60;

/**
 * Returns the recipe of a profile's image: its base, and layers from least to most frequently changed. Reads files in the
 * folder and makes no requests. Throws `ImageBuildError` for what can't be built.
 */
export async function recipeOf(image: ImageProfile, context: RecipeContext): Promise<Recipe> {
  const start = await baseOf(image, context);
  return { ...start, steps: [...start.steps, ...(await extraSteps(image, context))] };
}

async function baseOf(image: ImageProfile, context: RecipeContext): Promise<Recipe> {
  const { isLocal } = context;
  const plain = (base: Base, key: keyof ImageProfile): Recipe => ({ base, basePlace: { key }, steps: [], notes: [] });
  if (image.registry !== undefined)
    return plain({ kind: 'registry', tag: image.registry, secret: image.registrySecret }, 'registry');
  const { dockerfile } = image;
  if (dockerfile !== undefined)
    return dockerfileRecipe({ ...image, dockerfile }, { ...context, read: readFrom(context) });
  if (image.name !== undefined) return plain({ kind: 'name', name: image.name }, 'name');
  if (image.snapshot !== undefined) return plain({ kind: 'snapshot', id: image.snapshot }, 'snapshot');
  const basePlace: Place = { key: 'python' };
  const notes = isLocal ? [strings.localBase()] : [];
  const base = builtInBase(image.python ?? DEFAULT_PYTHON);
  return { base, basePlace, steps: builtInSteps(basePlace, !isLocal), notes };
}

async function extraSteps(image: ImageProfile, context: RecipeContext): Promise<Step[]> {
  const steps: Step[] = [];
  // First, because installations may need them. Variables only for programs belong in the profile's own `env`.
  if (Object.keys(image.env).length > 0) steps.push(envStep(image.env));
  if (image.ssh) steps.push(sshStep({ key: 'ssh' }));
  if (image.apt.length > 0) steps.push(aptStep(image.apt, { key: 'apt' }));
  if (image.pip.length > 0) steps.push(pipStep(image.pip, { key: 'pip' }));
  if (image.pipFrom !== undefined) steps.push(await pipFromStep(image.pipFrom, readFrom(context)));
  if (image.npm.length > 0) steps.push(npmStep(image.npm, { key: 'npm' }));
  steps.push(...image.commands.map(commandStep));
  return steps;
}

function envStep(env: ImageProfile['env']): RunStep {
  const place: Place = { key: 'env' };
  for (const [name, value] of Object.entries(env))
    if (/[\r\n]/.test(value)) throw new ImageBuildError(strings.envLineBreak(name), { title: 'env', place });
  const commands = Object.entries(env).map(([name, value]) => envLine(name, value));
  return { kind: 'run', title: `env: ${Object.keys(env).join(', ')}`, place, commands, secrets: false };
}

function commandStep(command: string, index: number): RunStep {
  const [first = ''] = command.trim().split('\n');
  const title = shortened(first, MAX_TITLE_CHARS);
  return { kind: 'run', title, place: { key: 'commands', index }, commands: [runLine(command)], secrets: true };
}

/** Returns a function that reads files in a folder, but none that look like credentials, as their text is sent. */
export function readFrom({ folderPath, sends = sendsIfNamed }: Pick<RecipeContext, 'folderPath' | 'sends'>): ReadFile {
  return async (path, place) => {
    try {
      const real = resolveInFolder(folderPath, path);
      if (!sends(pathInFolder(folderPath, real), false))
        throw new UserError(strings.credentialNotRead(path, placeName(place)));
      return await readFile(real);
    } catch (error) {
      throw new ImageBuildError(messageOf(error, path, place), { title: path, place, cause: error });
    }
  };
}

function messageOf(error: unknown, path: string, place: Place): string {
  if (error instanceof UserError) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  const named = placeName(place);
  return code === 'ENOENT' ? strings.fileMissing(path, named) : strings.fileUnreadable(path, named, code ?? '');
}
