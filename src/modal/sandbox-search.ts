import type { Sandbox } from 'modal';
import { RemoteFileError } from './remote-files.ts';

/** A line that holds what was searched. */
export interface SearchHit {
  /** Absolute. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** The line, or the beginning of a very long one. */
  readonly text: string;
}

export interface SearchOptions {
  readonly signal: AbortSignal;
  /** The search ends after so many. */
  readonly mostHits: number;
  /** Called with each part of what is found. */
  readonly onHits: (hits: readonly SearchHit[]) => void;
}

/** The search in the sandbox ends by itself after this time. */
const TIMEOUT_MS = 60_000;
/** Of a line, what people are shown. */
const MOST_LINE_BYTES = 1_000;
/** The longest path on Linux, with the number of a line and room to spare. */
const MOST_PATH_BYTES = 8_192;
/** What a search reads of lines in all, however long they are. */
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Ends when its input does, so that a search that nobody waits for stops. Exit codes are grep's: 0 found, 1 nothing, else a
 * problem, which GNU grep has with files that it may not read as well.
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
 * Searches the text files below a folder of a sandbox for a text, in any case unless the text has capital letters.
 * `.git`, `node_modules` and what sync keeps are left out. Resolves with whether all was searched. Throws the signal's reason,
 * `RemoteFileError`, and the SDK's errors.
 */
export async function searchSandbox(
  sandbox: Sandbox,
  folder: string,
  text: string,
  { signal, mostHits, onHits }: SearchOptions,
): Promise<{ readonly isComplete: boolean }> {
  signal.throwIfAborted();
  const anyCase = text === text.toLowerCase() ? ['-i'] : [];
  const argv = ['sh', '-c', SEARCH, 'sh', folder, ...anyCase, '-e', text];
  const process = await sandbox.exec(argv, { mode: 'binary', timeoutMs: TIMEOUT_MS });
  const stop = () => void process.closeStdin().catch(() => {});
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const reader = process.stdout.getReader();
  const lines = new HitReader(folder);
  let found = 0;
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) break;
      bytes += value.length;
      const hits = lines.read(value).slice(0, mostHits - found);
      found += hits.length;
      if (hits.length > 0) onHits(hits);
      if (found >= mostHits || bytes > MOST_BYTES) return { isComplete: false };
    }
    const [code, complaint] = await Promise.all([process.wait(), process.stderr.readText()]);
    signal.throwIfAborted();
    if (code > 1 && found === 0) throw problemOf(String(complaint));
    return { isComplete: code <= 1 };
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
    void reader.cancel().catch(() => {});
  }
}

function problemOf(complaint: string): RemoteFileError {
  const said = complaint.trim().split('\n')[0] ?? '';
  if (/not found|unrecognized option|invalid option/.test(said))
    return new RemoteFileError('unavailable', 'Search needs GNU grep in the sandbox’s image, which this one has not.');
  return new RemoteFileError('unavailable', `The search did not go through: ${said || 'it took too long'}.`);
}

/** Takes lines of grep apart, `PATH NUL NUMBER ":" TEXT`, as they come. A path may hold line breaks. */
class HitReader {
  readonly #folder: string;
  #rest = Buffer.alloc(0);
  /** In the rest of a line of which all that is shown is there already. */
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
      const end = pathEnd < 0 ? -1 : this.#rest.indexOf(0x0a, pathEnd);
      if (end < 0 && (pathEnd < 0 || this.#rest.length < MOST_PATH_BYTES + MOST_LINE_BYTES)) return hits;
      hits.push(...this.#hit(pathEnd, end < 0 ? this.#rest.length : end));
      this.#isSkipping = end < 0;
      this.#rest = this.#rest.subarray(end < 0 ? this.#rest.length : end + 1);
    }
  }

  #hit(pathEnd: number, end: number): SearchHit[] {
    const path = `${this.#folder}/${this.#rest.toString('utf8', 0, pathEnd).replace(/^\.\//, '')}`;
    const shown = this.#rest.toString('utf8', pathEnd + 1, Math.min(end, pathEnd + 1 + MOST_LINE_BYTES));
    const [, line, text] = /^(\d+):([^\n]*)$/s.exec(shown) ?? [];
    return line === undefined || text === undefined ? [] : [{ path, line: Number(line), text }];
  }
}
