import {
  type Account,
  AccountError,
  accountIdOf,
  environmentAccount,
  LOCAL_ACCOUNT_ID,
  PROFILE_PREFIX,
  parseConfigProfiles,
  profilesInUse,
  resolveAccount,
} from '../modal/accounts.ts';
import { readConfigFile } from '../modal/config-file.ts';
import { strings } from './strings.ts';

/**
 * Returns the account that Modal's own tools use: the environment's, or else the active profile of Modal's config file; if
 * there is none, Local Modal. Throws `AccountError` if the file can't be read or MODAL_PROFILE names none of its profiles.
 */
export async function defaultChoice(
  env: NodeJS.ProcessEnv = process.env,
  readFile: () => Promise<string | undefined> = readConfigFile,
): Promise<string> {
  if (environmentAccount(env)) return 'environment';
  const { profiles, problem } = profilesInUse(parseConfigProfiles((await readFile()) ?? ''), env);
  if (problem !== undefined) throw new AccountError(problem);
  const only = profiles.length === 1 ? profiles[0] : undefined;
  const active = profiles.find((each) => each.active) ?? profiles.find(({ name }) => name === 'default') ?? only;
  return active ? PROFILE_PREFIX + active.name : 'local';
}

/** The account of a service, which doesn't change. */
export class ServiceAccount {
  readonly choice: string;
  readonly #startLocalModal: () => Promise<Account>;

  /** `choice` is a value of `modal.account`. */
  constructor(choice: string, startLocalModal: () => Promise<Account>) {
    this.choice = choice;
    this.#startLocalModal = startLocalModal;
  }

  /** True if sandboxes run on this computer. */
  get isLocal(): boolean {
    return this.choice === 'local';
  }

  /** Returns the account. Throws `AccountError` if it isn't available. */
  current(): Promise<Account> {
    return this.of(this.choice);
  }

  /** Returns the account that a value of `modal.account` refers to. Throws as `current` does. */
  of(choice: string): Promise<Account> {
    return resolveAccount(choice, {
      env: process.env,
      readConfigFile: () => readConfigFile(),
      readStoredToken: (name) => Promise.reject(new AccountError(strings.tokenOfEditor(name))),
      startLocalModal: this.#startLocalModal,
    });
  }

  /** Identifies the account without starting Local Modal. Throws as `current` does. */
  async id(): Promise<string> {
    return this.isLocal ? LOCAL_ACCOUNT_ID : accountIdOf(await this.current());
  }
}
