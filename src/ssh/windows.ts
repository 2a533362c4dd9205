import { randomBytes, timingSafeEqual } from 'node:crypto';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { MINUTE_MS } from '../base/clock.ts';
import { UserError } from '../base/errors.ts';
import { readPrivateFile, writePrivateFile } from '../base/private-files.ts';
import type { Account } from '../modal/accounts.ts';
import { explain } from '../modal/explain/explain.ts';
import type { SshFolder } from './hosts.ts';

/** How a window can be asked. The file is for this user only. */
const OfferSchema = z.object({ address: z.string().min(1), key: z.string().min(1) });
const QuestionSchema = z.union([
  z.object({ key: z.string(), account: z.string() }),
  z.object({ key: z.string(), start: z.string() }),
]);
type Question = z.infer<typeof QuestionSchema>;
const AccountSchema = z.object({
  tokenId: z.string(),
  tokenSecret: z.string(),
  serverUrl: z.string().optional(),
  environment: z.string().optional(),
  oauth: z
    .object({
      refreshToken: z.string(),
      clientId: z.string(),
      clientSecret: z.string().optional(),
      jwtKey: z.string().optional(),
    })
    .optional(),
});

/** A window first says whether it starts the sandbox. */
const StartSchema = z.union([
  z.object({ starting: z.literal(true) }),
  z.object({ sandboxId: z.string() }),
  z.object({ error: z.string() }),
]);

const MAX_QUESTION_CHARS = 4096;
const TIMEOUT_MS = 10_000;
/** An image may have to be built. */
const START_TIMEOUT_MS = 15 * MINUTE_MS;

export interface WindowServices {
  /** Returns the account that a value of `modal.account` refers to. */
  account(choice: string): Promise<Account>;
  /**
   * Returns a start of the sandbox of a host, which resolves with its ID. Undefined if that is up to another window, or the
   * profile doesn't allow it.
   */
  startOf(host: string): Promise<((signal: AbortSignal) => Promise<string>) | undefined>;
}

/**
 * Answers what relays of this user ask of a window: the account whose token is only in the editor's secret storage or in
 * its own environment, and the start of a folder's sandbox. A token is never written to disk: it goes through a local
 * socket in a folder of this user, and only to a program that can read the file with the key.
 */
export class WindowRequests {
  readonly #folder: SshFolder;
  readonly #services: WindowServices;
  #serving: Promise<{ close(): Promise<void> }> | undefined;

  constructor(folder: SshFolder, services: WindowServices) {
    this.#folder = folder;
    this.#services = services;
  }

  /** Starts to answer, unless it does already. */
  async serve(): Promise<void> {
    this.#serving ??= this.#listen().catch((error) => {
      this.#serving = undefined;
      throw error;
    });
    await this.#serving;
  }

  async dispose(): Promise<void> {
    const serving = await this.#serving?.catch(() => undefined);
    await serving?.close();
  }

  async #listen(): Promise<{ close(): Promise<void> }> {
    const id = randomBytes(8).toString('hex');
    const isWindows = process.platform === 'win32';
    // Not in the storage folder, because the path of a socket may have about a hundred characters only.
    const place = isWindows ? undefined : await mkdtemp(join(tmpdir(), 'modal-ssh-'));
    const address = place === undefined ? `\\\\.\\pipe\\modal-ssh-${id}` : join(place, 'window.sock');
    const key = randomBytes(32).toString('base64url');
    const server = createServer((socket) => void this.#answer(socket, key));
    await listening(server, address);
    if (place !== undefined) await chmod(address, 0o600);
    const file = join(this.#folder.windows(), `${id}.json`);
    await writePrivateFile(file, JSON.stringify({ address, key }));
    return {
      close: async () => {
        server.close();
        await rm(file, { force: true });
        if (place !== undefined) await rm(place, { recursive: true, force: true });
      },
    };
  }

  async #answer(socket: Socket, key: string): Promise<void> {
    socket.on('error', () => {});
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy());
    try {
      const question = QuestionSchema.parse(JSON.parse(await firstLine(socket)));
      if (!isSame(question.key, key)) throw new Error('Wrong key');
      if ('start' in question) await this.#start(socket, question.start);
      else socket.write(JSON.stringify(AccountSchema.parse(await this.#services.account(question.account))));
      socket.end();
    } catch {
      socket.destroy();
    }
  }

  async #start(socket: Socket, host: string): Promise<void> {
    const start = await this.#services.startOf(host);
    if (!start) return;
    const gone = new AbortController();
    // The relay says nothing more, and its end means that the start is no longer wanted.
    socket.setTimeout(0);
    socket.once('close', () => gone.abort());
    socket.resume();
    const say = (answer: z.infer<typeof StartSchema>) => socket.write(`${JSON.stringify(answer)}\n`);
    say({ starting: true });
    try {
      say({ sandboxId: await start(gone.signal) });
    } catch (error) {
      say({ error: explain(error).message });
    }
  }
}

/** Asks the windows of this user for an account. Resolves with undefined if none has it. */
export function askForAccount(folder: SshFolder, choice: string): Promise<Account | undefined> {
  return askWindows(folder, async (address, key) => {
    const socket = ask(address, { key, account: choice }, TIMEOUT_MS);
    const answer = AccountSchema.parse(JSON.parse(await text(socket)));
    return { ...answer, label: choice, choice };
  });
}

/**
 * Asks the windows of this user to start or resume the sandbox of a host, and calls `onStart` if one does. Resolves with its
 * ID, or with undefined if none may. Throws `UserError` if the start fails.
 */
export function startInWindow(folder: SshFolder, host: string, onStart: () => void): Promise<string | undefined> {
  return askWindows(folder, async (address, key) => {
    const socket = ask(address, { key, start: host }, START_TIMEOUT_MS);
    try {
      for await (const line of createInterface(socket)) {
        const answer = StartSchema.parse(JSON.parse(line));
        if ('sandboxId' in answer) return answer.sandboxId;
        if ('error' in answer) throw new UserError(answer.error);
        onStart();
      }
      return undefined;
    } finally {
      socket.destroy();
    }
  });
}

/** Asks one window after the other until one has an answer. */
async function askWindows<T>(
  folder: SshFolder,
  askOne: (address: string, key: string) => Promise<T | undefined>,
): Promise<T | undefined> {
  const files = await readdir(folder.windows()).catch(() => []);
  for (const name of files.filter((each) => each.endsWith('.json'))) {
    const file = join(folder.windows(), name);
    try {
      const { address, key } = OfferSchema.parse(JSON.parse(await readPrivateFile(file)));
      const answer = await askOne(address, key);
      if (answer !== undefined) return answer;
    } catch (error) {
      if (error instanceof UserError) throw error;
      const { code } = error as NodeJS.ErrnoException;
      // Its window has crashed.
      if (code === 'ECONNREFUSED' || code === 'ENOENT') await rm(file, { force: true });
    }
  }
  return undefined;
}

function ask(address: string, question: Question, timeoutMs: number): Socket {
  const socket = connect(address);
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error('No answer')));
  socket.write(`${JSON.stringify(question)}\n`);
  return socket;
}

async function firstLine(socket: Socket): Promise<string> {
  let received = '';
  socket.setEncoding('utf8');
  for await (const part of socket.iterator({ destroyOnReturn: false })) {
    received += part;
    const end = received.indexOf('\n');
    if (end >= 0) return received.slice(0, end);
    if (received.length > MAX_QUESTION_CHARS) break;
  }
  throw new Error('No question');
}

function listening(server: Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => {
      server.unref();
      resolve();
    });
  });
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
