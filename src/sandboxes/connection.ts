import type { App, ModalClient } from 'modal';
import type { Account } from '../modal/accounts.ts';
import { connect } from '../modal/client.ts';
import { useRates } from '../modal/prices.ts';
import { accountRates } from '../modal/rates.ts';
import { openApp } from '../modal/sandboxes.ts';

/** A connection to an account: the client and the app our sandboxes live in. */
export interface Connection {
  readonly account: Account;
  readonly client: ModalClient;
  readonly app: App;
}

/** The connection that is in use: one at a time. */
export class Connections {
  readonly #onChange: () => void;
  #current: { key: string; opened: Promise<Connection> } | undefined;

  /** `onChange` is told that what was there of another account or app holds no longer. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Connects, unless the last call was for the same account and app. Throws the SDK's errors. */
  async current(account: Account, appName: string): Promise<Connection> {
    const key = JSON.stringify([account, appName]);
    if (this.#current?.key !== key) {
      this.#current = { key, opened: openConnection(account, appName) };
      this.#onChange();
      void this.#learnRates(this.#current);
    }
    const current = this.#current;
    return current.opened.catch((error) => {
      if (this.#current === current) this.#current = undefined;
      throw error;
    });
  }

  /** Prices are the account's own as soon as it has told them; nobody waits for that. */
  async #learnRates(connection: { opened: Promise<Connection> }): Promise<void> {
    useRates();
    const opened = await connection.opened.catch(() => undefined);
    if (!opened || opened.account.isLocal) return;
    const rates = await accountRates(opened.client);
    if (this.#current === connection) useRates(rates);
  }
}

/** Connects to an account, and finds or creates the app. */
async function openConnection(account: Account, appName: string): Promise<Connection> {
  const client = await connect(account);
  return { account, client, app: await openApp(client, appName) };
}
