import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { random } from '../test/unit/sync/temporary.ts';

/** The trees that the goals refer to. */
export const TREES = {
  S: { files: 200, bytes: 2_000_000, folders: 17 },
  M: { files: 5_000, bytes: 50_000_000, folders: 417 },
  L: { files: 50_000, bytes: 400_000_000, folders: 4_167 },
} as const;

export type TreeName = keyof typeof TREES;

/** Writes a tree of text-like files with log-normal sizes, the same for each call. */
export function makeTree(root: string, name: TreeName, share = 1): void {
  const { files, bytes, folders } = TREES[name];
  const next = random(7);
  const count = Math.round(files * share);
  const sizes = Array.from({ length: count }, () => Math.exp(normal(next) * 1.2));
  const scale = (bytes * share) / sizes.reduce((sum, size) => sum + size, 0);
  const text = textOf(next, 4_000_000);
  for (let at = 0; at < count; at += 1) {
    const folder = folderOf(Math.floor((at * folders) / files));
    mkdirSync(join(root, folder), { recursive: true });
    const size = Math.min(Math.round((sizes[at] as number) * scale), text.length - 1000);
    const from = Math.floor(next() * (text.length - size));
    writeFileSync(join(root, folder, `file${at}.py`), text.subarray(from, from + size));
  }
}

/** Returns the path of the file with this number. */
export function fileAt(name: TreeName, at: number): string {
  const { files, folders } = TREES[name];
  return `${folderOf(Math.floor((at * folders) / files))}/file${at}.py`;
}

function folderOf(number: number): string {
  return `pkg${number % 10}/mod${Math.floor(number / 10) % 20}/part${number}`;
}

function textOf(next: () => number, bytes: number): Buffer {
  const words = Array.from({ length: 2000 }, () => Math.floor(next() * 36 ** (2 + next() * 8)).toString(36));
  const parts: string[] = [];
  for (let length = 0; length < bytes; ) {
    const word = words[Math.floor(next() ** 2 * words.length)] as string;
    parts.push(word);
    length += word.length + 1;
  }
  return Buffer.from(parts.join(' '));
}

function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(next() + 1e-12)) * Math.cos(2 * Math.PI * next());
}
