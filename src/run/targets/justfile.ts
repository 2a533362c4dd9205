import type { Target } from './target.ts';

// `name params… :` at the margin, with `@` if quiet. An assignment has `:=`. Parameters can have quoted defaults.
const RECIPE =
  /^@?([A-Za-z_][\w-]*)((?:\s+(?:[*+$]*[A-Za-z_][\w-]*(?:\s*=\s*(?:'[^']*'|"(?:[^"\\]|\\.)*"|`[^`]*`|\([^)]*\)|[\w.-]+))?))*)\s*:(?!=)/;
const KEYWORDS = /^(?:alias|set|import|mod|export|unexport)\s/;

/** Finds the public recipes in a justfile, except for those with parameters that have no default. */
export function findJustRecipes(text: string): Target[] {
  const targets: Target[] = [];
  let fence: string | undefined;
  let isPrivate = false;
  for (const [line, source] of text.split('\n').entries()) {
    const wasInString: boolean = fence !== undefined;
    fence = fenceAfter(source, fence);
    if (wasInString || /^[\s#]/.test(source) || source === '') continue;
    if (source.startsWith('[')) {
      isPrivate ||= /\bprivate\b/.test(source);
      continue;
    }
    const [, name, parameters = ''] = (!KEYWORDS.test(source) && RECIPE.exec(source)) || [];
    if (name && !name.startsWith('_') && !isPrivate && !needsArguments(parameters))
      targets.push({ kind: 'justRecipe', line, name });
    isPrivate = false;
  }
  return targets;
}

/** Returns the triple quote that is still open at the end of a line. */
function fenceAfter(source: string, open: string | undefined): string | undefined {
  let fence = open;
  for (const [mark] of source.matchAll(/'''|"""|```/g)) {
    if (fence === undefined) fence = mark;
    else if (fence === mark) fence = undefined;
  }
  return fence;
}

function needsArguments(parameters: string): boolean {
  const plain = parameters.replace(/\s*=\s*(?:'[^']*'|"(?:[^"\\]|\\.)*"|`[^`]*`|\([^)]*\)|[\w.-]+)/g, '=');
  return plain.split(/\s+/).some((word) => word !== '' && !word.endsWith('=') && !word.startsWith('*'));
}
