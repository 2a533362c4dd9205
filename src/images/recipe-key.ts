import { createHash } from 'node:crypto';
import type { Chain, CopiedEntry, Recipe } from './recipe.ts';

/**
 * Returns equal keys for recipes that produce the same image in an app. Names of secrets count; their values don't, and are
 * neither stored nor hashed.
 */
export function recipeKey(recipe: Recipe, secretNames: readonly string[], appId: string): string {
  return hashOf([appId, chainHash(recipe), secretNames]);
}

function chainHash({ base, steps }: Chain): string {
  const start = base.kind === 'stage' ? chainHash(base.stage) : base;
  const content = steps.map((step) => {
    if (step.kind === 'run') return [step.commands, step.secrets];
    const copies = step.copies.map(({ title: _, place: __, from, ...rest }) => [
      'stage' in from ? [chainHash(from.stage), from.paths] : from.entries.map(contentOf),
      rest,
    ]);
    return [copies, step.restore];
  });
  return hashOf([start, content]);
}

/** Returns the properties of a file by which copies differ. */
export function contentOf({ name, kind, executable, target, hash }: CopiedEntry): unknown {
  return [name, kind, executable, target, hash];
}

/** Returns the SHA-256 of a JSON value, in hexadecimal. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
