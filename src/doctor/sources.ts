import type { Clock } from '../base/clock.ts';
import type { Account } from '../modal/accounts.ts';
import type { LocalModalState } from '../modal/local-server.ts';
import type { SandboxStarter } from '../sandboxes/sandbox-starter.ts';

/** A program or library, and its version. */
export type Version = readonly [name: string, version: string];

/** What the doctor examines. */
export interface Sources {
  readonly versions: readonly Version[];
  /** Returns the account in use, and starts Local Modal if that's it. Throws `AccountError` and `UserError`. */
  account(): Promise<Account>;
  /** What the Local Modal in use has told; undefined if none is in use. */
  localModal(): Promise<LocalModalState | undefined>;
  /** The folders that the extension writes to. */
  readonly storage: readonly string[];
  /** Returns whether the editor has lost a token that it had stored. */
  hasLostToken(): Promise<boolean>;
  /** Starts a sandbox. Undefined if the user doesn't want that. */
  readonly starter: Pick<SandboxStarter, 'connection' | 'start' | 'letGo'> | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Wall-clock time. */
  readonly clock: Clock;
  /** The user's home folder, which no report names. */
  readonly home: string;
}
