import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** What a test tree is made of: text of a file, `null` for an empty folder, `{ link }` for a link. */
export type TreeSpec = Readonly<Record<string, string | Buffer | null | { readonly link: string }>>;

const made: string[] = [];

/** A folder of the test's own, deleted by `removeTemporary`. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'modal-sync-test-'));
  made.push(folder);
  return folder;
}

/** Deletes every folder that `temporaryFolder` made; for `after` hooks. */
export function removeTemporary(): void {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** Writes files into a folder, and returns it. */
export function writeTree(folder: string, tree: TreeSpec): string {
  for (const [path, content] of Object.entries(tree)) {
    const full = join(folder, path);
    mkdirSync(content === null ? full : dirname(full), { recursive: true });
    if (content === null) continue;
    if (typeof content === 'string' || Buffer.isBuffer(content)) {
      writeFileSync(full, content);
      if (path.endsWith('.sh')) chmodSync(full, 0o755);
    } else symlinkSync(content.link, full);
  }
  return folder;
}

/** A generator of numbers in [0, 1) that gives the same row for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One of several. */
export function pick<T>(next: () => number, choices: readonly T[]): T {
  return choices[Math.floor(next() * choices.length)] as T;
}
