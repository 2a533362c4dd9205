import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A tree of test files, by path: a file's content, `null` for an empty folder, or `{ link }` for a link. */
export type TreeSpec = Readonly<Record<string, string | Buffer | null | { readonly link: string }>>;

const made: string[] = [];

/** Creates a temporary folder, to be deleted by `removeTemporary`. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'modal-sync-test-'));
  made.push(folder);
  return folder;
}

/** Deletes every folder that `temporaryFolder` created. For `after` hooks. */
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

/** Returns a generator of numbers in [0, 1) with the same sequence for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Picks one of several choices. */
export function pick<T>(next: () => number, choices: readonly T[]): T {
  return choices[Math.floor(next() * choices.length)] as T;
}
