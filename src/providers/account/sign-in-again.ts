import type { Disposable } from '../../base/events.ts';
import type { Account } from '../../modal/accounts.ts';
import { onTokenRejected } from '../../modal/client.ts';
import { window } from '../common/window.ts';
import type { AccountPicker } from './account-picker.ts';
import type { AccountService } from './account-service.ts';
import { strings } from './strings.ts';

interface Prompt {
  /** Tells the token from a later one of the same user. */
  readonly tokenId: string;
  readonly shownAt: number;
  isOpen: boolean;
  /** Resolves with true if there is a usable account afterwards. */
  readonly answer: Promise<boolean>;
}

/** Says once that an account can't be used any more, and offers to sign in again. */
export class SignInAgain implements Disposable {
  readonly #accounts: AccountService;
  readonly #picker: AccountPicker;
  readonly #subscription: Disposable;
  #last: Prompt | undefined;

  constructor(accounts: AccountService, picker: AccountPicker) {
    this.#accounts = accounts;
    this.#picker = picker;
    this.#subscription = onTokenRejected((account) => void this.#notice(account));
  }

  dispose(): void {
    this.#subscription.dispose();
  }

  /**
   * Asks the user to sign in again because something failed with this message. Joins the question that is open or was asked
   * since the start. Resolves with true if it can be tried again.
   */
  recover(message: string, startedAt: number): Promise<boolean> {
    if (this.#last && (this.#last.isOpen || this.#last.shownAt >= startedAt)) return this.#last.answer;
    return this.#ask('', message).answer;
  }

  async #notice(rejected: Account): Promise<void> {
    const tokenId = rejected.tokenId || (rejected.oauth?.refreshToken ?? '');
    // A new Local Modal has a new token, and an account that was just entered is checked where it was entered.
    if (rejected.isLocal || rejected.choice !== this.#accounts.choice || this.#last?.tokenId === tokenId) return;
    this.#ask(tokenId, strings.tokenRejected(this.#accounts.label));
  }

  #ask(tokenId: string, message: string): Prompt {
    const answer = this.#offer(message).finally(() => {
      prompt.isOpen = false;
    });
    const prompt: Prompt = { tokenId, shownAt: performance.now(), isOpen: true, answer };
    this.#last = prompt;
    return prompt;
  }

  async #offer(message: string): Promise<boolean> {
    const [signIn, choose] = [strings.signInAgain(), strings.chooseAccount()];
    const pressed = await window.showErrorMessage(message, signIn, choose);
    if (pressed === signIn) return this.#picker.signIn();
    return pressed === choose ? this.#picker.choose() : false;
  }
}
