import type { Image, Sandbox } from 'modal';
import type { Account } from '../modal/accounts.ts';
import { hardwareOf } from '../profiles/hardware.ts';
import type { NamedProfile } from '../profiles/profiles.ts';
import type { Profile } from '../profiles/schema.ts';
import type { Connection } from './connection.ts';
import type { SpendRecord } from './cost/spend.ts';
import type { Folder } from './folder.ts';
import type { Machine } from './machine-state.ts';
import type { BuildImage } from './sandbox-spec.ts';

/** A sandbox that serves a folder. */
export interface Session {
  readonly folder: Folder;
  readonly sandbox: Sandbox;
  /** Files that the profile says are brought back after each run. */
  readonly pull: readonly string[];
  /** The profile's name; absent for a sandbox that was not started from one. */
  readonly profile?: string;
  readonly accountLabel: string;
  /** Estimated, in US dollars; absent where nothing is billed or the price is not known. */
  readonly pricePerHourUsd?: number;
  /** Whether the sandbox costs money. */
  readonly isBilled: boolean;
  /** True when this call started the sandbox. */
  readonly isNew: boolean;
  /** Set when this call took a sandbox that was there already: kept warm, or left behind by a window that is gone. */
  readonly taken?: 'warm' | 'left behind';
  /** The sandbox was started before its profile was changed. */
  readonly isOutdated: boolean;
}

export interface ImageOptions {
  /** Builds all of it, whatever there is already. */
  readonly force?: boolean;
  readonly signal?: AbortSignal;
}

/** The image of a profile, and where it is. */
export interface ProfileImage extends Connection {
  readonly image: Image;
}

export interface SessionSources {
  account(): Promise<Account>;
  /** The Modal app that sandboxes belong to. */
  app(): string;
  /** The profile of a name, or the one chosen for the folder. Throws `UserError` when it cannot be used. */
  profile(folder: Folder, name?: string): Promise<NamedProfile>;
  /** Where paths in the folder's profiles start; the folder's own path when absent. */
  profileRoot?(folder: Folder): string;
  /** Builds images; the plain `buildImage` when absent. */
  readonly buildImage?: BuildImage;
  /** What other windows are told and tell; nothing is taken over from them when absent. */
  readonly machine?: Machine;
  /** Where the cost of sandboxes is noted. */
  readonly spend?: SpendRecord;
  /** A sandbox that was kept warm for the profile. */
  takeWarm?(folder: Folder, named: NamedProfile): Sandbox | undefined;
  /** Asks whether a sandbox that costs money may be started. Throws `UserError` when it may not. */
  requireBudget?(): Promise<void>;
  /** A sandbox is being started for a run. */
  onStarting?(starting: Promise<unknown>): void;
  /** A run had to wait for a new sandbox. */
  onColdStart?(folder: Folder, named: NamedProfile, durationMs: number): void;
  /** A sandbox was started or was found to have ended: lists of sandboxes are out of date. */
  onChange?(): void;
}

/** A sandbox of this window, with the end of its life. */
export interface Life {
  readonly folder: Folder;
  readonly named: NamedProfile;
  readonly sandbox: Sandbox;
  /** Milliseconds since 1970, as the other. */
  readonly endsAt: number;
  /** When it ends of being idle, by the uses that this window knows of; it may live longer by others. */
  readonly idleAt: number;
}

type Billing = Pick<Connection, 'account' | 'prices'>;

/** What the record of spend wants to know; nothing is billed for the local Modal. */
export function costOf({ account, prices }: Billing, profile: Profile) {
  const { idleTimeoutMs, timeoutMs } = profile;
  const usdPerHour = account.isLocal ? 0 : (prices.perHourUsd(hardwareOf(profile)) ?? 0);
  return { usdPerHour, idleTimeoutMs, timeoutMs };
}

/** What a session says of its price. */
export function billing({ account, prices }: Billing, profile?: Profile) {
  const { label, isLocal } = account;
  const price = isLocal || !profile ? undefined : prices.perHourUsd(hardwareOf(profile));
  return { accountLabel: label, isBilled: isLocal !== true, ...(price !== undefined && { pricePerHourUsd: price }) };
}
