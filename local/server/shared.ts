/**
 * One server for several clients. `server.json` contains its address and its token. Each client holds a lease, which is an
 * open connection; the server stops some time after the last lease is released.
 */
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { type HttpHandler, reply } from '../http/http-server.ts';
import { isSameSecret, type TokenPair } from '../state/auth.ts';

const ServerFileSchema = z.object({
  /** The value for `MODAL_SERVER_URL`. */
  url: z.string(),
  pid: z.number(),
  tokenId: z.string(),
  tokenSecret: z.string(),
  /** `GET` it with `Authorization: Bearer <tokenSecret>`. The lease lasts as long as the response stays open. */
  leaseUrl: z.string(),
});

/** The content of `server.json`, which describes the server that uses the data folder. */
export type ServerFile = z.infer<typeof ServerFileSchema>;

/** The file's name in the data folder. The extension reads it under this name. */
const SERVER_FILE = 'server.json';

const fileIn = (dataFolder: string) => join(dataFolder, SERVER_FILE);

/** Reads `server.json`. Returns undefined if it doesn't exist or isn't valid. */
export async function readServerFile(dataFolder: string): Promise<ServerFile | undefined> {
  try {
    return ServerFileSchema.parse(JSON.parse(await readFile(fileIn(dataFolder), 'utf8')));
  } catch {
    return undefined;
  }
}

export async function writeServerFile(dataFolder: string, file: ServerFile): Promise<void> {
  await writeFile(`${fileIn(dataFolder)}.new`, JSON.stringify(file), { mode: 0o600 });
  await rename(`${fileIn(dataFolder)}.new`, fileIn(dataFolder));
}

export function removeServerFile(dataFolder: string): Promise<void> {
  return rm(fileIn(dataFolder), { force: true });
}

/** Another running server uses the data folder. */
export class DataFolderInUse extends Error {}

/**
 * Claims a data folder for the lifetime of this process, because two servers would overwrite each other's state. Throws
 * `DataFolderInUse`.
 */
export async function claim(dataFolder: string): Promise<Server> {
  const name = createHash('sha256').update(realpathSync(dataFolder)).digest('hex').slice(0, 32);
  // An abstract socket disappears with its process, even if that crashes. Other systems than Linux need a file.
  const address = process.platform === 'linux' ? `\0local-modal-${name}` : join(dataFolder, 'claim.sock');
  if (process.platform !== 'linux') await removeStale(address);
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', () => reject(new DataFolderInUse(`Another Local Modal server is using ${dataFolder}`)));
    server.listen(address, resolve);
  });
  server.unref();
  return server;
}

async function removeStale(address: string): Promise<void> {
  const { connect } = await import('node:net');
  const alive = await new Promise<boolean>((resolve) => {
    const socket = connect(address, () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
  if (!alive) await rm(address, { force: true });
}

/** The time to wait for the first lease, even if `--linger` is shorter. */
const FIRST_LEASE_TIMEOUT_MS = 30_000;

/** Counts the leases that clients hold, and reports when none has been held for a while. */
export class Leases {
  #held = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #lingerMs: number;
  readonly #onNone: () => void;

  constructor(lingerMs: number, onNone: () => void) {
    this.#lingerMs = lingerMs;
    this.#onNone = onNone;
    this.#wait(Math.max(lingerMs, FIRST_LEASE_TIMEOUT_MS));
  }

  /** Handles `GET /lease`. Each response counts as a lease until its connection closes. */
  handler({ secret }: TokenPair): HttpHandler {
    return (request, response) => {
      const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
      if (!isSameSecret(bearer, secret)) return reply(response, 401, 'The token from server.json is required.\n');
      this.#held++;
      clearTimeout(this.#timer);
      response.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-store' });
      response.write('held\n');
      response.once('close', () => {
        this.#held--;
        if (this.#held === 0) this.#wait(this.#lingerMs);
      });
    };
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onNone, ms);
  }
}
