import type { Sandbox } from 'modal';
import { accountIdOf } from '../modal/accounts.ts';
import { hardwareOf } from '../profiles/hardware.ts';
import type { NamedProfile } from '../profiles/profiles.ts';
import type { Profile } from '../profiles/schema.ts';
import type { Connection } from './connection.ts';
import type { Folder } from './folder.ts';
import type { Resumption } from './kept/resumption.ts';

/** A sandbox that serves a folder. */
export interface Session {
  readonly folder: Folder;
  readonly sandbox: Sandbox;
  /** Patterns of files that the profile pulls after each run. */
  readonly pull: readonly string[];
  /** The profile's name. Absent for a sandbox that wasn't started from a profile. */
  readonly profile?: string;
  readonly accountLabel: string;
  /** Identifies the account that answers belong to. */
  readonly accountId: string;
  /** The name of the sandbox's host volume. */
  readonly hostVolume?: string;
  /** Estimated. Absent if nothing is billed or the price is unknown. */
  readonly pricePerHourUsd?: number;
  /** The environment file of the profile, if the user has refused it. */
  readonly refusedEnvFile?: string;
  /** The sandbox costs money. */
  readonly isBilled: boolean;
  /** This call started the sandbox. */
  readonly isNew: boolean;
  /** This call took an existing sandbox (a warm one, one left behind by an earlier window, or one that processes share), or the files of one that ended. */
  readonly taken?: 'warm' | 'left behind' | 'shared' | 'resumed';
  /** What became of the files of an earlier sandbox, if this call started one. */
  readonly resumption?: Resumption;
  /** The profile changed after the sandbox was started. */
  readonly isOutdated: boolean;
}

/** A sandbox that is being started for a run. */
export interface SandboxStart {
  readonly folder: Folder;
  /** The profile's name. */
  readonly profile: string;
  /** Rejects if the start fails. */
  readonly sandbox: Promise<Sandbox>;
}

/** A sandbox was started with the files of one that had ended. */
export interface ResumedSession {
  readonly folder: Folder;
  /** The profile's name. */
  readonly profile: string;
  /** When the files were saved, in milliseconds since 1970. */
  readonly savedAt: number;
  readonly sandboxId: string;
  /** The ID of the sandbox that had ended. */
  readonly fromId: string;
}

/** A run had to wait until a new sandbox had started. */
export interface ColdStart {
  readonly folder: Folder;
  readonly named: NamedProfile;
  readonly durationMs: number;
}

/** A sandbox of this window, and the times at which it stops, in milliseconds since 1970. */
export interface SandboxLifetime {
  readonly folder: Folder;
  readonly named: Pick<NamedProfile, 'name' | 'profile'>;
  readonly sandbox: Sandbox;
  /** The end of its maximum lifetime. */
  readonly endsAt: number;
  /** The end of the idle timeout, as far as this window knows. Use by other windows extends it. */
  readonly idleAt: number;
  /** Its files are lost unless this window saves them before it ends. */
  readonly needsSaving: boolean;
}

/** Returns the fields of a session that concern its profile. */
export function profileFields({ name, profile, refusedEnvFile }: NamedProfile) {
  return { profile: name, pull: profile.pull, ...(refusedEnvFile !== undefined && { refusedEnvFile }) };
}

/** Returns the fields of a session that concern its account and price. */
export function billing({ account, prices }: Pick<Connection, 'account' | 'prices'>, profile?: Profile) {
  const { label, isLocal } = account;
  const price = isLocal || !profile ? undefined : prices.perHourUsd(hardwareOf(profile));
  return {
    accountLabel: label,
    accountId: accountIdOf(account),
    isBilled: isLocal !== true,
    ...(price !== undefined && { pricePerHourUsd: price }),
  };
}
