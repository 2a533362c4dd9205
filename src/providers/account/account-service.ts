import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { z } from 'zod';
import {
  type Account,
  type AccountSources,
  accountIdOf,
  type ConfigProfile,
  environmentAccount,
  LOCAL_ACCOUNT_ID,
  parseConfigProfiles,
  resolveAccount,
  tokenProblem,
} from '../../modal/accounts.ts';
import { explainAndLog } from '../../modal/errors.ts';
import type { AccountState } from '../common/account-state.ts';
import { onDidChangeSettings, readSettings } from '../common/settings.ts';
import { window } from '../common/window.ts';
import { strings } from './strings.ts';

const SECRET_KEY = 'modal.token';
const TokenSchema = z.object({ tokenId: z.string(), tokenSecret: z.string() });

/** The account in use, and the ways to choose one. The only reader of `modal.account`; reads files and secrets on demand. */
export class AccountService implements AccountState, vscode.Disposable {
  readonly #secrets: vscode.SecretStorage;
  readonly #sources: AccountSources;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #subscription: vscode.Disposable;
  /** Fires when another account or app is chosen. */
  readonly onDidChange = this.#changed.event;

  constructor(secrets: vscode.SecretStorage, startLocalModal: () => Promise<Account>) {
    this.#secrets = secrets;
    this.#sources = {
      env: process.env,
      readConfigFile,
      readStoredToken: async () => {
        const stored = await secrets.get(SECRET_KEY);
        return stored === undefined ? undefined : TokenSchema.parse(JSON.parse(stored));
      },
      startLocalModal,
    };
    this.#subscription = onDidChangeSettings(() => this.#changed.fire(), 'account', 'app');
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#changed.dispose();
  }

  /** True if the user has chosen an account or Local Modal. */
  get isChosen(): boolean {
    return this.#choice !== '';
  }

  /** True if sandboxes run on this computer. */
  get isLocal(): boolean {
    return this.#choice === 'local';
  }

  /** Identifies the account and app that sandboxes are started in. */
  get key(): string {
    return JSON.stringify([this.#choice, readSettings().app]);
  }

  /** Identifies the account without starting Local Modal. Throws `AccountError` if it isn't available. */
  async id(): Promise<string> {
    return this.isLocal ? LOCAL_ACCOUNT_ID : accountIdOf(await this.current());
  }

  get #choice(): string {
    return vscode.workspace.getConfiguration('modal').get('account', '');
  }

  /** Returns the account in use. Throws `AccountError` if none is chosen or the chosen one isn't available. */
  current(): Promise<Account> {
    return resolveAccount(this.#choice, this.#sources);
  }

  /** Returns the account that a value of `modal.account` refers to. Throws as `current` does. */
  of(choice: string): Promise<Account> {
    return resolveAccount(choice, this.#sources);
  }

  /** Offers to choose an account if none is chosen. Resolves with true if one is chosen then. */
  async ensureChosen(): Promise<boolean> {
    return this.isChosen || this.#offer();
  }

  /** Asks the user to sign in or to use Local Modal. Resolves with true if an account is chosen afterwards. */
  async #offer(): Promise<boolean> {
    const [signIn, local] = [strings.signIn(), strings.useLocalModal()];
    const pressed = await window.showInformationMessage(strings.offer(), signIn, local);
    if (pressed === signIn) return this.choose();
    if (pressed === local) return this.useLocalModal();
    return false;
  }

  /** `modal.chooseAccount`: lists the accounts found on this computer. Resolves with true if one was chosen. */
  async choose(): Promise<boolean> {
    const picked = await window.showQuickPick(this.#choices(), {
      title: strings.chooseTitle(),
      placeHolder: strings.choosePlaceholder(),
      matchOnDescription: true,
    });
    if (!picked) return false;
    return picked.choice === 'new-token' ? this.#pasteToken() : this.#use(picked.choice);
  }

  /** `modal.useLocalModal`: runs sandboxes on this computer, without an account. */
  useLocalModal(): Promise<boolean> {
    return this.#use('local');
  }

  /** `modal.signOut`: deletes the stored token and forgets the choice. */
  async signOut(): Promise<void> {
    await this.#secrets.delete(SECRET_KEY);
    await this.#use('');
    void window.showInformationMessage(strings.signedOut());
  }

  async #choices() {
    const item = (choice: string, icon: string, name: string, description: string) => ({
      choice,
      label: [{ icon }, name],
      description: choice === this.#choice ? strings.current(description) : description,
    });
    const profiles = await this.#profiles();
    const stored = (await this.#secrets.get(SECRET_KEY)) !== undefined;
    return [
      item('local', 'vm', strings.localModal(), strings.localModalDescription()),
      ...profiles.map(({ name, active, account }) => {
        const description = active ? strings.activeConfigProfile() : strings.configProfile();
        return item(
          `profile:${name}`,
          account ? 'account' : 'warning',
          name,
          account ? description : strings.unusableConfigProfile(),
        );
      }),
      ...(environmentAccount(process.env)
        ? [item('environment', 'terminal', strings.environment(), strings.environmentDescription())]
        : []),
      ...(stored ? [item('token', 'key', strings.storedToken(), strings.storedTokenDescription())] : []),
      item('new-token', 'add', strings.pasteToken(), strings.pasteTokenDescription()),
    ];
  }

  async #profiles(): Promise<ConfigProfile[]> {
    try {
      return parseConfigProfiles((await readConfigFile()) ?? '').filter(({ account, wrongKey }) => account ?? wrongKey);
    } catch (error) {
      void window.showWarningMessage(explainAndLog(error));
      return [];
    }
  }

  async #pasteToken(): Promise<boolean> {
    const tokenId = await askForToken('id', false);
    const tokenSecret = tokenId && (await askForToken('secret', true));
    if (!tokenId || !tokenSecret) return false;
    await this.#secrets.store(SECRET_KEY, JSON.stringify({ tokenId, tokenSecret }));
    return this.#use('token');
  }

  async #use(choice: string): Promise<boolean> {
    await vscode.workspace
      .getConfiguration('modal')
      .update('account', choice || undefined, vscode.ConfigurationTarget.Global);
    return choice !== '';
  }
}

async function askForToken(kind: 'id' | 'secret', password: boolean): Promise<string | undefined> {
  const value = await window.showInputBox({
    title: kind === 'id' ? strings.tokenIdTitle() : strings.tokenSecretTitle(),
    prompt: strings.tokenPrompt(),
    placeHolder: kind === 'id' ? 'ak-…' : 'as-…',
    password,
    ignoreFocusOut: true,
    validateInput: (text) => (text === '' ? undefined : tokenProblem(kind, text.trim())),
  });
  return value?.trim() || undefined;
}

/** Reads Modal's config file. https://modal.com/docs/reference/modal.config */
async function readConfigFile(): Promise<string | undefined> {
  const path = process.env.MODAL_CONFIG_PATH || join(homedir(), '.modal.toml');
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
