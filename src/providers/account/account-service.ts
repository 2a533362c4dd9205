import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { z } from 'zod';
import {
  type Account,
  type AccountSources,
  environmentAccount,
  type Profile,
  parseProfiles,
  resolveAccount,
  tokenProblem,
} from '../../modal/accounts.ts';
import { explainError } from '../../modal/errors.ts';

const SECRET_KEY = 'modal.token';
const TokenSchema = z.object({ tokenId: z.string(), tokenSecret: z.string() });

/** Which account is in use, and how people choose one. Reads files and secrets only when asked to. */
export class AccountService {
  readonly #secrets: vscode.SecretStorage;
  readonly #sources: AccountSources;

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
  }

  /** Whether the user has chosen an account (or the local Modal). */
  get isChosen(): boolean {
    return this.#choice !== '';
  }

  get #choice(): string {
    return vscode.workspace.getConfiguration('modal').get('account', '');
  }

  /** The account in use. Throws `AccountError` when none is chosen or the chosen one is not there. */
  current(): Promise<Account> {
    return resolveAccount(this.#choice, this.#sources);
  }

  /** Asks with two buttons. Resolves true when an account is chosen afterwards. */
  async offer(): Promise<boolean> {
    const signIn = 'Sign In…';
    const local = 'Use the Local Modal';
    const pressed = await vscode.window.showInformationMessage(
      'Running in a sandbox needs a Modal account, or the local Modal, which runs sandboxes on this machine and needs none.',
      signIn,
      local,
    );
    if (pressed === signIn) return this.choose();
    if (pressed === local) return this.useLocalModal();
    return false;
  }

  /** `modal.chooseAccount`: a pick of everything found on this machine. Resolves true when one was chosen. */
  async choose(): Promise<boolean> {
    const picked = await vscode.window.showQuickPick(this.#choices(), {
      title: 'Modal: Choose Account',
      placeHolder: 'Where should sandboxes run?',
      matchOnDescription: true,
    });
    if (!picked) return false;
    return picked.choice === 'new-token' ? this.#pasteToken() : this.#use(picked.choice);
  }

  /** `modal.useLocalModal`: no account, sandboxes on this machine. */
  useLocalModal(): Promise<boolean> {
    return this.#use('local');
  }

  /** `modal.signOut`: forgets the stored token and the choice. */
  async signOut(): Promise<void> {
    await this.#secrets.delete(SECRET_KEY);
    await this.#use('');
    void vscode.window.showInformationMessage('Signed out: no Modal account is in use, and no token is stored here.');
  }

  async #choices() {
    const item = (choice: string, label: string, description: string) => ({
      choice,
      label,
      description: choice === this.#choice ? `${description} (in use)` : description,
    });
    const profiles = await this.#profiles();
    const stored = (await this.#secrets.get(SECRET_KEY)) !== undefined;
    return [
      item('local', '$(vm) Local Modal', 'sandboxes on this machine, no account'),
      ...profiles.map(({ name, active }) =>
        item(`profile:${name}`, `$(account) ${name}`, `profile of ~/.modal.toml${active ? ', active' : ''}`),
      ),
      ...(environmentAccount(process.env)
        ? [item('environment', '$(terminal) Environment', 'MODAL_TOKEN_ID and MODAL_TOKEN_SECRET')]
        : []),
      ...(stored ? [item('token', '$(key) Stored token', 'pasted before, kept in VS Code’s secret storage')] : []),
      item('new-token', '$(add) Paste a token…', 'made at modal.com/settings/tokens, kept in VS Code’s secret storage'),
    ];
  }

  async #profiles(): Promise<Profile[]> {
    try {
      return parseProfiles((await readConfigFile()) ?? '').filter(({ account }) => account);
    } catch (error) {
      void vscode.window.showWarningMessage(explainError(error));
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
  const value = await vscode.window.showInputBox({
    title: `Modal: Token ${kind === 'id' ? 'ID (1/2)' : 'Secret (2/2)'}`,
    prompt: 'Made at modal.com/settings/tokens',
    placeHolder: kind === 'id' ? 'ak-…' : 'as-…',
    password,
    ignoreFocusOut: true,
    validateInput: (text) => (text === '' ? undefined : tokenProblem(kind, text.trim())),
  });
  return value?.trim() || undefined;
}

/** Modal's own config file. https://modal.com/docs/reference/modal.config */
async function readConfigFile(): Promise<string | undefined> {
  const path = process.env.MODAL_CONFIG_PATH || join(homedir(), '.modal.toml');
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
