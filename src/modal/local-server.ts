import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import { readPrivateFile } from '../base/private-files.ts';
import { isOwnRunningProcess } from '../base/processes.ts';
import type { Account } from './accounts.ts';
import { strings } from './strings.ts';

/** The content of the file that a shared Local Modal writes to its data folder for its clients. */
const ServerFileSchema = z.object({
  url: z.url(),
  leaseUrl: z.url(),
  pid: z.number(),
  startedAt: z.string(),
  tokenId: z.string().min(1),
  tokenSecret: z.string().min(1),
  /** What isolates sandboxes, as sentences. */
  isolation: z.string(),
  /** What it is. Servers of earlier versions don't tell. */
  runtime: z.enum(['gvisor', 'namespaces', 'none', 'refused']).optional(),
});
export type ServerFile = z.infer<typeof ServerFileSchema>;

/** What a running server says about its sandboxes. */
export type LocalModalState = Pick<ServerFile, 'isolation' | 'runtime'>;

const SERVER_FILE = 'server.json';
const LOG_FILE = 'server.log';
const LEASE_TIMEOUT_MS = 5_000;

/** Returns the path of the server's log. */
export function logPathIn(dataDir: string): string {
  return join(dataDir, LOG_FILE);
}

/**
 * Returns what the running server of a data folder wrote for its clients. Returns undefined if there is none, if others could
 * have written it, or if the process that wrote it has ended.
 */
export async function findServer(dataDir: string): Promise<ServerFile | undefined> {
  try {
    const file = ServerFileSchema.parse(JSON.parse(await readPrivateFile(join(dataDir, SERVER_FILE))));
    return (await isOwnRunningProcess(file)) ? file : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the account of a server's clients. */
export function accountOfServer({ url: serverUrl, tokenId, tokenSecret }: ServerFile): Account {
  return { label: strings.localModalLabel(), isLocal: true, serverUrl, tokenId, tokenSecret };
}

/**
 * Takes a lease of a server, which lasts as long as the response stays open. Both sides prove that they know the token
 * without sending it. Resolves with undefined if nothing answers, or something that doesn't know the token.
 */
export function takeLease({ leaseUrl, tokenSecret }: ServerFile): Promise<IncomingMessage | undefined> {
  const nonce = randomBytes(32).toString('base64url');
  const headers = {
    'x-local-modal-nonce': nonce,
    authorization: `Proof ${proofOf(`lease request ${nonce}`, tokenSecret)}`,
  };
  const expected = proofOf(`lease reply ${nonce}`, tokenSecret);
  return new Promise((resolve) => {
    const request = get(leaseUrl, { headers, agent: false });
    request.setTimeout(LEASE_TIMEOUT_MS, () => request.destroy());
    request.once('error', () => resolve(undefined));
    request.once('response', (response) => {
      request.setTimeout(0);
      response.on('error', () => {});
      response.resume();
      const proof = String(response.headers['x-local-modal-proof'] ?? '');
      if (response.statusCode === 200 && isSame(proof, expected)) return resolve(response);
      response.destroy();
      resolve(undefined);
    });
  });
}

function proofOf(text: string, secret: string): string {
  return createHmac('sha256', secret).update(text).digest('base64url');
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Aborted when the Local Modal that the account in use is on has ended without being asked to. */
let current: AbortController | undefined;

/** Notes that a lease has begun, and the end of the server if the lease ends before `forget` is called. */
export function watchLease(lease: IncomingMessage, logPath: string): { readonly end: AbortSignal; forget(): void } {
  const controller = new AbortController();
  current = controller;
  const end = () => controller.abort(new UserError(strings.localModalEnded(logPath), { actions: ['retry'] }));
  lease.once('close', end);
  return {
    end: controller.signal,
    forget() {
      lease.off('close', end);
      if (current === controller) current = undefined;
    },
  };
}

/** Notes that another account is in use, whose failures have other reasons. */
export function forgetLocalModal(): void {
  current = undefined;
}

/**
 * Returns a signal that is aborted when the Local Modal in use ends, with a `UserError` that says so. Returns undefined if the
 * account in use isn't on a Local Modal that this process has joined.
 */
export function localModalEnd(): AbortSignal | undefined {
  return current?.signal;
}
