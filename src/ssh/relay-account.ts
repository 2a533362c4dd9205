import { UserError } from '../base/errors.ts';
import { type Account, resolveAccount, STORED_PREFIX } from '../modal/accounts.ts';
import { readConfigFile } from '../modal/config-file.ts';
import { accountOfServer, findServer, logPathIn, takeLease, watchLease } from '../modal/local-server.ts';
import type { Host, SshFolder } from './hosts.ts';
import { strings } from './strings.ts';
import { askForAccount } from './windows.ts';

/** True if only a window knows the account's token. */
function needsWindow(choice: string): boolean {
  return choice === 'environment' || choice.startsWith(STORED_PREFIX);
}

/**
 * Returns the account of a host for a program that runs without a window: from Modal's config file, a running Local Modal,
 * or a window of this user. Throws `UserError` and `AccountError`.
 */
export async function relayAccount(host: Host, folder: SshFolder): Promise<Account> {
  const account = await (needsWindow(host.account) ? fromWindow(host, folder) : fromFiles(host));
  return host.environment === undefined ? account : { ...account, environment: host.environment };
}

async function fromWindow(host: Host, folder: SshFolder): Promise<Account> {
  const account = await askForAccount(folder, host.account);
  if (!account) throw new UserError(strings.noWindow());
  return account;
}

function fromFiles(host: Host): Promise<Account> {
  return resolveAccount(host.account, {
    env: {},
    readConfigFile: () => readConfigFile(host.configPath),
    readStoredToken: () => Promise.reject(new UserError(strings.noWindow())),
    startLocalModal: () => joinLocalModal(host),
  });
}

/** Leases the server, so that it stays for the connection. It isn't started, because its sandboxes end with it. */
async function joinLocalModal({ localModalDir = '' }: Host): Promise<Account> {
  const server = await findServer(localModalDir);
  const lease = server && (await takeLease(server));
  if (!server || !lease) throw new UserError(strings.noLocalModal());
  watchLease(lease, logPathIn(localModalDir));
  return accountOfServer(server);
}
