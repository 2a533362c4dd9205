import type { ModalClient } from 'modal';
import type { Account } from './accounts.ts';

/** A section name that no config file has: keeps the SDK from mixing in a profile that the user did not choose. */
const NO_PROFILE = '(none)';

/**
 * Loads the SDK (at first use) and connects it to an account. Makes no call. The SDK takes its server's address from the
 * environment alone (0.11.1 ignores `endpoint`), so the environment is set for the length of the constructor.
 */
export async function connect(account: Account): Promise<ModalClient> {
  const sdk = await import('./sdk.ts');
  return withEnvironment(
    {
      MODAL_PROFILE: NO_PROFILE,
      // Where an account names no server, the one of VS Code's own environment holds, as for Modal's other tools.
      MODAL_SERVER_URL: account.serverUrl ?? process.env.MODAL_SERVER_URL,
      MODAL_ENVIRONMENT: account.environment,
      MODAL_SANDBOX_V2: undefined,
    },
    () =>
      new sdk.ModalClient({
        tokenId: account.tokenId,
        tokenSecret: account.tokenSecret,
        maxThrottleWaitSecs: 60,
        logger: execIds,
        logLevel: 'debug',
      }),
  );
}

const execIdsByCommand = new WeakMap<object, string>();

/**
 * The SDK keeps an exec's id to itself, but tells it with the command to its logger: what output is continued by after a
 * connection was lost. Its other words would go to the extension host's console, where nobody looks.
 */
const execIds = {
  debug(_message: string, ...details: unknown[]): void {
    const named = (name: string) => details[details.indexOf(name) + 1];
    const [execId, command] = details.includes('exec_id') ? [named('exec_id'), named('command')] : [];
    if (typeof execId === 'string' && Array.isArray(command)) execIdsByCommand.set(command, execId);
  },
  info: () => {},
  warn: () => {},
  error: () => {},
};

/** The id of the exec that was started with this very array. */
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
