import { setTimeout as sleep } from 'node:timers/promises';
import type { ModalClient, Sandbox } from 'modal';
import { isConnectionLost, isNotFound, isSandboxStopped } from '../../modal/errors.ts';
import { execWith } from '../../modal/exec.ts';
import { type RemoteFiles, readAll } from '../../modal/remote-files.ts';
import { requireRunning } from '../../modal/sandboxes.ts';
import { volumeFiles } from '../../modal/volume-files.ts';
import { detachedFolder, folderOnVolume, readCommand } from './script.ts';

const MAX_READ_BYTES = 1024 * 1024;
const MAX_HEADER_BYTES = 1024;
const READ_LIMITS = { maxBytes: MAX_READ_BYTES + MAX_HEADER_BYTES, timeoutMs: 90_000, quietMs: 60_000 };
/** Files of the output are smaller, and so is the end. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** The maximum time for which a lost connection is tried again. */
export const RECONNECT_TIMEOUT_MS = 5 * 60_000;
export const RETRY_INTERVAL_MS = 2_000;
/** The maximum time until what a sandbox wrote to its volume last can be read. */
const COMMIT_TIMEOUT_MS = 10_000;
/** The maximum time until a folder exists, in case the run has just started. */
const APPEAR_TIMEOUT_MS = 60_000;

/** Where the output of a detached run is. */
export interface DetachedPlace {
  readonly runId: string;
  readonly sandboxId: string;
  /** The name of the sandbox's host volume, from which the output can be read after the sandbox's end. */
  readonly hostVolume?: string | undefined;
}

/** How a detached program ended: with an exit code, after a time that may not be known, or with an unknown one because everything was killed with it. */
export type DetachedEnd = { readonly exitCode: number; readonly durationMs?: number | undefined } | 'killed';

/** A part of an output, from an offset on, and how the program ended if that is known. */
interface Part {
  readonly offset: number;
  readonly bytes: Buffer;
  readonly end: DetachedEnd | 'none' | undefined;
}

export interface DetachedReader {
  readonly client: ModalClient;
  readonly sandbox: Sandbox;
  readonly signal: AbortSignal;
  /** Called where a part of the output isn't kept. */
  onGap(bytes: number): void;
}

/**
 * Reads the output of a detached run from its beginning, while it's running and after its end, and across connection losses.
 * Returns how the program ended. After the end of its sandbox, reads the rest from the host volume. Throws the sandbox's end if
 * there's nothing to read or the program hadn't ended before, the SDK's errors, and the signal's reason.
 */
export async function* readDetached(
  place: DetachedPlace,
  { client, sandbox, signal, onGap }: DetachedReader,
): AsyncGenerator<Uint8Array, DetachedEnd> {
  let offset = 0;
  let source = (at: number) => fromSandbox(sandbox, place, at, signal);
  let gone: unknown;
  let goneAt = 0;
  let lostAt: number | undefined;
  const startedAt = performance.now();
  for (;;) {
    let part: Part;
    try {
      part = await source(offset);
      lostAt = undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (gone !== undefined) throw gone;
      lostAt ??= performance.now();
      const ended = await sandboxEndOf(client, place.sandboxId, error);
      if (ended !== undefined) {
        if (place.hostVolume === undefined) throw ended;
        gone = ended;
        goneAt = performance.now();
        source = fromVolume(client, place.hostVolume, place.runId);
      } else if (!isConnectionLost(error) || performance.now() - lostAt > RECONNECT_TIMEOUT_MS) throw error;
      else await sleep(RETRY_INTERVAL_MS, undefined, { signal });
      continue;
    }
    if (part.offset > offset) onGap(part.offset - offset);
    offset = part.offset + part.bytes.length;
    if (part.bytes.length > 0) yield part.bytes;
    else if (part.end === 'none' && performance.now() - startedAt < APPEAR_TIMEOUT_MS) continue;
    else if (part.end !== undefined) return part.end === 'none' ? 'killed' : part.end;
    else if (gone !== undefined) {
      if (performance.now() - goneAt > COMMIT_TIMEOUT_MS) throw gone;
      await sleep(RETRY_INTERVAL_MS, undefined, { signal });
    }
  }
}

/** Returns the error that explains a sandbox's end; undefined if it's running or can't be reached. */
export async function sandboxEndOf(client: ModalClient, sandboxId: string, error: unknown): Promise<unknown> {
  try {
    await requireRunning(client, sandboxId, 0);
    return undefined;
  } catch (end) {
    return isSandboxStopped(end) ? end : isSandboxStopped(error) ? error : undefined;
  }
}

async function fromSandbox(
  sandbox: Sandbox,
  { runId, hostVolume }: DetachedPlace,
  offset: number,
  signal: AbortSignal,
): Promise<Part> {
  const command = readCommand(detachedFolder(runId, hostVolume), offset, MAX_READ_BYTES);
  const answer = await execWith(sandbox, command, { ...READ_LIMITS, signal });
  const headerBytes = answer.subarray(0, MAX_HEADER_BYTES).indexOf('\n');
  const [start = '', ...state] = answer.toString('latin1', 0, Math.max(headerBytes, 0)).split(' ');
  if (!/^\d+$/.test(start)) return { offset, bytes: Buffer.alloc(0), end: 'killed' };
  return { offset: Number(start), bytes: answer.subarray(headerBytes + 1), end: endFrom(state.join(' ')) };
}

/** Returns a function that reads from the host volume. */
function fromVolume(client: ModalClient, volume: string, runId: string): (offset: number) => Promise<Part> {
  const files = volumeFiles(async () => client, volume);
  const folder = folderOnVolume(runId);
  const content = async (name: string, maxBytes: number) =>
    Buffer.from(await readAll(files, `${folder}/${name}`, maxBytes));
  return async (offset) => {
    const known = await outputFiles(files, folder);
    const own = known.findLast((start) => start <= offset);
    if (own !== undefined) {
      const bytes = (await content(`${own}.out`, MAX_FILE_BYTES)).subarray(offset - own);
      if (bytes.length > 0) return { offset, bytes, end: undefined };
    }
    const next = known.find((start) => start > offset);
    if (next !== undefined)
      return { offset: next, bytes: await content(`${next}.out`, MAX_FILE_BYTES), end: undefined };
    const state = await content('exit', MAX_HEADER_BYTES).catch((error) => {
      if (!isNotFound(error)) throw error;
      return Buffer.alloc(0);
    });
    return { offset, bytes: Buffer.alloc(0), end: endFrom(state.toString().trim()) };
  };
}

/** Returns the offsets at which the files of an output start. */
async function outputFiles(files: RemoteFiles, folder: string): Promise<number[]> {
  const starts = (await files.list(folder)).flatMap(({ name, bytes }) =>
    bytes > 0 ? (/^(\d+)\.out$/.exec(name)?.[1] ?? []) : [],
  );
  return starts.map(Number).sort((a, b) => a - b);
}

function endFrom(state: string): Part['end'] {
  if (state === '') return undefined;
  if (state === 'none' || state === 'killed') return state;
  const [, exitCode, seconds] = /^(\d{1,3}) (\d+)$/.exec(state) ?? [];
  return exitCode === undefined || seconds === undefined
    ? 'killed'
    : { exitCode: Number(exitCode), durationMs: Number(seconds) * 1000 };
}
