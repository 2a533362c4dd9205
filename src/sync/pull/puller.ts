import { randomUUID } from 'node:crypto';
import { posix } from 'node:path';
import type { Sandbox } from 'modal';
import { HOUR_MS, MINUTE_MS } from '../../base/clock.ts';
import { UserError } from '../../base/errors.ts';
import { type AnswerLimits, execWith, readStream } from '../../modal/exec.ts';
import { watched } from '../../modal/watchdog.ts';
import type { SyncProgress } from '../options.ts';
import { type Ask, MAX_NAMED } from '../push/questions.ts';
import { strings } from '../strings.ts';
import type { WorkerClient } from '../worker/client.ts';
import { matchFiles, type PullMatches, withoutUtf8 } from './pull-matches.ts';
import type { Received, ReceiveProgress } from './pull-receiver.ts';
import { PullSize } from './pull-size.ts';

export interface PullRequest {
  /** Files and folders, relative to the root, with `/`. */
  readonly paths?: readonly string[];
  /** Patterns of files, in `.gitignore` syntax. */
  readonly patterns?: readonly string[];
  /** Paths with unsaved changes in an editor. Never overwritten. */
  readonly dirty?: readonly string[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: SyncProgress) => void;
  readonly ask?: Ask;
}

export interface PullResult extends Received {
  /** Requested paths that don't exist in the sandbox. */
  readonly missing: readonly string[];
  /** Patterns that matched no file. */
  readonly unmatched: readonly string[];
  readonly durationMs: number;
}

/** Characters of paths in one command, so that its arguments stay below Modal's limit. */
const MAX_BATCH_CHARS = 40_000;
const PULL_TIMEOUT_MS = HOUR_MS;
const FIND_LIMITS: AnswerLimits = { maxBytes: 64_000_000, timeoutMs: 5 * MINUTE_MS };
const FIND = 'cd "$1" && find . -path ./.modal-sync -prune -o ! -type d -print0';
const PACK = 'cd "$1" && shift && exec tar -cf - "$@" 2>/dev/null';

/** Pulls files from a sandbox. The receiver in the engine's thread checks each one. */
export class Puller {
  readonly #worker: WorkerClient;
  readonly #remoteRoot: string;
  readonly #ask: Ask | undefined;

  constructor(worker: WorkerClient, remoteRoot: string, ask: Ask | undefined) {
    this.#worker = worker;
    this.#remoteRoot = remoteRoot;
    this.#ask = ask;
  }

  /** Throws `UserError` if the connection is lost. */
  async pull(sandbox: Sandbox, request: PullRequest): Promise<PullResult> {
    const startedAt = performance.now();
    const matching = await this.#matching(sandbox, request);
    const paths = [...new Set([...(request.paths ?? []).map(checkedPath), ...matching.paths])];
    const size = new PullSize(this.#ask);
    const first = await this.#receive(sandbox, paths, [], request, size);
    const allowed = await this.#allowed(first.sensitive);
    const left = first.sensitive.filter((path) => !allowed.includes(path));
    const second = allowed.length > 0 ? await this.#receive(sandbox, allowed, allowed, request, size) : undefined;
    const all = second ? { ...joined(first, second), sensitive: left } : first;
    const found = [
      ...all.written,
      ...all.same,
      ...all.sensitive,
      ...all.conflicts.map(({ path }) => path),
      ...all.refused.map(({ path }) => path),
    ];
    const unfound = paths.filter(
      (path) => path !== '' && !found.some((one) => one === path || one.startsWith(`${path}/`)),
    );
    // Lists show a name that isn't UTF-8 with replacement characters, under which it can't be requested.
    const isUnnameable = (path: string) => path.includes('\ufffd');
    return {
      ...all,
      refused: [...all.refused, ...matching.refused, ...unfound.filter(isUnnameable).map(withoutUtf8)],
      missing: unfound.filter((path) => !isUnnameable(path)),
      unmatched: matching.unmatched,
      durationMs: performance.now() - startedAt,
    };
  }

  /** Asks about files that affect what local programs run, until the user says no. Resolves with those that may be pulled. */
  async #allowed(sensitive: readonly string[]): Promise<readonly string[]> {
    for (let at = 0; at < sensitive.length; at += MAX_NAMED) {
      const isConfirmed = await this.#ask?.({ kind: 'sensitive-pull', paths: sensitive.slice(at, at + MAX_NAMED) });
      if (isConfirmed !== true) return sensitive.slice(0, at);
    }
    return sensitive;
  }

  async #matching(sandbox: Sandbox, { patterns = [], signal }: PullRequest): Promise<PullMatches> {
    if (patterns.length === 0) return { paths: [], refused: [], unmatched: [] };
    const argv = ['sh', '-c', FIND, 'modal-find', this.#remoteRoot];
    return matchFiles(await execWith(sandbox, argv, { signal, ...FIND_LIMITS }), patterns, this.#remoteRoot);
  }

  async #receive(
    sandbox: Sandbox,
    paths: readonly string[],
    allowed: readonly string[],
    request: PullRequest,
    size: PullSize,
  ): Promise<Received> {
    let all: Received | undefined;
    for (const batch of batches(paths)) {
      const received = await this.#batch(sandbox, batch, allowed, request, size);
      size.add(received);
      all = all ? joined(all, received) : received;
    }
    return all ?? { files: 0, bytes: 0, written: [], same: [], conflicts: [], refused: [], sensitive: [] };
  }

  async #batch(
    sandbox: Sandbox,
    paths: readonly string[],
    allowed: readonly string[],
    { signal, onProgress, dirty = [] }: PullRequest,
    size: PullSize,
  ): Promise<Received> {
    signal?.throwIfAborted();
    const watch = watched(randomUUID());
    const script = `${watch.preamble}\n${PACK}`;
    const argv = ['sh', '-c', script, 'modal-pull', this.#remoteRoot, ...paths.map((path) => `./${path}`)];
    const process = await sandbox.exec(argv, { mode: 'binary', stderr: 'ignore', timeoutMs: PULL_TIMEOUT_MS });
    using _ = watch.keepAlive(sandbox);
    await using reception = await this.#worker.receive({ sandboxId: sandbox.sandboxId, paths, dirty, allowed });
    const end = new ArchiveEnd();
    const startedAt = performance.now();
    const report = (received: ReceiveProgress) => {
      const bytesPerSecond = (received.bytes * 1000) / (performance.now() - startedAt);
      onProgress?.({ stage: 'receiving', ...received, totalBytes: 0, bytesPerSecond });
    };
    // The receiver checks the sizes that the archive declares.
    for await (const piece of readStream(process.stdout, { maxBytes: Number.POSITIVE_INFINITY, signal })) {
      end.add(piece);
      const soFar = await reception.take(piece, { signal });
      await size.check(soFar);
      signal?.throwIfAborted();
      report(soFar);
    }
    if (!end.isComplete) throw new UserError(strings.pullInterrupted(), { actions: ['retry'] });
    const received = await reception.end();
    // The receiver unpacks the last pieces after it has taken them.
    report({ files: received.files, bytes: received.bytes, path: received.written.at(-1) ?? '' });
    return received;
  }
}

/** Checks that an archive is complete: it ends with two blocks of zeros, unless it was cut between two files. */
class ArchiveEnd {
  #last = Buffer.alloc(0);

  add(bytes: Uint8Array): void {
    this.#last = Buffer.concat([this.#last, bytes.subarray(-1024)]).subarray(-1024);
  }

  get isComplete(): boolean {
    return this.#last.length === 1024 && this.#last.every((byte) => byte === 0);
  }
}

function checkedPath(path: string): string {
  const normal = posix.normalize(path).replace(/\/$/, '');
  if (posix.isAbsolute(normal) || normal === '..' || normal.startsWith('../'))
    throw new UserError(strings.pullOutside(path));
  return normal === '.' ? '' : normal;
}

function* batches(paths: readonly string[]): Generator<string[]> {
  let batch: string[] = [];
  let chars = 0;
  for (const path of paths) {
    if (chars + path.length + 3 > MAX_BATCH_CHARS && batch.length > 0) {
      yield batch;
      batch = [];
      chars = 0;
    }
    batch.push(path);
    chars += path.length + 3;
  }
  if (batch.length > 0) yield batch;
}

function joined(one: Received, other: Received): Received {
  return {
    files: one.files + other.files,
    bytes: one.bytes + other.bytes,
    written: [...one.written, ...other.written],
    same: [...one.same, ...other.same],
    conflicts: [...one.conflicts, ...other.conflicts],
    refused: [...one.refused, ...other.refused],
    sensitive: [...one.sensitive, ...other.sensitive],
  };
}
