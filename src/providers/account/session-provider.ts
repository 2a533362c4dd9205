import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { STORED_PREFIX } from '../../modal/accounts.ts';
import type { AccountService } from './account-service.ts';
import type { SignIn } from './sign-in.ts';
import type { StoredAccounts } from './stored-accounts.ts';
import { strings } from './strings.ts';

/** The ID under which other extensions ask for a Modal account. Also in `package.json`. */
const PROVIDER_ID = 'modal';

/**
 * Shows the stored accounts in VS Code's Accounts menu, and gives them to other extensions that the user allows to have them.
 * A session's access token is the token's ID and its secret with a colon in between.
 */
export class SessionProvider implements vscode.AuthenticationProvider, vscode.Disposable {
  readonly #stored: StoredAccounts;
  readonly #accounts: AccountService;
  readonly #signIn: SignIn;
  readonly #changed = new vscode.EventEmitter<vscode.AuthenticationProviderAuthenticationSessionsChangeEvent>();
  readonly onDidChangeSessions = this.#changed.event;
  readonly #subscriptions: vscode.Disposable[];

  constructor(stored: StoredAccounts, accounts: AccountService, signIn: SignIn) {
    this.#stored = stored;
    this.#accounts = accounts;
    this.#signIn = signIn;
    this.#subscriptions = [
      this.#changed,
      stored.onDidChange((name) => void this.#report(name)),
      vscode.authentication.registerAuthenticationProvider(PROVIDER_ID, strings.providerName(), this, {
        supportsMultipleAccounts: true,
      }),
    ];
  }

  dispose(): void {
    for (const each of this.#subscriptions) each.dispose();
  }

  async getSessions(
    _scopes?: readonly string[],
    options?: vscode.AuthenticationProviderSessionOptions,
  ): Promise<vscode.AuthenticationSession[]> {
    const wanted = options?.account?.id;
    const names = this.#stored.names.filter((name) => wanted === undefined || name === wanted);
    const sessions = await Promise.all(names.map((name) => this.#session(name)));
    return sessions.filter((session) => session !== undefined);
  }

  async createSession(): Promise<vscode.AuthenticationSession> {
    const choice = await this.#signIn.withBrowser();
    const session = choice?.startsWith(STORED_PREFIX)
      ? await this.#session(choice.slice(STORED_PREFIX.length))
      : undefined;
    if (!session) throw new UserError(strings.notSignedIn());
    if (!this.#accounts.isChosen) await this.#accounts.use(STORED_PREFIX + session.id);
    return session;
  }

  /** Signs out of an account: deletes its token, and forgets the choice. */
  async removeSession(id: string): Promise<void> {
    await this.#stored.remove(id);
    await this.#accounts.forget(STORED_PREFIX + id);
  }

  async #session(name: string): Promise<vscode.AuthenticationSession | undefined> {
    const token = await this.#stored.read(name).catch(() => undefined);
    if (!token) return undefined;
    const { tokenId, tokenSecret } = token;
    return { id: name, accessToken: `${tokenId}:${tokenSecret}`, account: { id: name, label: name }, scopes: [] };
  }

  async #report(name: string): Promise<void> {
    const session = await this.#session(name);
    const removed = { id: name, accessToken: '', account: { id: name, label: name }, scopes: [] };
    this.#changed.fire(
      session ? { added: [session], removed: [], changed: [] } : { added: [], removed: [removed], changed: [] },
    );
  }
}
