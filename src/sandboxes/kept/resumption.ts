import type { Image, Sandbox } from 'modal';
import type { ResumedFiles } from '../sandbox-spec.ts';
import type { KeptSandbox, SavedFiles } from './records.ts';

/**
 * Why a sandbox started afresh although files of an earlier one were kept: what has changed, that they're lost, or that Modal
 * refused to start a sandbox with them.
 */
export type Refusal = 'profile' | 'image' | 'lost' | 'refused';

/** What became of the files of an earlier sandbox. */
export type Resumption = { readonly savedAt: number; readonly fromId: string } | { readonly refusal: Refusal };

/** Files to resume from. */
export interface Resumable extends ResumedFiles {
  readonly from: KeptSandbox;
  readonly saved: SavedFiles;
}

/** A start of a sandbox whose files are to be kept. */
export interface KeepingStart {
  /** What became of the files of the sandbox before; undefined if none were kept. */
  readonly resumption: Resumption | undefined;
  /** Returns the files to start with instead of the profile's image. Throws as `KeptSandboxes.resumable`. */
  resume(image: Image, signal?: AbortSignal): Promise<Resumable | undefined>;
  /** Gives up the files, if there are any, so that `resume` returns none. Returns false if there were none. */
  giveUp(): boolean;
  started(sandbox: Sandbox): Promise<void>;
}
