import type { Event } from '../../base/events.ts';

/** The account that sandboxes run in, as features and views see it. */
export interface AccountState {
  /** True if the user has chosen an account or Local Modal. */
  readonly isChosen: boolean;
  /** True if sandboxes run on this computer. */
  readonly isLocal: boolean;
  /** The name of the account, for users. */
  readonly label: string;
  /** Identifies the account, environment, and app that sandboxes are started in. */
  readonly key: string;
  /** Resolves with the ID of the account that answers belong to. Rejects if the account isn't available. */
  id(): Promise<string>;
  /** Fires when another account, environment, or app is chosen, and when the account has a new token. */
  readonly onDidChange: Event<unknown>;
}
