import { createHash } from 'node:crypto';
import { parse as parseToml } from 'smol-toml';
import { z } from 'zod';
import { strings } from './strings.ts';

/** Everything the SDK needs to reach a Modal account, or Local Modal. */
export interface Account {
  /** Shown to users: `Local Modal`, `profile main`, … */
  readonly label: string;
  readonly tokenId: string;
  readonly tokenSecret: string;
  /** Defaults to Modal's own server. */
  readonly serverUrl?: string;
  /** The Modal environment. Defaults to the workspace's default one. */
  readonly environment?: string;
  /** Sandboxes run on this computer and are free. */
  readonly isLocal?: true;
  /** The value of `modal.account` that refers to it. */
  readonly choice?: string;
}

/**
 * Identifies an account without revealing its token. Not the same for two tokens of one workspace, which can be used by
 * different people.
 */
export function accountIdOf({ isLocal, tokenId, serverUrl = '' }: Account): string {
  if (isLocal) return LOCAL_ACCOUNT_ID;
  return createHash('sha256')
    .update(JSON.stringify([serverUrl, tokenId]))
    .digest('hex')
    .slice(0, 32);
}

/** The ID of Local Modal, whatever token its server uses at the moment. */
export const LOCAL_ACCOUNT_ID = 'local';

/** There is no usable account. The message says why; callers let the user select one. */
export class AccountError extends Error {
  override name = 'AccountError';
}

/** A table of Modal's config file (`~/.modal.toml`), which has one per profile. */
const ConfigProfileSchema = z.object({
  token_id: z.string().optional(),
  token_secret: z.string().optional(),
  server_url: z.string().optional(),
  environment: z.string().optional(),
  // As in Modal's own tools, any value but false and an empty one counts.
  active: z.unknown().optional().transform(Boolean),
});

/** A profile of Modal's config file. */
export interface ConfigProfile {
  readonly name: string;
  readonly active: boolean;
  /** Undefined if the profile has no token pair, or can't be read. */
  readonly account?: Account;
  /** The key whose value has the wrong type, so that the profile can't be read. */
  readonly wrongKey?: string;
}

/** Reads the profiles of a Modal config file. Throws `AccountError` if the text isn't TOML. */
export function parseConfigProfiles(text: string): ConfigProfile[] {
  let tables: Record<string, unknown>;
  try {
    tables = parseToml(text);
  } catch (error) {
    throw new AccountError(strings.unreadableConfig((error as Error).message.split('\n')[0] ?? ''));
  }
  return Object.entries(tables).flatMap(([name, table]): ConfigProfile[] => {
    // Keys at the top aren't profiles.
    if (typeof table !== 'object' || table === null || Array.isArray(table)) return [];
    const { data, error } = ConfigProfileSchema.safeParse(table);
    if (!data)
      return [
        {
          name,
          active: Boolean((table as Record<string, unknown>).active),
          wrongKey: String(error.issues[0]?.path[0]),
        },
      ];
    const { token_id: tokenId, token_secret: tokenSecret, server_url: serverUrl, environment } = data;
    const label = strings.configProfileLabel(name);
    const account = tokenId && tokenSecret ? { label, tokenId, tokenSecret, serverUrl, environment } : undefined;
    return [{ name, active: data.active, ...(account && { account }) }];
  });
}

/** The sources of accounts. Injected, so that this module reads no files or secrets. */
export interface AccountSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Returns the text of Modal's config file; undefined if there is none. */
  readConfigFile(): Promise<string | undefined>;
  /** Returns the token pair that the user pasted, from VS Code's secret storage. */
  readStoredToken(): Promise<{ tokenId: string; tokenSecret: string } | undefined>;
  /** Starts Local Modal if it isn't running. */
  startLocalModal(): Promise<Account>;
}

/** Returns the account of the environment variables that Modal's own tools read; undefined if they aren't set. */
export function environmentAccount(env: AccountSources['env']): Account | undefined {
  const { MODAL_TOKEN_ID: tokenId, MODAL_TOKEN_SECRET: tokenSecret } = env;
  if (!tokenId || !tokenSecret) return undefined;
  return {
    label: strings.environmentLabel(),
    tokenId,
    tokenSecret,
    serverUrl: env.MODAL_SERVER_URL || undefined,
    environment: env.MODAL_ENVIRONMENT || undefined,
  };
}

/** Resolves the `modal.account` setting. Throws `AccountError` if there is no such account, or it has no token. */
export async function resolveAccount(choice: string, sources: AccountSources): Promise<Account> {
  return { ...(await findAccount(choice, sources)), choice };
}

async function findAccount(choice: string, sources: AccountSources): Promise<Account> {
  if (choice === '') throw new AccountError(strings.noAccount());
  if (choice === 'local') return sources.startLocalModal();
  if (choice === 'environment') {
    const account = environmentAccount(sources.env);
    if (!account) throw new AccountError(strings.incompleteEnvironment());
    return account;
  }
  if (choice === 'token') {
    const token = await sources.readStoredToken();
    if (!token) throw new AccountError(strings.noStoredToken());
    return { label: strings.storedTokenLabel(), ...token };
  }
  const name = choice.slice('profile:'.length);
  const profiles = parseConfigProfiles((await sources.readConfigFile()) ?? '');
  const profile = profiles.find((each) => each.name === name);
  if (!profile) throw new AccountError(strings.noConfigProfile(name));
  if (profile.wrongKey !== undefined) throw new AccountError(strings.wrongConfigValue(name, profile.wrongKey));
  if (!profile.account) throw new AccountError(strings.incompleteConfigProfile(name));
  return profile.account;
}

/** Checks the format of a pasted token. Returns what is wrong with it, if anything. */
export function tokenProblem(kind: 'id' | 'secret', value: string): string | undefined {
  const prefix = kind === 'id' ? 'ak-' : 'as-';
  if (value.startsWith(prefix) && value.length >= 8 && !/\s/.test(value)) return undefined;
  return kind === 'id' ? strings.invalidTokenId(prefix) : strings.invalidTokenSecret(prefix);
}
