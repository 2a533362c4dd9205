import type { Sandbox } from 'modal';
import { inTime, QUIET_MS, readStream, readText } from './exec.ts';
import { RemoteFileError } from './remote-files.ts';
import { strings } from './strings.ts';

/** A line that contains the search text. */
export interface SearchHit {
  /** The absolute path of the file. */
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  /** The line, or the start of a very long one. */
  readonly text: string;
}

export interface SearchOptions {
  readonly signal: AbortSignal;
  /** The search stops after this many hits. */
  readonly maxHits: number;
  /** Called with hits as they're found. */
  readonly onHits: (hits: readonly SearchHit[]) => void;
}

/** The search stops after this time, and a little later in the sandbox. */
const TIMEOUT_MS = 25_000;
const SANDBOX_TIMEOUT_MS = 30_000;
/** 128 + 9, the exit code of a search that the sandbox has stopped. */
const KILLED = 137;
/** The part of a line that is shown. */
const MAX_LINE_BYTES = 1_000;
/** Fits the longest path on Linux and a line number. */
const MAX_PATH_BYTES = 8_192;
/** The search stops after reading this much output. */
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * Stops when its input ends, so that an abandoned search doesn't keep running. Exit codes are grep's: 0 for hits, 1 for
 * none, and others for problems, including files that it may not read.
 */
const SEARCH = `
cd -- "$1" || exit 3
shift
exec 3<&0
grep -rnIZF --exclude-dir=.git --exclude-dir=.modal-sync --exclude-dir=node_modules "$@" . </dev/null &
search=$!
(cat <&3; kill $search) >/dev/null 2>&1 &
wait $search`;

/**
 * Searches the text files of a folder in a sandbox. The search is case-sensitive only if the text has capital letters, and
 * skips `.git`, `node_modules`, and the sync's own files. `isComplete` is false if the search stopped early or couldn't
 * read some files. Throws the signal's reason, `RemoteFileError`, and the SDK's errors.
 */
export async function searchSandbox(
  sandbox: Sandbox,
  folder: string,
  text: string,
  { signal, maxHits, onHits }: SearchOptions,
): Promise<{ readonly isComplete: boolean }> {
  signal.throwIfAborted();
  const anyCase = text === text.toLowerCase() ? ['-i'] : [];
  const argv = ['sh', '-c', SEARCH, 'sh', folder, ...anyCase, '-e', text];
  const process = await sandbox.exec(argv, { mode: 'binary', timeoutMs: SANDBOX_TIMEOUT_MS });
  const stop = () => void process.closeStdin().catch(() => {});
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const lines = new HitReader(folder);
  let found = 0;
  let bytes = 0;
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const limits = {
      maxBytes: Number.POSITIVE_INFINITY,
      quietMs: Number.POSITIVE_INFINITY,
      signal: AbortSignal.any([signal, timeout]),
    };
    for await (const part of readStream(process.stdout, limits)) {
      bytes += part.length;
      const hits = lines.read(part).slice(0, maxHits - found);
      found += hits.length;
      if (hits.length > 0) onHits(hits);
      if (found >= maxHits || bytes > MAX_BYTES) return { isComplete: false };
    }
    const [code, stderr] = await Promise.all([inTime(process.wait(), QUIET_MS), readText(process.stderr)]);
    signal.throwIfAborted();
    if (code > 1 && found === 0)
      throw problemOf(stderr, code === KILLED ? strings.searchTimedOut() : strings.noReason());
    return { isComplete: code <= 1 };
  } catch (error) {
    if (signal.aborted || !timeout.aborted) throw error;
    if (found === 0) throw problemOf('', strings.searchTimedOut());
    return { isComplete: false };
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

function problemOf(stderr: string, otherwise: string): RemoteFileError {
  const reason = stderr.trim().split('\n')[0] ?? '';
  if (/not found|unrecognized option|invalid option/.test(reason))
    return new RemoteFileError('unavailable', strings.searchNeedsGrep());
  return new RemoteFileError('unavailable', strings.searchFailed(reason || otherwise));
}

/** Parses grep's output, `PATH NUL NUMBER ":" TEXT`, as it arrives. Paths may contain line breaks. */
class HitReader {
  readonly #folder: string;
  #rest = Buffer.alloc(0);
  /** Skipping the rest of a line whose shown part has been read. */
  #isSkipping = false;

  constructor(folder: string) {
    this.#folder = folder === '/' ? '' : folder;
  }

  read(bytes: Uint8Array): SearchHit[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const hits: SearchHit[] = [];
    for (;;) {
      if (this.#isSkipping) {
        const end = this.#rest.indexOf(0x0a);
        this.#rest = this.#rest.subarray(end < 0 ? this.#rest.length : end + 1);
        if (end < 0) return hits;
        this.#isSkipping = false;
      }
      const pathEnd = this.#rest.indexOf(0);
      // No path is that long, so this isn't grep.
      if (pathEnd < 0 && this.#rest.length > MAX_PATH_BYTES) this.#rest = Buffer.alloc(0);
      const end = pathEnd < 0 ? -1 : this.#rest.indexOf(0x0a, pathEnd);
      if (end < 0 && (pathEnd < 0 || this.#rest.length < MAX_PATH_BYTES + MAX_LINE_BYTES)) return hits;
      hits.push(...this.#hit(pathEnd, end < 0 ? this.#rest.length : end));
      this.#isSkipping = end < 0;
      this.#rest = this.#rest.subarray(end < 0 ? this.#rest.length : end + 1);
    }
  }

  #hit(pathEnd: number, end: number): SearchHit[] {
    const path = `${this.#folder}/${this.#rest.toString('utf8', 0, pathEnd).replace(/^\.\//, '')}`;
    const shown = this.#rest.toString('utf8', pathEnd + 1, Math.min(end, pathEnd + 1 + MAX_LINE_BYTES));
    const [, line, text] = /^(\d+):([^\n]*)$/s.exec(shown) ?? [];
    return line === undefined || text === undefined ? [] : [{ path, line: Number(line), text }];
  }
}
