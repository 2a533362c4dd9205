import type { ImageProfile } from '../profiles/schema.ts';
import type { SendsFile } from '../sync/rules/credentials.ts';

/** The origin of a step in what the user wrote: a line of a file (from 1), or a key of the profile's image. */
export type Place =
  | { readonly file: string; readonly line: number }
  | { readonly key: keyof ImageProfile; readonly index?: number };

/** The base of an image. */
export type Base =
  | { readonly kind: 'registry'; readonly tag: string; readonly secret?: ImageProfile['registrySecret'] }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'snapshot'; readonly id: string }
  | { readonly kind: 'stage'; readonly stage: Chain };

/** One layer: Dockerfile lines that Modal runs. */
export interface RunStep {
  readonly kind: 'run';
  /** A short description, for progress and errors. */
  readonly title: string;
  readonly place: Place;
  readonly commands: readonly string[];
  /** `RUN` sees the build secrets. */
  readonly secrets: boolean;
}

/** Files that are copied into an image by way of a sandbox, because Modal's SDK can't upload files for a build. */
export interface CopyStep {
  readonly kind: 'copy';
  readonly title: string;
  readonly place: Place;
  readonly copies: readonly Copy[];
  /** The state to restore on the snapshot: variables with their current values, and the user. */
  readonly restore: { readonly env: readonly string[]; readonly user?: string | undefined };
}

/** The files of one `COPY` or `ADD`. */
export interface Copy {
  readonly title: string;
  readonly place: Place;
  /** Local files, or paths and patterns in another image. */
  readonly from: { readonly entries: readonly CopiedEntry[] } | FromStage;
  /** Relative to the image's working directory. A folder if it ends with `/`. */
  readonly to: string;
  /** In the form that `chown` takes. */
  readonly owner?: string | undefined;
  /** In the form that `chmod` takes. */
  readonly mode?: string | undefined;
  /** Archives among the files are unpacked. */
  readonly unpack: boolean;
  /** `tree/` and `files/` are kept as folders. */
  readonly keepsLayout: boolean;
}

export interface FromStage {
  readonly stage: Chain;
  readonly user?: string | undefined;
  /** Absolute paths, which may contain shell patterns. */
  readonly paths: readonly string[];
}

/** A file, folder, or link to copy. */
export interface CopiedEntry {
  /** `tree/…` for the contents of a folder that was named, `files/…` for a file that was named. */
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'link';
  readonly executable: boolean;
  /** A file's path on this computer, or its content. */
  readonly source: string | Buffer;
  readonly size: number;
  /** Preserved, but ignored when copies are compared. */
  readonly mtimeMs: number;
  /** The target of a link. */
  readonly target?: string;
  /** The SHA-256 of a file's content. */
  readonly hash: string;
}

export type Step = RunStep | CopyStep;

/** A base and the steps applied to it, from least to most frequently changed. */
export interface Chain {
  readonly base: Base;
  readonly basePlace: Place;
  readonly steps: readonly Step[];
}

/** Everything known of an image before it is built. Equal recipes produce one image. */
export interface Recipe extends Chain {
  /** Log lines about what is done differently than written. */
  readonly notes: readonly string[];
}

/** Hashes of local files by path, with the state in which they were read. */
export type FileHashes = Map<string, { readonly key: string; readonly hash: string }>;

export interface RecipeContext {
  /** The folder that relative paths in the profile refer to. */
  readonly folderPath: string;
  /** Builds on Local Modal, which uses the programs installed on this computer. */
  readonly isLocal: boolean;
  /** Hashes of files that earlier builds have read. */
  readonly hashes?: FileHashes;
  /** Decides about files that look like credentials. Defaults to `sendsIfNamed`. */
  readonly sends?: SendsFile;
}
