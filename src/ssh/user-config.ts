import { randomUUID } from 'node:crypto';
import { mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasInclude, withInclude, withoutInclude } from './client-config.ts';

/** The ssh config of the user, of which only one line is ours. */
export class UserConfig {
  readonly path: string;
  readonly #line: string;

  constructor(path: string, line: string) {
    this.path = path;
    this.#line = line;
  }

  async hasLine(): Promise<boolean> {
    return hasInclude(await this.#read(), this.#line);
  }

  /** Adds the line at the top, unless it's there. */
  async add(): Promise<void> {
    await this.#change((text) => withInclude(text, this.#line));
  }

  async remove(): Promise<void> {
    await this.#change((text) => withoutInclude(text, this.#line));
  }

  /** Replaces the file in one step. If it's a link, its target is replaced. Its permissions stay. */
  async #change(change: (text: string) => string): Promise<void> {
    const before = await this.#read();
    const after = change(before);
    if (after === before) return;
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    const target = await realpath(this.path).catch(() => this.path);
    const mode = await stat(target).then(
      (found) => found.mode & 0o7777,
      () => 0o600,
    );
    const draft = `${target}.${randomUUID()}`;
    try {
      await writeFile(draft, after, { mode });
      await rename(draft, target);
    } finally {
      await rm(draft, { force: true });
    }
  }

  async #read(): Promise<string> {
    return readFile(this.path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
  }
}
