import type { ImageProfile } from '../profiles/schema.ts';

/** Where in what the user wrote a step comes from: a line of a file (from 1), or a key of the profile’s image. */
export type Place =
  | { readonly file: string; readonly line: number }
  | { readonly key: keyof ImageProfile; readonly index?: number };

/** What an image starts from. */
export type Base =
  | { readonly kind: 'registry'; readonly tag: string; readonly secret?: ImageProfile['registrySecret'] }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'snapshot'; readonly id: string }
  | { readonly kind: 'stage'; readonly stage: Chain };

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

/** Files that are brought into an image by way of a sandbox, since Modal’s SDK uploads none for a build. */
export interface CopyStep {
  readonly kind: 'copy';
  readonly title: string;
  readonly place: Place;
  readonly copies: readonly Copy[];
  /** Set again on the snapshot: variables with the values that they have, and the user. */
  readonly restore: { readonly env: readonly string[]; readonly user?: string | undefined };
}

/** What one `COPY` or `ADD` brings. */
export interface Copy {
  readonly title: string;
  readonly place: Place;
  /** Files of this machine, or paths and patterns in another image. */
  readonly from: { readonly entries: readonly CopiedEntry[] } | FromStage;
  /** A folder when it ends with `/`. Relative to the image’s working directory. */
  readonly to: string;
  /** `user:group`, as `chown` takes it. */
  readonly owner?: string | undefined;
  /** As `chmod` takes it. */
  readonly mode?: string | undefined;
  /** Whether archives among the files are unpacked. */
  readonly unpack: boolean;
  /** Whether `tree/` and `files/` stay as they are. */
  readonly keepsLayout: boolean;
}

export interface FromStage {
  readonly stage: Chain;
  readonly user?: string | undefined;
  /** Absolute, with a shell’s patterns. */
  readonly paths: readonly string[];
}

/** One file, folder or link that a copy brings, by its name in the copy. */
export interface CopiedEntry {
  /** `tree/…` for what lies in a folder that was named, `files/…` for a file that was. */
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'link';
  readonly executable: boolean;
  /** Where the content of a file is: on this machine, or in memory. */
  readonly source: string | Buffer;
  readonly size: number;
  /** Kept, and no part of what makes two copies differ. */
  readonly mtimeMs: number;
  /** What a link points to. */
  readonly target?: string;
  /** SHA-256 of a file’s content. */
  readonly hash: string;
}

export type Step = RunStep | CopyStep;

/** A base and what is done to it, from rarely to often changed. */
export interface Chain {
  readonly base: Base;
  readonly basePlace: Place;
  readonly steps: readonly Step[];
}

/** Everything of an image that is known before anything is built. Two equal recipes make one image. */
export interface Recipe extends Chain {
  /** What is done otherwise than written, said in the log. */
  readonly notes: readonly string[];
}
