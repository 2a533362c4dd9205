/**
 * One server for several clients: `server.json` tells them where it is and with which token, each holds a lease as an
 * open connection, and some time after the last lease has gone the server ends.
 */
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { type HttpHandler, reply } from '../http/http-server.ts';
import { sameText, type TokenPair } from '../state/auth.ts';

const ServerFileSchema = z.object({
  /** What `MODAL_SERVER_URL` is set to. */
  url: z.string(),
  pid: z.number(),
  tokenId: z.string(),
  tokenSecret: z.string(),
  /** `GET` with `Authorization: Bearer <tokenSecret>`; the lease lasts as long as the response stays open. */
  leaseUrl: z.string(),
});

/** What `server.json` in the data folder says of the server that uses it. */
export type ServerFile = z.infer<typeof ServerFileSchema>;

const fileIn = (dataFolder: string) => join(dataFolder, 'server.json');

/** Reads `server.json`; undefined when there is none that makes sense. */
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

/** Another server, alive, uses the data folder. */
export class DataFolderInUse extends Error {}

/**
 * Claims a data folder for this process, for as long as it lives: two servers would overwrite each other's state.
 * @throws DataFolderInUse
 */
export async function claim(dataFolder: string): Promise<Server> {
  const name = createHash('sha256').update(realpathSync(dataFolder)).digest('hex').slice(0, 32);
  // An abstract socket goes with its process, however that ends; elsewhere than on Linux a file has to do.
  const address = process.platform === 'linux' ? `\0local-modal-${name}` : join(dataFolder, 'claim.sock');
  if (process.platform !== 'linux') await removeStale(address);
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', () => reject(new DataFolderInUse(`Another local Modal is running on ${dataFolder}`)));
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

/** How long the first client may take to come, in milliseconds, however short the grace period is. */
const FIRST_LEASE_TIMEOUT_MS = 30_000;

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

  /** Answers `GET /lease` and counts the response as a lease until its connection is gone. */
  handler({ secret }: TokenPair): HttpHandler {
    return (request, response) => {
      const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
      if (!sameText(bearer, secret)) return reply(response, 401, 'A lease needs the token of server.json.\n');
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
