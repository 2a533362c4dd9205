import { parse as parseToml } from 'smol-toml';
import { z } from 'zod';

/** Everything the SDK needs to reach one Modal account, or the local Modal. */
export interface Account {
  /** What people see: `Local Modal`, `profile main`, … */
  readonly label: string;
  readonly tokenId: string;
  readonly tokenSecret: string;
  /** Absent: Modal's own address. */
  readonly serverUrl?: string;
  /** Modal environment; absent: the workspace's default one. */
  readonly environment?: string;
  /** Sandboxes are processes of this machine: they cost nothing. */
  readonly isLocal?: true;
}

/** No usable account; the message says why, and the user is offered to choose one. */
export class AccountError extends Error {
  override name = 'AccountError';
}

// Keys as in modal's config file (`~/.modal.toml`), one table per profile.
const ProfileSchema = z.object({
  token_id: z.string().optional(),
  token_secret: z.string().optional(),
  server_url: z.string().optional(),
  environment: z.string().optional(),
  active: z.boolean().optional(),
});

export interface ConfigProfile {
  readonly name: string;
  readonly active: boolean;
  /** Absent: the profile lacks a token pair. */
  readonly account?: Account;
}

/** Reads the profiles of a Modal config file's text. Throws `AccountError` when the text is not TOML. */
export function parseConfigProfiles(text: string): ConfigProfile[] {
  let tables: Record<string, unknown>;
  try {
    tables = parseToml(text);
  } catch (error) {
    throw new AccountError(`The Modal config file cannot be read: ${(error as Error).message.split('\n')[0]}.`);
  }
  return Object.entries(tables).flatMap(([name, table]) => {
    const { success, data } = ProfileSchema.safeParse(table);
    if (!success) return [];
    const { token_id: tokenId, token_secret: tokenSecret, server_url: serverUrl, environment } = data;
    const account =
      tokenId && tokenSecret ? { label: `profile ${name}`, tokenId, tokenSecret, serverUrl, environment } : undefined;
    return [{ name, active: data.active === true, ...(account && { account }) }];
  });
}

/** Where accounts come from; handed in, so that this module reads no file and no secret by itself. */
export interface AccountSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of Modal's config file; absent when there is none. */
  readConfigFile(): Promise<string | undefined>;
  /** The token pair pasted by the user, kept in the editor's secret storage. */
  readStoredToken(): Promise<{ tokenId: string; tokenSecret: string } | undefined>;
  /** Starts the local Modal if need be. */
  startLocalModal(): Promise<Account>;
}

/** The account of the environment variables that Modal's own tools read; absent when they are not set. */
export function environmentAccount(env: AccountSources['env']): Account | undefined {
  const { MODAL_TOKEN_ID: tokenId, MODAL_TOKEN_SECRET: tokenSecret } = env;
  if (!tokenId || !tokenSecret) return undefined;
  return {
    label: 'environment variables',
    tokenId,
    tokenSecret,
    serverUrl: env.MODAL_SERVER_URL || undefined,
    environment: env.MODAL_ENVIRONMENT || undefined,
  };
}

/**
 * Resolves the `modal.account` setting. Throws `AccountError` with a sentence when nothing is chosen, or what is chosen
 * is not there.
 */
export async function resolveAccount(choice: string, sources: AccountSources): Promise<Account> {
  if (choice === '') throw new AccountError('No Modal account is chosen yet.');
  if (choice === 'local') return sources.startLocalModal();
  if (choice === 'environment') {
    const account = environmentAccount(sources.env);
    if (!account)
      throw new AccountError('MODAL_TOKEN_ID and MODAL_TOKEN_SECRET are not both set in VS Code’s environment.');
    return account;
  }
  if (choice === 'token') {
    const token = await sources.readStoredToken();
    if (!token) throw new AccountError('No Modal token is stored on this machine.');
    return { label: 'stored token', ...token };
  }
  const name = choice.slice('profile:'.length);
  const profiles = parseConfigProfiles((await sources.readConfigFile()) ?? '');
  const profile = profiles.find((each) => each.name === name);
  if (!profile) throw new AccountError(`The Modal config file has no profile “${name}”.`);
  if (!profile.account) throw new AccountError(`The Modal profile “${name}” has no token_id and token_secret.`);
  return profile.account;
}

/** Checks a pasted token pair's shape; Modal's ids start with `ak-`, secrets with `as-`. Returns what is wrong, if anything. */
export function tokenProblem(kind: 'id' | 'secret', value: string): string | undefined {
  const prefix = kind === 'id' ? 'ak-' : 'as-';
  if (!value.startsWith(prefix) || value.length < 8 || /\s/.test(value))
    return `A token ${kind} starts with “${prefix}” and has no spaces.`;
  return undefined;
}
