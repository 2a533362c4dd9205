import { createHash } from 'node:crypto';
import { parse as parseToml } from 'smol-toml';
import { z } from 'zod';
import type { ActionId } from '../base/errors.ts';
import { strings } from './strings.ts';

/** Credentials of a program that a user has let use their account, instead of a token. */
export interface OAuthCredentials {
  readonly refreshToken: string;
  readonly clientId: string;
  /** Either this or a private key. */
  readonly clientSecret?: string;
  readonly jwtKey?: string;
}

/** Everything the SDK needs to reach a Modal account, or Local Modal. */
export interface Account {
  /** Shown to users: `Local Modal`, `profile main`, … */
  readonly label: string;
  /** Empty with OAuth. */
  readonly tokenId: string;
  readonly tokenSecret: string;
  readonly oauth?: OAuthCredentials;
  /** The user and workspace that the token belongs to, as Modal named them. Undefined if that isn't known. */
  readonly owner?: { readonly user: string; readonly workspace: string };
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
 * Identifies an account without revealing its token. The same for all tokens of a user whom Modal has named, as after signing
 * in again. Otherwise, not the same for two tokens of one workspace, which can be used by different people.
 */
export function accountIdOf({ isLocal, tokenId, oauth, owner, serverUrl = '' }: Account): string {
  if (isLocal) return LOCAL_ACCOUNT_ID;
  return createHash('sha256')
    .update(JSON.stringify([serverUrl, ...(owner ? [owner.user, owner.workspace] : [tokenId || oauth?.refreshToken])]))
    .digest('hex')
    .slice(0, 32);
}

/** The ID of Local Modal, whatever token its server uses at the moment. */
export const LOCAL_ACCOUNT_ID = 'local';

/** The start of a choice of an account whose token is in VS Code's secret storage. Its name follows. */
export const STORED_PREFIX = 'token:';
/** The start of a choice of a profile of Modal's config file. Its name follows. */
export const PROFILE_PREFIX = 'profile:';

/** Modal's own server. */
const MODAL_SERVER_URL = 'https://api.modal.com:443';

/** Returns the address of an account's server: by default the one that the environment names, as in Modal's other tools. */
export function serverUrlOf({ serverUrl }: Pick<Account, 'serverUrl'>, env: NodeJS.ProcessEnv = process.env): string {
  return serverUrl || env.MODAL_SERVER_URL || MODAL_SERVER_URL;
}

/** Returns where an account comes from, without its name. */
export function accountKind({ isLocal, choice = '', oauth }: Account): string {
  if (isLocal) return 'Local Modal';
  const credentials = oauth ? 'OAuth' : 'a token';
  if (choice === 'environment') return `${credentials} of environment variables`;
  if (choice.startsWith(STORED_PREFIX)) return `${credentials} that VS Code keeps`;
  return `${credentials} of the config file`;
}

/** There is no usable account. The message says why; callers let the user select one. */
export class AccountError extends Error {
  override name = 'AccountError';
  /** The next steps to offer before signing in. */
  readonly actions: readonly ActionId[];

  constructor(message: string, ...actions: ActionId[]) {
    super(message);
    this.actions = actions;
  }
}

/** A table of Modal's config file (`~/.modal.toml`), which has one per profile. */
const ConfigProfileSchema = z.object({
  token_id: z.string().optional(),
  token_secret: z.string().optional(),
  oauth_refresh_token: z.string().optional(),
  oauth_client_id: z.string().optional(),
  oauth_client_secret: z.string().optional(),
  oauth_jwt_key: z.string().optional(),
  server_url: z.string().optional(),
  environment: z.string().optional(),
  // As in Modal's own tools, any value but false and an empty one counts.
  active: z.unknown().optional().transform(Boolean),
});

/** A profile of Modal's config file. */
export interface ConfigProfile {
  readonly name: string;
  readonly active: boolean;
  /** Undefined if the profile has neither a token nor OAuth credentials, or can't be read. */
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
    throw new AccountError(strings.unreadableConfig((error as Error).message.split('\n')[0] ?? ''), 'openConfigFile');
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
    const { server_url: serverUrl, environment } = data;
    const credentials = credentialsOf(
      { id: data.token_id, secret: data.token_secret },
      {
        refreshToken: data.oauth_refresh_token,
        clientId: data.oauth_client_id,
        clientSecret: data.oauth_client_secret,
        jwtKey: data.oauth_jwt_key,
      },
    );
    const account = credentials && { label: strings.configProfileLabel(name), ...credentials, serverUrl, environment };
    return [{ name, active: data.active, ...(account && { account }) }];
  });
}

/**
 * Returns the profiles with the one as active that Modal's own tools use: if MODAL_PROFILE is set, the one that it names.
 * `problem` says that the file doesn't have that one, for which the SDK reports no error.
 */
export function profilesInUse(
  profiles: readonly ConfigProfile[],
  { MODAL_PROFILE: chosen }: AccountSources['env'],
): { readonly profiles: readonly ConfigProfile[]; readonly problem?: string } {
  if (!chosen) return { profiles };
  const marked = profiles.map((profile) => ({ ...profile, active: profile.name === chosen }));
  if (marked.some(({ active }) => active)) return { profiles: marked };
  return { profiles: marked, problem: strings.noProfileOfVariable(chosen, namesOf(profiles)) };
}

function namesOf(profiles: readonly ConfigProfile[]): string[] {
  return profiles.map(({ name }) => name);
}
type Credentials = Pick<Account, 'tokenId' | 'tokenSecret' | 'oauth'>;

/** Returns complete credentials; undefined if parts are missing. A token takes precedence, as it does in the SDK's constructor. */
function credentialsOf(
  token: { readonly id: string | undefined; readonly secret: string | undefined },
  oauth: { readonly [part in keyof Required<OAuthCredentials>]: string | undefined },
): Credentials | undefined {
  if (token.id && token.secret) return { tokenId: token.id, tokenSecret: token.secret };
  const { refreshToken, clientId, clientSecret, jwtKey } = oauth;
  if (!refreshToken || !clientId) return undefined;
  // The SDK accepts only one of the two.
  const proof = clientSecret ? { clientSecret } : jwtKey ? { jwtKey } : undefined;
  return proof && { tokenId: '', tokenSecret: '', oauth: { refreshToken, clientId, ...proof } };
}

/** A token that the extension keeps in VS Code's secret storage. */
export const StoredTokenSchema = z.object({
  tokenId: z.string().min(1),
  tokenSecret: z.string().min(1),
  workspace: z.string(),
  user: z.string().optional(),
  /** The server that the token is for. Defaults to Modal's own. */
  serverUrl: z.string().optional(),
});
export type StoredToken = z.infer<typeof StoredTokenSchema>;

/** The sources of accounts. Injected, so that this module reads no files or secrets. */
export interface AccountSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Returns the text of Modal's config file; undefined if there is none. */
  readConfigFile(): Promise<string | undefined>;
  /** Returns the token that was stored under a name. Throws `AccountError` if there is none. */
  readStoredToken(name: string): Promise<StoredToken>;
  /** Starts Local Modal if it isn't running. */
  startLocalModal(): Promise<Account>;
}

/** Returns the account of the environment variables that Modal's own tools read; undefined if they aren't set. */
export function environmentAccount(env: AccountSources['env']): Account | undefined {
  const credentials = credentialsOf(
    { id: env.MODAL_TOKEN_ID, secret: env.MODAL_TOKEN_SECRET },
    {
      refreshToken: env.MODAL_OAUTH_REFRESH_TOKEN,
      clientId: env.MODAL_OAUTH_CLIENT_ID,
      clientSecret: env.MODAL_OAUTH_CLIENT_SECRET,
      jwtKey: env.MODAL_OAUTH_JWT_KEY,
    },
  );
  if (!credentials) return undefined;
  return {
    label: strings.environmentLabel(),
    ...credentials,
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
  if (choice.startsWith(STORED_PREFIX)) {
    const name = choice.slice(STORED_PREFIX.length);
    const { tokenId, tokenSecret, serverUrl, user, workspace } = await sources.readStoredToken(name);
    const owner = user === undefined ? undefined : { user, workspace };
    return { label: name, tokenId, tokenSecret, ...(owner && { owner }), ...(serverUrl && { serverUrl }) };
  }
  const name = choice.slice(PROFILE_PREFIX.length);
  const profiles = parseConfigProfiles((await sources.readConfigFile()) ?? '');
  const profile = profiles.find((each) => each.name === name);
  if (!profile) throw new AccountError(strings.noConfigProfile(name, namesOf(profiles)), 'openConfigFile');
  if (profile.wrongKey !== undefined)
    throw new AccountError(strings.wrongConfigValue(name, profile.wrongKey), 'openConfigFile');
  if (!profile.account) throw new AccountError(strings.incompleteConfigProfile(name), 'openConfigFile');
  return profile.account;
}

/** Checks the format of a pasted token. Returns what is wrong with it, if anything. */
export function tokenProblem(kind: 'id' | 'secret', value: string): string | undefined {
  const prefix = kind === 'id' ? 'ak-' : 'as-';
  if (value.startsWith(prefix) && value.length >= 8 && !/\s/.test(value)) return undefined;
  return kind === 'id' ? strings.invalidTokenId(prefix) : strings.invalidTokenSecret(prefix);
}
