/** Runs VS Code's server build. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeExit } from '../cleanup.ts';
import { startProcess } from '../processes.ts';
import type { LaunchFlags } from './flags.ts';
import { startPortRedirects } from './port-redirects.ts';
import { serverBuild } from './server-build.ts';

const START_TIMEOUT_MS = 60_000;

/** With these flags, a server whose tests were killed without cleanup stops automatically after some minutes. */
const TEST_DRIVER_FLAGS = [
  '--enable-smoke-test-driver',
  '--enable-remote-auto-shutdown',
  '--reconnection-grace-time=60',
];

export interface VsCodeServer {
  /** For example, `127.0.0.1:41234`. Also the authority of its `vscode-remote:` URIs. */
  readonly authority: string;
  /** Resolves with the exit code when the server has stopped. */
  readonly ended: Promise<number>;
  /** Returns the end of its output, for error messages. */
  log(): string;
  stop(): Promise<void>;
}

/** Options in addition to the flags. */
export interface ServerOptions {
  /** Accepts extensions in development and tests in the page's address. */
  readonly testDriver: boolean;
  /** The environment of the server and its extension hosts. Defaults to that of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts the server and waits until it listens. */
export async function startServer(flags: LaunchFlags, options: ServerOptions): Promise<VsCodeServer> {
  const vscode = await serverBuild();
  await Promise.all([flags.userDataDir, flags.extensionsDir].map((folder) => mkdir(folder, { recursive: true })));
  // VS Code leaves its sockets behind when it is stopped.
  const sockets = await mkdtemp(join(tmpdir(), 'vscode-sockets-'));
  const removeSockets = beforeExit(() => rm(sockets, { recursive: true, force: true }));
  const redirects = await startPortRedirects();
  const running = startProcess(
    process.execPath,
    [
      join(vscode, 'out', 'server-main.js'),
      '--host=127.0.0.1',
      '--port=0',
      '--without-connection-token',
      '--accept-server-license-terms',
      `--server-data-dir=${join(flags.userDataDir, 'server')}`,
      `--user-data-dir=${flags.userDataDir}`,
      `--extensions-dir=${flags.extensionsDir}`,
      '--disable-telemetry',
      '--disable-getting-started-override',
      '--force-disable-user-env',
      ...(options.testDriver ? TEST_DRIVER_FLAGS : []),
      ...(flags.workspaceTrust ? [] : ['--disable-workspace-trust']),
      ...(flags.folder ? [`--default-${isWorkspaceFile(flags.folder) ? 'workspace' : 'folder'}=${flags.folder}`] : []),
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...withoutOuterVsCode(options.env ?? process.env),
        // Otherwise, it asks a login shell for its environment first, which takes a second.
        VSCODE_CLI: '1',
        XDG_RUNTIME_DIR: sockets,
        VSCODE_PROXY_URI: redirects.template,
      },
    },
  );
  let log = '';
  const listening = new Promise<string>((resolve) => {
    const read = (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-20_000);
      const port = /Extension host agent listening on (\d+)/.exec(log)?.[1];
      if (port) resolve(port);
    };
    running.child.stdout?.on('data', read);
    running.child.stderr?.on('data', read);
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), START_TIMEOUT_MS);
  });
  const port = await Promise.race([listening, running.ended, late]).finally(() => clearTimeout(timer));
  if (typeof port === 'number') throw new Error(`VS Code's server exited immediately with code ${port}:\n${log}`);
  if (port === 'late') throw new Error(`VS Code's server didn't start within ${START_TIMEOUT_MS / 1000} s:\n${log}`);
  const stop = async () => {
    await running.stop();
    redirects.close();
    await removeSockets();
  };
  return { authority: `127.0.0.1:${port}`, ended: running.ended, log: () => log, stop };
}

/** Returns true if a path is a multi-root workspace file instead of a folder. */
export function isWorkspaceFile(path: string): boolean {
  return path.endsWith('.code-workspace');
}

/** Removes the variables that a terminal in VS Code would pass on to another instance. */
export function withoutOuterVsCode(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^VSCODE_/.test(name) && name !== 'ELECTRON_RUN_AS_NODE'),
  );
}
