import type { App, ModalClient } from 'modal';
import { Emitter, type Event } from '../base/events.ts';
import { logLine } from '../base/log-lines.ts';
import { type Account, accountKind } from '../modal/accounts.ts';
import { connect } from '../modal/client.ts';
import { Prices } from '../modal/prices.ts';
import { accountRates } from '../modal/rates.ts';
import { openApp } from '../modal/sandboxes.ts';

/** A connection to an account: the client and the app that sandboxes belong to. */
export interface Connection {
  readonly account: Account;
  readonly client: ModalClient;
  readonly app: App;
  readonly prices: Prices;
}

/** The connection in use: one at a time. */
export class Connections {
  readonly #onConnect: (client: ModalClient, account: Account) => void;
  readonly #didChange = new Emitter<void>();
  #current: { readonly key: string; readonly opened: Promise<Connection>; readonly prices: Prices } | undefined;
  /** Fires when the first connection or one to another account or app is opened, and when one is left. */
  readonly onDidChange: Event<void> = this.#didChange.event;

  /** `onConnect` is called with each client before its first use. */
  constructor(onConnect: (client: ModalClient, account: Account) => void) {
    this.#onConnect = onConnect;
  }

  /** Connects, unless the last call was for the same account and app. Throws the SDK's errors. */
  async current(account: Account, appName: string): Promise<Connection> {
    const key = JSON.stringify([account, appName]);
    if (this.#current?.key !== key) {
      const prices = new Prices();
      this.#current = { key, opened: this.#open(account, appName, prices), prices };
      this.#didChange.fire();
      void loadRates(this.#current.opened);
    }
    const current = this.#current;
    return current.opened.catch((error) => {
      if (this.#current === current) this.#current = undefined;
      throw error;
    });
  }

  /** Leaves the connection in use: another account or app was chosen. */
  leave(): void {
    if (!this.#current) return;
    this.#current = undefined;
    this.#didChange.fire();
  }

  /** Connects to an account, and finds or creates the app. */
  async #open(account: Account, appName: string, prices: Prices): Promise<Connection> {
    logLine.connected({
      kind: accountKind(account),
      hasOtherServer: account.serverUrl !== undefined && !account.isLocal,
      hasEnvironment: account.environment !== undefined,
    });
    const client = await connect(account);
    this.#onConnect(client, account);
    return { account, client, app: await openApp(client, appName), prices };
  }

  /** The prices of the account in use; the published ones before there is one. */
  get prices(): Prices {
    return this.#current?.prices ?? PUBLISHED_PRICES;
  }
}

const PUBLISHED_PRICES = new Prices();

/** Uses the account's own rates once it has reported them. Nothing waits for that. */
async function loadRates(opening: Promise<Connection>): Promise<void> {
  const opened = await opening.catch(() => undefined);
  if (!opened || opened.account.isLocal) return;
  opened.prices.use(await accountRates(opened.client));
}
