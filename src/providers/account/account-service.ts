import * as vscode from 'vscode';
import { z } from 'zod';
import {
  type Account,
  type AccountSources,
  accountIdOf,
  LOCAL_ACCOUNT_ID,
  PROFILE_PREFIX,
  resolveAccount,
  STORED_PREFIX,
} from '../../modal/accounts.ts';
import { readConfigFile } from '../../modal/config-file.ts';
import type { AccountState } from '../common/account-state.ts';
import { onDidChangeSettings, readSettings } from '../common/settings.ts';
import type { StoredAccounts } from './stored-accounts.ts';
import { strings } from './strings.ts';

/** The workspace's own choice, which takes precedence over `modal.account`. A setting of the workspace could come with its files. */
const CHOICE_KEY = 'modal.account';
const ENVIRONMENT_KEY = 'modal.environment';

const EnvironmentChoiceSchema = z.object({ choice: z.string(), name: z.string() });

/** The account in use. The only reader of `modal.account`; reads files and secrets on demand, and makes no call. */
export class AccountService implements AccountState, vscode.Disposable {
  readonly #state: vscode.Memento;
  readonly #sources: AccountSources;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #subscriptions: vscode.Disposable[];
  /** Fires when another account, environment, or app is chosen, and when the account in use has a new token. */
  readonly onDidChange = this.#changed.event;

  constructor(stored: StoredAccounts, state: vscode.Memento, startLocalModal: () => Promise<Account>) {
    this.#state = state;
    this.#sources = {
      env: process.env,
      readConfigFile: () => readConfigFile(),
      readStoredToken: (name) => stored.read(name),
      startLocalModal,
    };
    this.#subscriptions = [
      onDidChangeSettings(() => this.#changed.fire(), 'account', 'app'),
      stored.onDidChange((name) => {
        if (this.choice === STORED_PREFIX + name) this.#changed.fire();
      }),
    ];
  }

  dispose(): void {
    for (const each of this.#subscriptions) each.dispose();
    this.#changed.dispose();
  }

  /** True if the user has chosen an account or Local Modal. */
  get isChosen(): boolean {
    return this.choice !== '';
  }

  /** True if sandboxes run on this computer. */
  get isLocal(): boolean {
    return this.choice === 'local';
  }

  /** Identifies the account, environment, and app that sandboxes are started in. */
  get key(): string {
    return JSON.stringify([this.choice, this.environment, readSettings().app]);
  }

  /** The name of the account in use, with the environment if the user has chosen one. */
  get label(): string {
    const name = nameOf(this.choice);
    return this.environment ? `${name}/${this.environment}` : name;
  }

  /** Identifies the account without starting Local Modal. Throws `AccountError` if it isn't available. */
  async id(): Promise<string> {
    return this.isLocal ? LOCAL_ACCOUNT_ID : accountIdOf(await this.current());
  }

  /** The choice in effect, as a value of `modal.account`; empty if nothing is chosen. */
  get choice(): string {
    return this.#state.get<string>(CHOICE_KEY) ?? this.#setting;
  }

  get #setting(): string {
    return vscode.workspace.getConfiguration('modal').get('account', '');
  }

  /** The environment that the user has chosen for the account in use; undefined for the account's own default. */
  get environment(): string | undefined {
    const chosen = EnvironmentChoiceSchema.safeParse(this.#state.get(ENVIRONMENT_KEY)).data;
    return chosen?.choice === this.choice ? chosen.name : undefined;
  }

  /** Returns the account in use. Throws `AccountError` if none is chosen or the chosen one isn't available. */
  async current(): Promise<Account> {
    const { environment } = this;
    const account = await resolveAccount(this.choice, this.#sources);
    return environment ? { ...account, environment } : account;
  }

  /** Returns the account that a value of `modal.account` refers to. Throws as `current` does. */
  of(choice: string): Promise<Account> {
    return resolveAccount(choice, this.#sources);
  }

  /**
   * Uses an account in this workspace. It's also the default of other workspaces if they had none, or Local Modal, which is
   * often tried first.
   */
  async use(choice: string): Promise<void> {
    const isTrial = this.#setting === '' || (this.#setting === 'local' && choice !== 'local');
    if (isTrial) await this.#setDefault(choice);
    await this.#state.update(CHOICE_KEY, this.#setting === choice ? undefined : choice);
    this.#changed.fire();
  }

  /** Chooses the environment of the account in use; undefined for the account's own default. */
  async useEnvironment(name: string | undefined): Promise<void> {
    await this.#state.update(ENVIRONMENT_KEY, name === undefined ? undefined : { choice: this.choice, name });
    this.#changed.fire();
  }

  /** Forgets a choice, in this workspace and as the default. */
  async forget(choice: string): Promise<void> {
    if (this.#state.get(CHOICE_KEY) === choice) await this.#state.update(CHOICE_KEY, undefined);
    if (this.#setting === choice) await this.#setDefault(undefined);
    this.#changed.fire();
  }

  async #setDefault(choice: string | undefined): Promise<void> {
    const configuration = vscode.workspace.getConfiguration('modal');
    await configuration.update('account', choice, vscode.ConfigurationTarget.Global);
  }
}

/** Returns the name of the account that a choice refers to. */
export function nameOf(choice: string): string {
  if (choice === 'local') return strings.localModal();
  if (choice === 'environment') return strings.environment();
  return [STORED_PREFIX, PROFILE_PREFIX].reduce(
    (name, prefix) => (name.startsWith(prefix) ? name.slice(prefix.length) : name),
    choice,
  );
}
