import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ModalClient, Sandbox } from 'modal';
import { wallClock } from '../base/clock.ts';
import { UserError } from '../base/errors.ts';
import { writePrivateFile } from '../base/private-files.ts';
import { cleanText, formatMinutes } from '../base/text.ts';
import { ExecPipe } from '../channel/exec-pipe.ts';
import { connect } from '../modal/client.ts';
import { isNotFound } from '../modal/errors.ts';
import { execWith } from '../modal/exec.ts';
import { useNetwork } from '../modal/network.ts';
import { runningSandboxes, type SandboxSummary } from '../modal/sandbox-list.ts';
import { SshActivity } from './activity.ts';
import { noteConnection } from './connections.ts';
import type { Host, SshFolder } from './hosts.ts';
import { publicKey } from './key.ts';
import { relayAccount } from './relay-account.ts';
import { EXIT_NO_SERVER, EXIT_NOT_WRITABLE, serveCommand, UNUSED, unusedCommand } from './server-script.ts';
import { strings } from './strings.ts';
import { startInWindow } from './windows.ts';

/** A header is an ed25519 key, which takes about a hundred bytes. */
const MAX_HEADER_BYTES = 1024;
const MAX_ERROR_CHARS = 4096;
/** The longest time to find out whether anything runs in a connection. */
const CHECK_TIMEOUT_MS = 20_000;
/** The server ends soon after its input has ended. */
export const END_TIMEOUT_MS = 5_000;

export interface RelayStreams {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/**
 * Connects ssh's streams to an SSH server that is started for them in the sandbox of a host. Resolves when the connection
 * has ended. Throws `UserError`, `AccountError`, and the SDK's errors.
 */
export async function relay(name: string, folder: SshFolder, streams: RelayStreams): Promise<void> {
  const host = await folder.host(name);
  if (!host) throw new UserError(strings.unknownHost(name));
  if (host.network) useNetwork(host.network);
  const modal = await connect(await relayAccount(host, folder));
  try {
    const found = (await currentSandbox(modal, host)) ?? (await startedSandbox(modal, host, folder, streams));
    if (!found) throw new UserError(strings.noSandbox(host.title));
    const sandbox = await modal.sandboxes.fromId(found.id);
    const idleTimeoutMs = host.idleTimeoutMs ?? found.idleTimeoutMs;
    await serve({ modal, sandbox, host, folder, idleTimeoutMs }, streams);
  } catch (error) {
    throw isNotFound(error) ? new UserError(strings.noSandbox(host.title), { cause: error }) : error;
  } finally {
    modal.close();
  }
}

/** Returns the sandbox that the window used last, or the newest one in its place. */
async function currentSandbox(modal: ModalClient, host: Host): Promise<SandboxSummary | undefined> {
  const app = await modal.apps.fromName(host.app);
  const running = await runningSandboxes(modal, app, host.tags ?? {});
  return running.find(({ id }) => id === host.sandboxId) ?? (host.tags && running[0]);
}

/** Has the sandbox of a folder resumed or started by a window of it, if its profile allows that. */
async function startedSandbox(
  modal: ModalClient,
  host: Host,
  folder: SshFolder,
  { stderr }: RelayStreams,
): Promise<SandboxSummary | undefined> {
  if (!host.tags) return undefined;
  const onStart = () => stderr.write(`${strings.starting(host.title)}\n`);
  const sandboxId = await startInWindow(folder, host.name, onStart);
  return sandboxId === undefined ? undefined : currentSandbox(modal, { ...host, sandboxId });
}

interface Served {
  readonly modal: ModalClient;
  readonly sandbox: Sandbox;
  readonly host: Host;
  readonly folder: SshFolder;
  readonly idleTimeoutMs: number | undefined;
}

async function serve(served: Served, { stdin, stdout, stderr }: RelayStreams): Promise<void> {
  const { modal, sandbox, host, folder } = served;
  const { aliveSeconds } = host;
  const connectionId = randomUUID();
  const command = serveCommand({ connectionId, publicKey: await publicKey(folder), aliveSeconds });
  const pipe = await ExecPipe.open(command, { modal, sandbox, stderr: 'pipe' });
  let forget = async () => {};
  const activity = new SshActivity(wallClock, aliveSeconds * 1000);
  const ending = new AbortController();
  try {
    forget = await noteConnection(folder, { sandboxId: sandbox.sandboxId, host: host.name });
    const errors = readErrors(pipe);
    const serving = (async () => {
      const output = pipe.read();
      const { hostKey, rest } = await readHeader(output);
      if (hostKey === undefined) throw startFailure(await pipe.wait(), (await errors).trim());
      // Before the server's first byte: ssh reads the file only after that.
      await writePrivateFile(folder.knownHosts(host.name), `${host.name} ${hostKey}\n`);
      await receive(rest, output, stdout, activity);
      const said = await errors;
      if (said !== '') stderr.write(said);
    })();
    serving.catch(() => {});
    await Promise.race([
      serving,
      send(stdin, pipe, activity),
      endUnused(served, connectionId, activity, ending.signal),
    ]);
  } finally {
    ending.abort();
    pipe.close();
    await forget();
  }
}

/** Throws `UserError` once a connection has carried nothing for its idle timeout, and nothing but its shell runs in it. */
async function endUnused(
  { sandbox, idleTimeoutMs }: Served,
  connectionId: string,
  activity: SshActivity,
  signal: AbortSignal,
): Promise<void> {
  if (idleTimeoutMs === undefined) return new Promise(() => {});
  for (;;) {
    await sleep(Math.max(0, idleTimeoutMs - activity.quietMs), undefined, { signal });
    if (activity.quietMs < idleTimeoutMs) continue;
    const limits = { maxBytes: 1024, timeoutMs: CHECK_TIMEOUT_MS };
    const said = await execWith(sandbox, unusedCommand(connectionId), { ...limits, signal }).catch(() => '');
    if (activity.quietMs < idleTimeoutMs) continue;
    if (String(said).trim() === UNUSED) throw new UserError(strings.unused(formatMinutes(idleTimeoutMs)));
    activity.note();
  }
}

/** Sends what ssh says, until it ends its side or goes. Resolves when the server has had a moment to end. */
async function send(stdin: Readable, pipe: ExecPipe, activity: SshActivity): Promise<void> {
  try {
    for await (const bytes of stdin) {
      activity.fromClient(bytes.length);
      pipe.write(bytes);
      await pipe.room();
    }
  } catch {
    // A broken pipe is an end, too.
  }
  pipe.end();
  await sleep(END_TIMEOUT_MS, undefined, { ref: false });
}

/** Passes on what the server says. Resolves when it has ended or ssh has gone. */
async function receive(
  first: Uint8Array,
  output: AsyncIterable<Uint8Array>,
  stdout: Writable,
  activity: SshActivity,
): Promise<void> {
  const gone = new AbortController();
  stdout.once('error', () => gone.abort());
  const write = async (bytes: Uint8Array) => {
    activity.fromServer(bytes.length);
    if (bytes.length > 0 && !stdout.write(bytes)) await once(stdout, 'drain', { signal: gone.signal });
  };
  try {
    await write(first);
    for await (const bytes of output) await write(bytes);
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  }
}

/** Returns the host key in the first line, and what follows that line. There's no key if the output ends before it. */
async function readHeader(output: AsyncGenerator<Uint8Array>): Promise<{ hostKey?: string; rest: Uint8Array }> {
  let received = Buffer.alloc(0);
  for (;;) {
    const end = received.indexOf('\n');
    if (end >= 0 || received.length > MAX_HEADER_BYTES) {
      const line = received.subarray(0, Math.max(end, 0)).toString();
      const [, hostKey] = /^modal-ssh (ssh-ed25519 [A-Za-z0-9+/=]+)\s*$/.exec(line) ?? [];
      if (hostKey === undefined) throw new UserError(strings.notUnderstood());
      return { hostKey, rest: received.subarray(end + 1) };
    }
    const { done, value } = await output.next();
    if (done) return { rest: received };
    received = Buffer.concat([received, value]);
  }
}

/** Returns the first part of what the server complains about. The rest is read, so that it doesn't wait. */
async function readErrors(pipe: ExecPipe): Promise<string> {
  let said = '';
  try {
    for await (const bytes of pipe.read('stderr'))
      if (said.length < MAX_ERROR_CHARS) said += Buffer.from(bytes).toString();
  } catch {
    // The output ends with the same error.
  }
  return cleanText(said.slice(0, MAX_ERROR_CHARS));
}

function startFailure(exitCode: number, said: string): UserError {
  if (exitCode === EXIT_NO_SERVER) return new UserError(strings.noServer());
  const reason = said.split('\n').at(-1) || strings.noReason();
  return new UserError(exitCode === EXIT_NOT_WRITABLE ? strings.notWritable(reason) : strings.serverDidntStart(reason));
}
