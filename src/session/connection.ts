import type { App, ModalClient } from 'modal';
import type { Account } from '../modal/accounts.ts';
import { connect } from '../modal/client.ts';
import { openApp } from '../modal/sandboxes.ts';

/** A connection to an account: the client and the app our sandboxes live in. */
export interface Connection {
  readonly account: Account;
  readonly client: ModalClient;
  readonly app: App;
}

/** Connects to an account, and finds or creates the app. Throws the SDK's errors. */
export async function openConnection(account: Account, appName: string): Promise<Connection> {
  const client = await connect(account);
  return { account, client, app: await openApp(client, appName) };
}
