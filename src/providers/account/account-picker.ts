import * as vscode from 'vscode';
import { logWarning } from '../../base/log.ts';
import {
  type ConfigProfile,
  environmentAccount,
  PROFILE_PREFIX,
  parseConfigProfiles,
  profilesInUse,
  STORED_PREFIX,
} from '../../modal/accounts.ts';
import { readConfigFile } from '../../modal/config-file.ts';
import { explainAndLog } from '../../modal/explain/explain.ts';
import type { LocalModalLauncher } from '../../modal/local-modal.ts';
import { actionOf } from '../common/error-actions.ts';
import { shown } from '../common/report.ts';
import { type PickItem, window } from '../common/window.ts';
import type { AccountService } from './account-service.ts';
import type { SignIn } from './sign-in.ts';
import type { StoredAccounts } from './stored-accounts.ts';
import { strings } from './strings.ts';

interface Choice extends PickItem {
  /** Resolves with the choice that refers to the account; undefined if the user cancels. */
  readonly choose: () => Promise<string | undefined>;
}

interface AccountPickerDependencies {
  readonly accounts: AccountService;
  readonly stored: StoredAccounts;
  readonly signIn: SignIn;
  readonly localModal: LocalModalLauncher;
}

/** The list of the accounts on this computer, and of the ways to add one. */
export class AccountPicker {
  readonly #accounts: AccountService;
  readonly #stored: StoredAccounts;
  readonly #signIn: SignIn;
  readonly #localModal: LocalModalLauncher;
  /** What MODAL_PROFILE was last found to be wrong about. */
  #toldProblem: string | undefined;

  constructor({ accounts, stored, signIn, localModal }: AccountPickerDependencies) {
    this.#accounts = accounts;
    this.#stored = stored;
    this.#signIn = signIn;
    this.#localModal = localModal;
  }

  /** Asks where sandboxes run. Resolves with true if an account was chosen. Nothing is sent before that. */
  async choose(): Promise<boolean> {
    const picked = await window.showQuickPick(this.#choices(), {
      title: strings.chooseTitle(),
      placeHolder: strings.choosePlaceholder(),
      matchOnDescription: true,
      ignoreFocusOut: true,
    });
    const choice = await picked?.choose();
    return choice === 'local' ? this.useLocalModal() : this.#use(choice);
  }

  /** Signs in with the browser. Resolves with true if that succeeded. */
  async signIn(): Promise<boolean> {
    return this.#use(await this.#signIn.withBrowser());
  }

  /** Uses Local Modal, starts it, and says what to expect of it. */
  async useLocalModal(): Promise<boolean> {
    void shown(async () => {
      await this.#localModal.account();
      // VS Code shows a message with a button in full.
      const settings = actionOf('showLocalModalSettings');
      const { isolation = '' } = (await this.#localModal.state()) ?? {};
      const words = `${strings.localModalLimits()} ${isolation}`.trim();
      const pressed = await window.showInformationMessage(words, settings.title());
      if (pressed === settings.title()) await settings.run({});
    });
    return this.#use('local');
  }

  async #use(choice: string | undefined): Promise<boolean> {
    if (choice !== undefined) await this.#accounts.use(choice);
    return choice !== undefined;
  }

  /** Returns the profiles of Modal's config file that are usable, or that would be after a correction. */
  async #profiles(): Promise<readonly ConfigProfile[]> {
    try {
      const { profiles, problem } = profilesInUse(parseConfigProfiles((await readConfigFile()) ?? ''), process.env);
      if (problem !== undefined && problem !== this.#toldProblem) {
        this.#toldProblem = problem;
        logWarning(problem);
        void window.showWarningMessage(problem);
      }
      return profiles.filter(({ account, wrongKey }) => account ?? wrongKey);
    } catch (error) {
      void window.showWarningMessage(explainAndLog(error));
      return [];
    }
  }

  async #choices(): Promise<Choice[]> {
    const current = this.#accounts.choice;
    const known = (choice: string, icon: string, name: string, description: string, detail?: string): Choice => ({
      choose: async () => choice,
      label: [{ icon }, name],
      description: choice === current ? strings.current(description) : description,
      ...(detail !== undefined && { detail }),
    });
    const found = [
      ...this.#stored.names.map((name) =>
        known(STORED_PREFIX + name, 'account', name, strings.storedTokenDescription()),
      ),
      ...(await this.#profiles()).map(({ name, active, account }) => {
        const description = active ? strings.activeConfigProfile() : strings.configProfile();
        return known(
          PROFILE_PREFIX + name,
          account ? 'account' : 'warning',
          name,
          account ? description : strings.unusableConfigProfile(),
        );
      }),
      ...(environmentAccount(process.env)
        ? [known('environment', 'terminal', strings.environment(), strings.environmentDescription())]
        : []),
    ];
    const add = (icon: string, name: string, description: string, choose: Choice['choose']): Choice => ({
      choose,
      label: [{ icon }, name],
      description,
    });
    const { runtime } = (await this.#localModal.state()) ?? {};
    return [
      ...found,
      ...(found.length > 0 ? [separator(strings.otherPlaces())] : []),
      add('sign-in', strings.signInWithBrowser(), strings.signInDescription(), () => this.#signIn.withBrowser()),
      known('local', 'vm', strings.localModal(), strings.localModalDescription(), strings.localModalSummary(runtime)),
      add('key', strings.pasteToken(), strings.pasteTokenDescription(), () => this.#signIn.withToken()),
    ];
  }
}

function separator(label: string): Choice {
  return { label, kind: vscode.QuickPickItemKind.Separator, choose: async () => undefined };
}
