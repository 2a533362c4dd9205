import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import type { Account } from './accounts.ts';
import { strings } from './strings.ts';

/** The content of the file that a shared Local Modal writes to its data folder for its clients. */
const ServerFileSchema = z.object({
  url: z.url(),
  leaseUrl: z.url(),
  tokenId: z.string().min(1),
  tokenSecret: z.string().min(1),
});
const SERVER_FILE = 'server.json';
type ServerFile = z.infer<typeof ServerFileSchema>;

export interface LocalModalOptions {
  /** The server's bundle. */
  readonly serverPath: string;
  /** Folder for volumes, images, and snapshots. Shared by all windows. */
  readonly dataDir: string;
  /** Run commands even if they can't be isolated (the user has agreed to this). */
  readonly allowUnisolated: boolean;
}

/** The server's exit code if another one is using its data folder. */
const EXIT_IN_USE = 3;
const START_TIMEOUT_MS = 15_000;
const LEASE_TIMEOUT_MS = 5_000;

/**
 * Joins the Local Modal on this computer, or starts it if no other window has. The server runs for as long as it's leased,
 * and stops automatically soon after its last lease ends, even if this process is killed.
 */
export class LocalModalLauncher {
  readonly #options: () => LocalModalOptions;
  #starting: Promise<Account> | undefined;
  #lease: IncomingMessage | undefined;

  constructor(options: () => LocalModalOptions) {
    this.#options = options;
  }

  /** Returns the account of the server, and starts it if necessary. Throws `UserError` if it can't be started. */
  async account(): Promise<Account> {
    this.#starting ??= this.#join().catch((error) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /** Ends the lease. The server stops if there are no others. */
  dispose(): void {
    this.#starting = undefined;
    this.#lease?.destroy();
  }

  async #join(): Promise<Account> {
    const options = this.#options();
    await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
    // Twice: two windows may start a server at the same moment, and the second one then joins the first.
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const server = await readServerFile(options.dataDir);
      const lease = server && (await takeLease(server));
      if (server && lease) return this.#hold(server, lease);
      await startServer(options);
    }
    const server = await readServerFile(options.dataDir);
    const lease = server && (await takeLease(server));
    if (server && lease) return this.#hold(server, lease);
    throw new UserError(strings.localModalNotResponding());
  }

  #hold(server: ServerFile, lease: IncomingMessage): Account {
    this.#lease = lease;
    lease.once('close', () => {
      if (this.#lease !== lease) return;
      this.#lease = undefined;
      this.#starting = undefined;
    });
    const { url: serverUrl, tokenId, tokenSecret } = server;
    return { label: strings.localModalLabel(), isLocal: true, serverUrl, tokenId, tokenSecret };
  }
}

async function readServerFile(dataDir: string): Promise<ServerFile | undefined> {
  try {
    return ServerFileSchema.parse(JSON.parse(await readFile(join(dataDir, SERVER_FILE), 'utf8')));
  } catch {
    return undefined;
  }
}

function takeLease(server: ServerFile): Promise<IncomingMessage | undefined> {
  return new Promise((resolve) => {
    const request = get(server.leaseUrl, { headers: { authorization: `Bearer ${server.tokenSecret}` }, agent: false });
    request.setTimeout(LEASE_TIMEOUT_MS, () => request.destroy());
    request.once('error', () => resolve(undefined));
    request.once('response', (response) => {
      request.setTimeout(0);
      response.resume();
      if (response.statusCode === 200) return resolve(response);
      response.destroy();
      resolve(undefined);
    });
  });
}

/** Starts a server in its own process group, and waits until it's ready or finds another one in its folder. */
async function startServer({ serverPath, dataDir, allowUnisolated }: LocalModalOptions): Promise<void> {
  const logPath = join(dataDir, 'server.log');
  const log = await open(logPath, 'w', 0o600);
  try {
    const flags = allowUnisolated ? ['--allow-unisolated'] : [];
    const child = spawn(process.execPath, [serverPath, '--port', '0', '--data', dataDir, '--shared', ...flags], {
      detached: true,
      stdio: ['ignore', 'pipe', log.fd],
      // In VS Code, the executable is Electron, which acts as Node only with this variable.
      env: { ...serverEnvironment(), ELECTRON_RUN_AS_NODE: '1' },
    });
    const code = await firstLineOrExit(child);
    if (code !== undefined && code !== EXIT_IN_USE) {
      const reason = (await readFile(logPath, 'utf8').catch(() => '')).trim().split('\n').at(-1);
      throw new UserError(strings.localModalFailed(reason || strings.localModalExited(code), logPath));
    }
  } finally {
    await log.close();
  }
}

/**
 * The variables that the server may need. It gets no others, because the editor's environment often contains secrets, such as
 * tokens and cloud keys. The last ones are Windows's own.
 */
const SERVER_VARIABLES = [
  ...['PATH', 'HOME', 'TMPDIR', 'LANG', 'LC_ALL', 'LC_CTYPE'],
  ...['SystemRoot', 'windir', 'ComSpec', 'PATHEXT', 'TEMP', 'TMP', 'USERPROFILE'],
];

function serverEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(SERVER_VARIABLES.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

/** Resolves with undefined once the server is ready, or with its exit code if it exits first. */
function firstLineOrExit(child: ChildProcess): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new UserError(strings.localModalTimedOut(START_TIMEOUT_MS / 1000)));
    }, START_TIMEOUT_MS);
    const settle = (action: () => void) => {
      clearTimeout(timer);
      child.stdout?.destroy();
      child.unref();
      action();
    };
    child.once('error', (error) => settle(() => reject(error)));
    child.once('exit', (code) => settle(() => resolve(code ?? -1)));
    child.stdout?.once('data', () => settle(() => resolve(undefined)));
  });
}
