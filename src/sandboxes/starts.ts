import type { Image } from 'modal';
import type { Account } from '../modal/accounts.ts';
import type { Connection } from './connection.ts';
import type { SpendRecord } from './cost/spend.ts';
import type { Folder } from './folder.ts';
import type { MachineState } from './machine-state.ts';
import type { StartGate } from './permissions/permissions.ts';
import type { BuildImage, StartContext } from './sandbox-spec.ts';
import type { SharedSandboxes } from './shared-sandboxes.ts';

/** What a `SandboxStarter` needs. */
export interface StarterDependencies {
  account(): Promise<Account>;
  /** The Modal app that sandboxes belong to. */
  app(): string;
  /** The folder that paths in the profiles are relative to. Defaults to the folder's path. */
  profileRoot?(folder: Folder): string;
  /** Lets through what the user has allowed. Every start of a sandbox and every build of an image passes it. */
  readonly gate: StartGate;
  /** Patterns of the user's own `modal.sync.include`, which name files to send although they look like credentials. */
  userInclude?(folder: Folder): readonly string[];
  /** Builds images. Defaults to a build that shows nothing. */
  readonly buildImage?: BuildImage;
  /** State shared with other windows. Without it, their sandboxes aren't taken over, and none is remembered. */
  readonly machine?: MachineState;
  /** Without a window: the sandboxes that processes share, instead of taking over those of windows. */
  readonly shared?: SharedSandboxes;
  /** Returns the account that a value of `modal.account` refers to. Rejects if there's none. */
  accountOf?(choice: string): Promise<Account>;
  /** Returns whether a program of this window is running in a sandbox. */
  isBusy?(sandboxId: string): boolean;
  /** Returns whether a program in a sandbox outlives its window, so that the sandbox keeps running unless it's terminated. */
  outlivesWindow?(sandboxId: string): Promise<boolean>;
  /** The record of sandboxes' costs. */
  readonly spend?: SpendRecord;
}

export interface StartOptions {
  /** The folder that relative paths in the profile refer to. */
  readonly folder?: Folder | undefined;
  /** The profile's name. With it, the sandbox belongs to the folder; without it, to no folder in particular. */
  readonly profileName?: string;
  /** It serves the folder from now on, so its files are kept when it ends, and those of the one before come back. */
  readonly isServing?: boolean;
  /** Start from this snapshot instead of the profile's image. */
  readonly snapshot?: StartContext['snapshot'];
  /** Tags in addition to the extension's own. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ImageOptions {
  /** Rebuild every layer. */
  readonly force?: boolean;
  /** No one waits for the image, so no one is asked. */
  readonly isUnattended?: boolean;
  readonly signal?: AbortSignal;
}

/** The image of a profile, and the connection it belongs to. */
export interface ProfileImage extends Connection {
  readonly image: Image;
}

/** The times when a sandbox of this window started and was last used, in milliseconds since 1970. */
export interface SandboxTimes {
  readonly startedAt: number;
  readonly usedAt: number;
}
