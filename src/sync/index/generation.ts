/**
 * Names one state of a sandbox's folder: the number of the push that made it, a dot, and random digits. `NO_GENERATION`
 * if nothing was sent.
 */
export type Generation = string;

export const NO_GENERATION: Generation = 'none';

/** Precedes the generation in a sandbox from the first change that a push makes until its last. */
const INTERRUPTED = 'dirty.';

/** Returns what a sandbox reports when the push to a generation was interrupted. */
export function interrupted(generation: Generation): Generation {
  return INTERRUPTED + generation;
}

/** Returns the generation of the push that was interrupted, if a sandbox reports one. */
export function interruptedGeneration(generation: Generation): Generation | undefined {
  return generation.startsWith(INTERRUPTED) ? generation.slice(INTERRUPTED.length) : undefined;
}

/** Returns the number that a generation starts with; 0 if nothing was sent. */
export function sequenceOf(generation: Generation): number {
  return Number.parseInt(interruptedGeneration(generation) ?? generation, 10) || 0;
}
