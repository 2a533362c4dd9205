import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { PROFILE_PREFIX, STORED_PREFIX, type StoredToken, tokenProblem } from '../../modal/accounts.ts';
import { addConfigProfile } from '../../modal/config-file.ts';
import { describeIdentity, identify } from '../../modal/identity.ts';
import { type SignInPage, signInWithBrowser } from '../../modal/token-flow.ts';
import { withProgress } from '../common/progress.ts';
import { shown } from '../common/report.ts';
import { window } from '../common/window.ts';
import type { StoredAccounts } from './stored-accounts.ts';
import { strings } from './strings.ts';

/** The time for the user to agree in the browser. */
const BROWSER_TIMEOUT_MS = 10 * 60_000;

type Token = Pick<StoredToken, 'tokenId' | 'tokenSecret'>;

/** The ways to sign in. Each checks the token, keeps it, and says who the user is. */
export class SignIn {
  readonly #stored: StoredAccounts;

  constructor(stored: StoredAccounts) {
    this.#stored = stored;
  }

  /** Signs in with the browser. Resolves with the new account's choice; undefined if the user cancels or it fails. */
  withBrowser(): Promise<string | undefined> {
    return shown(() =>
      withProgress(strings.signingIn(), async (signal, report) => {
        const open = (page: SignInPage) => {
          report({ message: strings.compareCode(page.code) });
          void openPage(page.url);
        };
        const token = await signInWithBrowser({ serverUrl: serverUrl(), open, timeoutMs: BROWSER_TIMEOUT_MS, signal });
        return this.#accept(token, signal);
      }),
    );
  }

  /** Asks for a token ID and its secret. Resolves like `withBrowser`. */
  async withToken(): Promise<string | undefined> {
    const tokenId = await askForToken('id', false);
    const tokenSecret = tokenId && (await askForToken('secret', true));
    if (!tokenId || !tokenSecret) return undefined;
    return shown(() =>
      withProgress(strings.checkingToken(), (signal) => this.#accept({ tokenId, tokenSecret }, signal)),
    );
  }

  /** Checks a token and keeps it. Throws if Modal doesn't accept it. */
  async #accept({ tokenId, tokenSecret }: Token, signal: AbortSignal): Promise<string | undefined> {
    const url = serverUrl();
    const token = { tokenId, tokenSecret, ...(url && { serverUrl: url }) };
    const identity = await identify({ label: '', ...token }, signal);
    const name = describeIdentity(identity);
    const choice = await this.#keep(name, { ...token, ...identity });
    if (choice !== undefined) void window.showInformationMessage(strings.signedIn(name));
    return choice;
  }

  /** Stores a token where it lasts. Resolves with the choice that refers to it; undefined if the user wants neither place. */
  async #keep(name: string, token: StoredToken): Promise<string | undefined> {
    const problem = (await this.#stored.hasLost())
      ? strings.noKeyring()
      : await this.#stored.add(name, token).then(
          () => undefined,
          (error: Error) => {
            if (error instanceof UserError) return error.message;
            throw error;
          },
        );
    if (problem === undefined) return STORED_PREFIX + name;
    const [toFile, untilClosed] = [strings.saveInConfigFile(), strings.untilClosed()];
    const pressed = await window.showWarningMessage(problem, { modal: true }, toFile, untilClosed);
    if (pressed === toFile) {
      const profile = await addConfigProfile(name, token);
      await this.#stored.remove(name);
      return PROFILE_PREFIX + profile;
    }
    if (pressed !== untilClosed) return undefined;
    await this.#stored.add(name, token);
    return STORED_PREFIX + name;
  }
}

/** The server to sign in to, as in Modal's other tools; undefined for Modal's own. */
function serverUrl(): string | undefined {
  return process.env.MODAL_SERVER_URL || undefined;
}

/** Opens the page in the user's browser, also if the editor runs on another computer. */
async function openPage(url: string): Promise<void> {
  if (await vscode.env.openExternal(vscode.Uri.parse(url))) return;
  const copy = strings.copyLink();
  if ((await window.showWarningMessage(strings.pageNotOpened(), copy)) === copy) {
    await vscode.env.clipboard.writeText(url);
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
