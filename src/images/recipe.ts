import type { ImageProfile } from '../profiles/schema.ts';

/** Where in what the user wrote a step comes from: a line of a file (from 1), or a key of the profile’s image. */
export type Place =
  | { readonly file: string; readonly line: number }
  | { readonly key: keyof ImageProfile; readonly index?: number };

/** What an image starts from. */
export type Base =
  | { readonly kind: 'registry'; readonly tag: string; readonly secret?: ImageProfile['registrySecret'] }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'snapshot'; readonly id: string };

/** One layer: Dockerfile lines that Modal carries out. */
export interface RunStep {
  readonly kind: 'run';
  /** A word on what it does, for progress and errors. */
  readonly title: string;
  readonly place: Place;
  readonly commands: readonly string[];
  /** Whether `RUN` sees the build secrets. */
  readonly secrets: boolean;
}

export type Step = RunStep;

/** Everything of an image that is known before anything is built. Two equal recipes make one image. */
export interface Recipe {
  readonly base: Base;
  readonly basePlace: Place;
  /** From rarely to often changed. */
  readonly steps: readonly Step[];
  /** What is done otherwise than written, said in the log. */
  readonly notes: readonly string[];
}
