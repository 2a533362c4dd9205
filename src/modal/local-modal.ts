import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../base/errors.ts';
import { Emitter, type Event } from '../base/events.ts';
import { logInfo } from '../base/log.ts';
import { makePrivateFolder } from '../base/private-files.ts';
import type { Account } from './accounts.ts';
import {
  accountOfServer,
  findServer,
  type LocalModalState,
  logPathIn,
  type ServerFile,
  takeLease,
  watchLease,
} from './local-server.ts';
import { strings } from './strings.ts';

export interface LocalModalOptions {
  /** The server's bundle. */
  readonly serverPath: string;
  /** Folder for volumes, images, and snapshots. Shared by all windows. */
  readonly dataDir: string;
  /** Run commands even if they can't be isolated (the user has agreed to this). */
  readonly allowUnisolated: boolean;
  /** What isolates sandboxes: gVisor, namespaces, or the stronger one that works. */
  readonly runtime: LocalRuntime;
  /** `auto`: each sandbox has a network of its own, if that works. `host`: all share the computer's. */
  readonly network: LocalNetwork;
  /** Keep the server running while there are sandboxes, although it isn't leased. */
  readonly keepsSandboxes?: boolean;
}

export type LocalRuntime = 'auto' | 'gvisor' | 'namespaces';
export type LocalNetwork = 'auto' | 'host';

/** The server's exit code if another one is using its data folder. */
const EXIT_IN_USE = 3;
/** The first start also tries out gVisor, which takes up to 20 seconds. */
const START_TIMEOUT_MS = 60_000;
/** The time between attempts to join a server that is starting or stopping. */
const RETRY_INTERVAL_MS = 200;
/** A log over this size is emptied when the next server starts. */
const MAX_LOG_BYTES = 1024 * 1024;

/**
 * Joins the Local Modal on this computer, or starts it if no other window has. The server runs for as long as it's leased,
 * and stops automatically soon after its last lease ends, even if this process is killed.
 */
export class LocalModalLauncher {
  readonly #options: () => LocalModalOptions;
  readonly #didEnd = new Emitter<string>();
  #starting: Promise<Account> | undefined;
  #lease: { readonly response: IncomingMessage; forget(): void } | undefined;
  #state: LocalModalState | undefined;
  readonly #didJoin = new Emitter<void>();
  /** Fires when this process has joined a server, whose state is known then. */
  readonly onDidJoin: Event<void> = this.#didJoin.event;
  /** Fires when the server ends, though this process still leases it, with the path of its log. */
  readonly onDidEnd: Event<string> = this.#didEnd.event;

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

  /** Returns what the running server says, which another window may have started; undefined if none is running. */
  async state(): Promise<LocalModalState | undefined> {
    return this.#state ?? findServer(this.#options().dataDir);
  }

  /** Ends the lease. The server stops if there are no others. */
  dispose(): void {
    this.#starting = undefined;
    this.#lease?.forget();
    this.#lease?.response.destroy();
    this.#lease = undefined;
    this.#didEnd.dispose();
    this.#didJoin.dispose();
  }

  async #join(): Promise<Account> {
    const options = this.#options();
    const { dataDir } = options;
    if (!(await makePrivateFolder(dataDir))) throw new UserError(strings.localModalFolderOfOther(dataDir));
    // Another window may be starting a server at the same moment, and a server that is stopping still has the folder.
    const deadline = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      const server = await findServer(dataDir);
      const response = server && (await takeLease(server));
      if (server && response) return this.#hold(server, response, logPathIn(dataDir));
      if (performance.now() > deadline) throw new UserError(strings.localModalNotResponding(), { actions: ['reload'] });
      if ((await startServer(options)) === 'in use') await sleep(RETRY_INTERVAL_MS);
    }
  }

  #hold(server: ServerFile, response: IncomingMessage, logPath: string): Account {
    const { end, forget } = watchLease(response, logPath);
    this.#lease = { response, forget };
    this.#state = server;
    logInfo(server.isolation);
    this.#didJoin.fire();
    end.addEventListener('abort', () => {
      this.#lease = undefined;
      this.#state = undefined;
      this.#starting = undefined;
      this.#didEnd.fire(logPath);
    });
    return accountOfServer(server);
  }
}

/** Starts a server in its own process group, and waits until it's ready or finds that another one has its folder. */
async function startServer(options: LocalModalOptions): Promise<'ready' | 'in use'> {
  const { serverPath, dataDir, allowUnisolated, runtime, network, keepsSandboxes } = options;
  const logPath = logPathIn(dataDir);
  // What an earlier server wrote stays, because it may tell why that server ended.
  const log = await open(logPath, 'a', 0o600);
  try {
    if ((await log.stat()).size > MAX_LOG_BYTES) await log.truncate();
    const { size: start } = await log.stat();
    const flags = [
      ...['--runtime', runtime, '--network', network],
      ...(allowUnisolated ? ['--allow-unisolated'] : []),
      ...(keepsSandboxes ? ['--keep-sandboxes'] : []),
    ];
    const child = spawn(process.execPath, [serverPath, '--port', '0', '--data', dataDir, '--shared', ...flags], {
      detached: true,
      stdio: ['ignore', 'pipe', log.fd],
      // In VS Code, the executable is Electron, which acts as Node only with this variable.
      env: { ...serverEnvironment(), ELECTRON_RUN_AS_NODE: '1' },
    });
    const code = await firstLineOrExit(child);
    if (code === undefined) return 'ready';
    if (code === EXIT_IN_USE) return 'in use';
    const written = await readFile(logPath).catch(() => Buffer.alloc(0));
    const line = written.subarray(start).toString().trim().split('\n').at(-1);
    const reason = line?.replace(/^Local Modal couldn't start \((.*)\)\.$/, '$1').replace(/\.$/, '');
    throw new UserError(strings.localModalFailed(reason || strings.localModalExited(code), logPath), {
      actions: ['retry'],
    });
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
      reject(new UserError(strings.localModalTimedOut(START_TIMEOUT_MS / 1000), { actions: ['retry'] }));
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
