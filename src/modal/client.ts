import type { ModalClient } from 'modal';
import type { ClientMiddleware } from 'nice-grpc';
import { Emitter, type Event } from '../base/events.ts';
import { logError, logInfo, logWarning } from '../base/log.ts';
import { type Account, type OAuthCredentials, serverUrlOf } from './accounts.ts';
import { limitCalls } from './call-limits.ts';
import { tellReason } from './connection-reason.ts';
import { isTokenRejected } from './errors.ts';
import { loadSdk } from './load-sdk.ts';
import { forgetLocalModal } from './local-server.ts';
import { SandboxCalls } from './sandbox-calls.ts';

/** A profile name that no config file has. Keeps the SDK from using a profile that the user didn't select. */
const NO_PROFILE = '(none)';

/** Creates a client for the account that is in use from now on. Makes no call. */
export async function connect(account: Account): Promise<ModalClient> {
  const client = await newClient(account);
  if (!account.isLocal) forgetLocalModal();
  return client;
}

const didReject = new Emitter<Account>();
/** Fires each time when a server doesn't accept an account's token, such as one that was revoked. */
export const onTokenRejected: Event<Account> = didReject.event;

/**
 * Loads the SDK (at first use) and creates a client for an account. Makes no call. The SDK reads its server's address only
 * from the environment (0.11.1 ignores `endpoint`), so the environment is set while the constructor runs.
 */
export async function newClient(account: Account): Promise<ModalClient> {
  const sdk = await loadSdk();
  const { tokenId, tokenSecret, oauth } = account;
  const calls = new SandboxCalls(sdk.Metadata);
  const serverUrl = serverUrlOf(account);
  const client = withEnvironment(
    {
      MODAL_PROFILE: NO_PROFILE,
      MODAL_SERVER_URL: serverUrl,
      MODAL_ENVIRONMENT: account.environment,
      MODAL_SANDBOX_V2: undefined,
    },
    () =>
      new sdk.ModalClient({
        ...(oauth ? oauthParameters(oauth) : { tokenId, tokenSecret }),
        maxThrottleWaitSecs: 60,
        logger: sdkLogger,
        logLevel: 'debug',
        grpcMiddleware: [limitCalls(), calls.middleware(), noticeRejection(account), tellReason(serverUrl)],
      }),
  );
  calls.follow(client);
  return client;
}

function oauthParameters({ refreshToken, clientId, clientSecret, jwtKey }: OAuthCredentials) {
  return {
    oauthRefreshToken: refreshToken,
    oauthClientId: clientId,
    ...(clientSecret !== undefined && { oauthClientSecret: clientSecret }),
    ...(jwtKey !== undefined && { oauthJwtKey: jwtKey }),
  };
}

function noticeRejection(account: Account): ClientMiddleware {
  return async function* rejection(call, options) {
    try {
      return yield* call.next(call.request, options);
    } catch (error) {
      if (isTokenRejected(error)) didReject.fire(account);
      throw error;
    }
  };
}

const execIdsByCommand = new WeakMap<object, string>();

const didWarn = new Emitter<string>();
/** Fires with each warning of Modal's servers. The SDK passes on each once per client and connection to a sandbox. */
export const onServerWarning: Event<string> = didWarn.event;

/** The warnings of the SDK itself that have no details, and so look like those of the servers. */
const SDK_WARNINGS =
  /^(?:Task router URL changed|x-modal-auth-token does not|Using insecure TLS|experimentalList without|Matching a FunctionCall)/;

/** Returns whether a text without details is a warning of the SDK itself, such as that it uses no TLS on this computer. */
export function isSdkWarning(message: string): boolean {
  return SDK_WARNINGS.test(message);
}

const sdkLogger = {
  /**
   * The SDK doesn't expose the ID of an exec, which is needed to resume its output after a lost connection, but passes it to
   * its logger together with the command. All other debug entries are dropped.
   */
  debug(_message: string, ...details: unknown[]): void {
    const named = (name: string) => details[details.indexOf(name) + 1];
    const [execId, command] = details.includes('exec_id') ? [named('exec_id'), named('command')] : [];
    if (typeof execId === 'string' && Array.isArray(command)) execIdsByCommand.set(command, execId);
  },
  info: (message: string, ...details: unknown[]) => logInfo(entryOf(message, details)),
  warn(message: string, ...details: unknown[]): void {
    logWarning(entryOf(message, details));
    if (details.length === 0 && !isSdkWarning(message)) didWarn.fire(message);
  },
  error: (message: string, ...details: unknown[]) => logError(entryOf(message, details)),
};

/** Returns a log entry with its details, which alternate between names and values. */
function entryOf(message: string, details: readonly unknown[]): string {
  return ['Modal:', message, ...details.map((each) => (each instanceof Error ? each.message : String(each)))].join(' ');
}

/** Returns the ID of the exec that was started with this array (the same object). */
export function execIdOf(command: readonly string[]): string | undefined {
  return execIdsByCommand.get(command);
}

function withEnvironment<T>(variables: Record<string, string | undefined>, action: () => T): T {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  const assign = ([name, value]: readonly [string, string | undefined]) => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  try {
    for (const entry of Object.entries(variables)) assign(entry);
    return action();
  } finally {
    for (const entry of before) assign(entry);
  }
}
