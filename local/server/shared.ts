/**
 * One server for several clients. `server.json` contains its address and its token. Each client holds a lease, which is an
 * open connection; the server stops some time after the last lease is released. With the request for a lease, both sides
 * prove that they know the token without sending it: another program may have got the port of a server that has ended.
 */
import { createHmac } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type HttpHandler, reply } from '../http/http-server.ts';
import { isSameSecret, type TokenPair } from '../state/auth.ts';

const ServerFileSchema = z.object({
  /** The value for `MODAL_SERVER_URL`. */
  url: z.string(),
  pid: z.number(),
  /** When the process started, as in `RunningProcess`. */
  startedAt: z.string(),
  tokenId: z.string(),
  tokenSecret: z.string(),
  /** What isolates sandboxes, as sentences. */
  isolation: z.string(),
  runtime: z.enum(['gvisor', 'namespaces', 'none', 'refused']),
  /**
   * `GET` it with a random `X-Local-Modal-Nonce`, and with `Authorization: Proof` and the proof of `lease request NONCE`. The
   * reply has the proof of `lease reply NONCE` in `X-Local-Modal-Proof`. The lease lasts as long as the response stays open.
   */
  leaseUrl: z.string(),
});

/** The content of `server.json`, which describes the server that uses the data folder. */
export type ServerFile = z.infer<typeof ServerFileSchema>;

/** The file's name in the data folder. The extension reads it under this name. */
const SERVER_FILE = 'server.json';

/** Returns a text's HMAC with the token's secret, which proves that one knows it. */
export function proofOf(text: string, secret: string): string {
  return createHmac('sha256', secret).update(text).digest('base64url');
}

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

/** The time to wait for the first lease, even if `--linger` is shorter. */
const FIRST_LEASE_TIMEOUT_MS = 30_000;

/** Counts the leases that clients hold, and reports when none has been held for a while. */
export class Leases {
  #held = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #lingerMs: number;
  readonly #onNone: () => void;
  readonly #isNeeded: () => boolean;

  /** While `isNeeded`, nothing is reported. */
  constructor(lingerMs: number, onNone: () => void, isNeeded: () => boolean = () => false) {
    this.#lingerMs = lingerMs;
    this.#onNone = onNone;
    this.#isNeeded = isNeeded;
    this.#wait(Math.max(lingerMs, FIRST_LEASE_TIMEOUT_MS));
  }

  /** Handles `GET /lease`. Each response counts as a lease until its connection closes. */
  handler({ secret }: TokenPair): HttpHandler {
    return (request, response) => {
      const nonce = String(request.headers['x-local-modal-nonce'] ?? '');
      const expected = `Proof ${proofOf(`lease request ${nonce}`, secret)}`;
      if (nonce === '' || !isSameSecret(request.headers.authorization ?? '', expected)) {
        return reply(response, 401, 'A proof of the token in server.json is required.\n');
      }
      this.#held++;
      clearTimeout(this.#timer);
      response.writeHead(200, {
        'content-type': 'text/plain',
        'cache-control': 'no-store',
        'x-local-modal-proof': proofOf(`lease reply ${nonce}`, secret),
      });
      response.write('held\n');
      response.once('close', () => {
        this.#held--;
        if (this.#held === 0) this.#wait(this.#lingerMs);
      });
    };
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.#isNeeded() ? this.#wait(this.#lingerMs) : this.#onNone()), ms);
  }
}
