import { createHash } from 'node:crypto';
import type { Chain, CopiedEntry, Recipe } from './recipe.ts';

/**
 * Equal for two recipes that make the same image in an app. Names of secrets count, their values do not: those are neither
 * kept nor hashed.
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

/** What of a file makes two copies differ. */
export function contentOf({ name, kind, executable, target, hash }: CopiedEntry): unknown {
  return [name, kind, executable, target, hash];
}

/** SHA-256 of a value that JSON can hold, in hexadecimal. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
