/** Starts Local Modal for a test: the built bundle in a separate process, with its own data folder. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type App, type Image, ModalClient, type Sandbox } from 'modal';
import type { FaultRequest, Messages } from '../../local/grpc/faults.ts';
import type { ControlSettings, Running } from '../../local/server/control.ts';
import type { SeedInput } from '../../local/server/options.ts';
import { waitFor } from './wait-for.ts';

export interface LocalModalSetup {
  /** The initial environments and secrets. */
  seed?: SeedInput;
  /** The accepted tokens, as `ID:SECRET`. Defaults to one that the clients use. */
  tokens?: string[];
  /** A data folder to keep. Defaults to a temporary one that `stop` removes. */
  dataDir?: string;
  /** The path of the server's bundle. Required if the test itself is bundled. */
  bundle?: string;
  /** Additional command-line arguments. */
  args?: string[];
  /** The environment of the server's process. Defaults to that of this process. */
  env?: NodeJS.ProcessEnv;
  /** A command line that runs the server, instead of this process. */
  through?: readonly string[];
  /** The ID of another user to run the server as. Requires root. */
  uid?: number;
}

/** A client of the control channel. */
export interface ControlClient {
  addFault(fault: FaultRequest): Promise<void>;
  clearFaults(): Promise<void>;
  /** Calls per RPC name since the last reset. */
  calls(): Promise<Record<string, number>>;
  /** Uploaded messages and bytes per RPC name since the last reset. */
  messages(): Promise<Record<string, Messages>>;
  resetCalls(): Promise<void>;
  set(settings: ControlSettings): Promise<void>;
  /** Stops a sandbox as if its worker had failed. */
  preempt(sandboxId: string): Promise<void>;
  /** Rejects the tokens of sign-ins from now on, as if their user had deleted them. */
  revokeSignedIn(): Promise<void>;
  running(): Promise<Running>;
}

export interface RunningLocalModal {
  url: string;
  /** A token that the server accepts. */
  tokenId: string;
  tokenSecret: string;
  dataDir: string;
  pid: number;
  controlUrl: string;
  /** Waits for the line with the variables to use the server with, and returns them. */
  printedVariables(): Promise<Record<string, string>>;
  /** Waits for the sentence that says what isolates sandboxes, and returns it. */
  printedIsolation(): Promise<string>;
  /** Waits for the password of a sign-in's page, and returns it. */
  printedPassword(page: string): Promise<string>;
  /** Resolves when the server's process has ended. */
  ended: Promise<void>;
  control: ControlClient;
  /** Returns a client of the official SDK that is signed in to this server. */
  client(params?: ConstructorParameters<typeof ModalClient>[0]): ModalClient;
  /** Stops the server with SIGTERM, and removes a temporary data folder. */
  stop(): Promise<void>;
  /** Kills the server with SIGKILL, and keeps the data folder for another start. */
  kill(): Promise<void>;
}

const START_TIMEOUT_MS = 20_000;
const DEFAULT_TOKEN = 'ak-test:as-test';

/**
 * What isolates the sandboxes of the tests. `LOCAL_MODAL_RUNTIME` is the runtime, and `RUNSC` the path of gVisor's program, if it
 * isn't installed.
 */
const { LOCAL_MODAL_RUNTIME = 'namespaces', RUNSC } = process.env;
/** Whether sandboxes run in gVisor. */
export const onGvisor = LOCAL_MODAL_RUNTIME === 'gvisor';

/** Returns a server's environment, with which it finds gVisor. */
async function withRunsc(setup: LocalModalSetup, dataDir: string): Promise<NodeJS.ProcessEnv> {
  const env = setup.env ?? process.env;
  if (!onGvisor || !RUNSC) return env;
  // Another user may not be allowed to open the folder of an unpacked package.
  if (setup.uid !== undefined) await copyFile(RUNSC, path.join(dataDir, 'runsc'));
  const folder = setup.uid === undefined ? path.dirname(RUNSC) : dataDir;
  return { ...env, PATH: `${env.PATH}${path.delimiter}${folder}` };
}

/** Starts a server. Throws with the server's error output if it doesn't start. */
export async function startLocalModal(setup: LocalModalSetup = {}): Promise<RunningLocalModal> {
  const dataDir = setup.dataDir ?? (await mkdtemp(path.join(tmpdir(), 'local-modal-')));
  const args = ['--data', dataDir, '--control', '0', '--exit-with-parent'];
  // Networks of their own depend on what is installed.
  args.push('--runtime', LOCAL_MODAL_RUNTIME, '--network', 'host', ...(setup.args ?? []));
  const tokens = setup.tokens ?? [DEFAULT_TOKEN];
  for (const token of tokens) args.push('--token', token);
  if (setup.seed) {
    const seedFile = path.join(dataDir, 'seed.json');
    await writeFile(seedFile, JSON.stringify(setup.seed));
    args.push('--seed', seedFile);
  }
  const bundle = setup.bundle ?? fileURLToPath(new URL('../../dist/local-modal.cjs', import.meta.url));
  const [program = '', ...before] = [...(setup.through ?? []), process.execPath, bundle];
  const child = spawn(program, [...before, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: await withRunsc(setup, dataDir),
    uid: setup.uid,
    gid: setup.uid,
  });
  const ended = once(child, 'exit').then(() => undefined);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const { url, control } = await addresses(child, () => output);
  async function printed(pattern: RegExp): Promise<string> {
    return waitFor(
      `the server to print ${pattern}`,
      10_000,
      async () => pattern.exec(output)?.[0] ?? '',
      (found) => found !== '',
    );
  }
  const [tokenId = '', tokenSecret = ''] = tokens[0]?.split(':') ?? [];
  const clients: ModalClient[] = [];
  async function end(signal: NodeJS.Signals): Promise<void> {
    child.kill(signal);
    await ended;
  }
  return {
    url,
    dataDir,
    pid: child.pid ?? 0,
    ended,
    tokenId,
    tokenSecret,
    controlUrl: control,
    async printedVariables() {
      const line = await printed(/^MODAL_SERVER_URL=.*(?=\n)/m);
      return Object.fromEntries(line.split(' ').map((variable) => variable.split('=')));
    },
    printedIsolation: () => printed(/(?<=^Local Modal is ready .*\n).+(?=\n)/m),
    printedPassword: (page) => printed(new RegExp(`(?<=on ${page}: )\\d+(?=\\n)`)),
    control: controlClient(control, tokenSecret),
    client(params) {
      const client = newClient(url, { tokenId, tokenSecret, logLevel: 'error', ...params });
      clients.push(client);
      return client;
    },
    async stop() {
      for (const client of clients) client.close();
      await end('SIGTERM');
      if (!setup.dataDir) await rm(dataDir, { recursive: true, force: true });
    },
    async kill() {
      for (const client of clients) client.close();
      await end('SIGKILL');
    },
  };
}

/**
 * Writes a Modal config file whose profile `main` uses this server, and sets it for child processes. Returns a function
 * that undoes it.
 */
export function useProfileOf({ url, tokenId, tokenSecret }: RunningLocalModal): () => void {
  const folder = mkdtempSync(path.join(tmpdir(), 'modal-config-'));
  process.env.MODAL_CONFIG_PATH = path.join(folder, 'modal.toml');
  const profile = `[main]\ntoken_id = "${tokenId}"\ntoken_secret = "${tokenSecret}"\nserver_url = "${url}"\n`;
  writeFileSync(process.env.MODAL_CONFIG_PATH, profile);
  return () => {
    delete process.env.MODAL_CONFIG_PATH;
    rmSync(folder, { recursive: true });
  };
}

/** Returns a client for a server at any URL. The SDK reads the URL only from the environment. */
export function newClient(url: string, params: ConstructorParameters<typeof ModalClient>[0]): ModalClient {
  const before = process.env.MODAL_SERVER_URL;
  process.env.MODAL_SERVER_URL = url;
  try {
    return new ModalClient(params);
  } finally {
    if (before === undefined) delete process.env.MODAL_SERVER_URL;
    else process.env.MODAL_SERVER_URL = before;
  }
}

/** Waits until the server has printed its addresses. Throws if it exits first, or prints none. */
async function addresses(child: ChildProcessByStdio<null, Readable, Readable>, output: () => string) {
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS);
  try {
    const closed = once(child, 'close').then(() => undefined);
    while (await Promise.race([once(child.stdout, 'data'), closed])) {
      const [, url, control] = /ready at (\S+) \(control (\S+)\)\n/.exec(output()) ?? [];
      if (url && control) return { url, control };
    }
  } finally {
    clearTimeout(timer);
  }
  throw new Error(`Local Modal didn't start: ${errors.trim() || 'no output'}`);
}

function controlClient(url: string, secret: string): ControlClient {
  async function call<Answer>(method: string, what: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${url}${what}`, {
      method,
      headers: { authorization: `Bearer ${secret}` },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${method} ${what}: ${JSON.stringify(answer)}`);
    return answer as Answer;
  }
  return {
    addFault: (fault) => call('POST', '/faults', fault),
    clearFaults: () => call('DELETE', '/faults'),
    calls: () => call('GET', '/calls'),
    messages: () => call('GET', '/messages'),
    resetCalls: () => call('DELETE', '/calls'),
    set: (settings) => call('POST', '/settings', settings),
    preempt: (sandboxId) => call('POST', `/preempt/${sandboxId}`),
    revokeSignedIn: () => call('POST', '/revoke'),
    running: () => call('GET', '/running'),
  };
}

/** A running server, and what nearly every test of sandboxes needs. */
export interface Workbench {
  server: RunningLocalModal;
  modal: ModalClient;
  app: App;
  image: Image;
  /** Runs a line of shell in a sandbox, and returns its output. Throws if it fails. */
  shell(sandbox: Sandbox, line: string): Promise<string>;
}

export async function startWorkbench(setup: LocalModalSetup = {}): Promise<Workbench> {
  const server = await startLocalModal(setup);
  const modal = server.client();
  const app = await modal.apps.fromName('tests', { createIfMissing: true });
  const image = await modal.images.fromRegistry('debian:12-slim').build(app);
  return {
    server,
    modal,
    app,
    image,
    async shell(sandbox, line) {
      const process = await sandbox.exec(['sh', '-c', line]);
      const [output, errors, code] = await Promise.all([
        process.stdout.readText(),
        process.stderr.readText(),
        process.wait(),
      ]);
      if (code !== 0) throw new Error(`“${line}” exited with ${code}: ${errors}`);
      return output;
    },
  };
}
