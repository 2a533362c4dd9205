import * as vscode from 'vscode';
import { z } from 'zod';
import { UserError } from '../../base/errors.ts';
import { logError } from '../../base/log.ts';
import { AccountError, type StoredToken, StoredTokenSchema } from '../../modal/accounts.ts';
import { strings as modalStrings } from '../../modal/strings.ts';
import { strings } from './strings.ts';

/** The names of the accounts, in the extension's own state. They aren't secret, and stay if VS Code loses the tokens. */
const NAMES_KEY = 'modal.accounts';
const secretKey = (name: string) => `modal.token.${name}`;

/** The accounts whose tokens are in VS Code's secret storage, one entry each. */
export class StoredAccounts implements vscode.Disposable {
  readonly #secrets: vscode.SecretStorage;
  readonly #state: vscode.Memento;
  readonly #changed = new vscode.EventEmitter<string>();
  readonly #subscription: vscode.Disposable;
  /** Fires with the name of an account whose token was added, replaced, or removed, in any window. */
  readonly onDidChange = this.#changed.event;

  constructor(secrets: vscode.SecretStorage, state: vscode.Memento) {
    this.#secrets = secrets;
    this.#state = state;
    this.#subscription = secrets.onDidChange(({ key }) => {
      if (key.startsWith(secretKey(''))) this.#changed.fire(key.slice(secretKey('').length));
    });
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#changed.dispose();
  }

  get names(): readonly string[] {
    return z.array(z.string()).catch([]).parse(this.#state.get(NAMES_KEY));
  }

  /** Returns the token of an account. Throws `AccountError` if there is none, and says so if VS Code has lost it. */
  async read(name: string): Promise<StoredToken> {
    const text = await this.#secrets.get(secretKey(name));
    if (text === undefined) {
      throw new AccountError(
        this.names.includes(name) ? modalStrings.lostStoredToken(name) : modalStrings.noStoredToken(name),
      );
    }
    return StoredTokenSchema.parse(JSON.parse(text));
  }

  /** True if VS Code has lost the token of an account, as it does when it closes if there is no keyring. */
  async hasLost(): Promise<boolean> {
    for (const name of this.names) if ((await this.#secrets.get(secretKey(name))) === undefined) return true;
    return false;
  }

  /** Stores the token of an account. Throws `UserError` if VS Code doesn't. */
  async add(name: string, token: StoredToken): Promise<void> {
    const text = JSON.stringify(token);
    try {
      await this.#secrets.store(secretKey(name), text);
      if ((await this.#secrets.get(secretKey(name))) !== text) throw new Error('The secret storage is empty');
    } catch (error) {
      logError(error);
      throw new UserError(strings.notStored());
    }
    await this.#state.update(NAMES_KEY, [...this.names.filter((each) => each !== name), name]);
  }

  async remove(name: string): Promise<void> {
    await this.#secrets.delete(secretKey(name));
    const rest = this.names.filter((each) => each !== name);
    await this.#state.update(NAMES_KEY, rest);
  }
}
