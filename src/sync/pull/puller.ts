import { posix } from 'node:path';
import type { Sandbox } from 'modal';
import { HOUR_MS } from '../../base/clock.ts';
import { UserError } from '../../base/errors.ts';
import { execWith } from '../../modal/exec.ts';
import type { SyncProgress } from '../options.ts';
import type { Ask } from '../push/questions.ts';
import { PatternList } from '../rules/gitignore.ts';
import { strings } from '../strings.ts';
import type { WorkerClient } from '../worker/client.ts';
import type { Received } from './pull-receiver.ts';

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
  readonly durationMs: number;
}

/** Characters of paths in one command, so that its arguments stay below Modal's limit. */
const MAX_BATCH_CHARS = 40_000;
const PULL_TIMEOUT_MS = HOUR_MS;
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
    const paths = [
      ...new Set([...(request.paths ?? []).map(checkedPath), ...(await this.#matching(sandbox, request))]),
    ];
    const first = await this.#receive(sandbox, paths, [], request);
    const { sensitive } = first;
    const isConfirmed =
      sensitive.length > 0 && (await this.#ask?.({ kind: 'sensitive-pull', paths: sensitive })) === true;
    const second = isConfirmed ? await this.#receive(sandbox, sensitive, sensitive, request) : undefined;
    const all = second ? { ...joined(first, second), sensitive: [] } : first;
    const found = [
      ...all.written,
      ...all.same,
      ...all.sensitive,
      ...all.conflicts.map(({ path }) => path),
      ...all.refused.map(({ path }) => path),
    ];
    const missing = paths.filter(
      (path) => path !== '' && !found.some((one) => one === path || one.startsWith(`${path}/`)),
    );
    return { ...all, missing, durationMs: performance.now() - startedAt };
  }

  async #matching(sandbox: Sandbox, { patterns = [], signal }: PullRequest): Promise<string[]> {
    if (patterns.length === 0) return [];
    const output = await execWith(sandbox, ['sh', '-c', FIND, 'modal-find', this.#remoteRoot], { signal });
    const list = new PatternList('', patterns.join('\n'));
    const names = output
      .toString()
      .split('\0')
      .map((name) => name.replace(/^\.\//, ''));
    return names.filter((path) => path !== '' && isMatched(list, path));
  }

  async #receive(
    sandbox: Sandbox,
    paths: readonly string[],
    allowed: readonly string[],
    request: PullRequest,
  ): Promise<Received> {
    let all: Received | undefined;
    for (const batch of batches(paths)) {
      const argv = ['sh', '-c', PACK, 'modal-pull', this.#remoteRoot, ...batch.map((path) => `./${path}`)];
      const received = await this.#batch(sandbox, argv, batch, allowed, request);
      all = all ? joined(all, received) : received;
    }
    return all ?? { files: 0, bytes: 0, written: [], same: [], conflicts: [], refused: [], sensitive: [] };
  }

  async #batch(
    sandbox: Sandbox,
    argv: string[],
    paths: readonly string[],
    allowed: readonly string[],
    { signal, onProgress, dirty = [] }: PullRequest,
  ): Promise<Received> {
    signal?.throwIfAborted();
    const process = await sandbox.exec(argv, { mode: 'binary', stderr: 'ignore', timeoutMs: PULL_TIMEOUT_MS });
    await using reception = await this.#worker.receive({ sandboxId: sandbox.sandboxId, paths, dirty, allowed });
    const reader = process.stdout.getReader();
    const stop = () => void reader.cancel().catch(() => {});
    signal?.addEventListener('abort', stop, { once: true });
    const end = new ArchiveEnd();
    const startedAt = performance.now();
    try {
      for (;;) {
        const { value, done } = await reader.read();
        signal?.throwIfAborted();
        if (done) break;
        end.add(value);
        const soFar = await reception.take(value, { signal });
        const bytesPerSecond = (soFar.bytes * 1000) / (performance.now() - startedAt);
        onProgress?.({ stage: 'receiving', ...soFar, totalBytes: 0, bytesPerSecond });
      }
      if (!end.isComplete) throw new UserError(strings.pullInterrupted());
      return await reception.end();
    } finally {
      signal?.removeEventListener('abort', stop);
      stop();
    }
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

/** A pattern that matches a folder matches everything below it, as in an ignore file. */
function isMatched(list: PatternList, path: string): boolean {
  const parts = path.split('/');
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const pattern = list.last(parts.slice(0, depth).join('/'), parts[depth - 1] as string, depth < parts.length);
    if (pattern) {
      if (!pattern.negated) return true;
      if (depth === parts.length) return false;
    }
  }
  return false;
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
