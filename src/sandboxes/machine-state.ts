import { randomUUID } from 'node:crypto';
import { link, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { writePrivateDraft, writePrivateFile } from '../base/private-files.ts';
import { reportUnsaved } from '../base/unsaved.ts';

const WindowSchema = z.object({ pid: z.number() });

/**
 * State shared by all windows on this computer, kept in a folder. Each window writes its own files; files that several
 * windows write are protected by a lock. Contains no secrets.
 */
export class MachineState {
  readonly dir: string;
  /** Identifies this window in the tags of its sandboxes and in file names. */
  readonly windowId: string;

  constructor(dir: string, windowId: string = randomUUID()) {
    this.dir = dir;
    this.windowId = windowId;
  }

  /** What couldn't be written, by path. */
  readonly #unsaved = new Map<string, unknown>();

  /** Registers this window for as long as its process runs. Removes windows whose process has ended. */
  async join(): Promise<void> {
    await this.write(`windows/${this.windowId}.json`, { pid: process.pid });
    const others = (await this.list('windows')).map((name) => name.replace(/\.json$/, ''));
    for (const other of others) if (!(await this.isAlive(other))) await rm(this.#windowFile(other), { force: true });
  }

  /** Removes this window. */
  async leave(): Promise<void> {
    await this.remove(`windows/${this.windowId}.json`);
  }

  /** Returns whether a window's process is running. A process ID that was reused counts as running. */
  async isAlive(windowId: string): Promise<boolean> {
    const window = await this.read(`windows/${windowId}.json`, WindowSchema);
    return window !== undefined && isProcessRunning(window.pid);
  }

  /** Returns the names of the files in a subfolder, except those that are being written. Includes what couldn't be written. */
  async list(folder: string): Promise<string[]> {
    const names = await readdir(join(this.dir, folder)).catch(() => []);
    const unsaved = [...this.#unsaved.keys()].filter((path) => dirname(path) === folder).map((path) => basename(path));
    return [...new Set([...names, ...unsaved])].filter((name) => name.endsWith('.json'));
  }

  /** Returns a file's contents; undefined if the file is missing or invalid. */
  async read<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
    if (this.#unsaved.has(path)) return schema.safeParse(this.#unsaved.get(path)).data;
    return readJson(join(this.dir, path), schema);
  }

  /**
   * Writes a file atomically. If that isn't possible, the value is kept in memory for this window, which is reported.
   * Resolves with whether it was written.
   */
  async write(path: string, value: unknown): Promise<boolean> {
    try {
      await writePrivateFile(join(this.dir, path), JSON.stringify(value));
      this.#unsaved.delete(path);
      return true;
    } catch (error) {
      this.#unsaved.set(path, value);
      reportUnsaved(error);
      return false;
    }
  }

  async remove(path: string): Promise<void> {
    this.#unsaved.delete(path);
    await rm(join(this.dir, path), { force: true }).catch(reportUnsaved);
  }

  /**
   * Acquires a lock shared by all windows. Resolves with a function that releases it; undefined while another running
   * process holds it, or if no file can be written. A lock that is older than `staleMs` is taken over.
   */
  async lock(name: string, staleMs: number): Promise<(() => Promise<void>) | undefined> {
    try {
      return await this.#lock(name, staleMs);
    } catch (error) {
      reportUnsaved(error);
      return undefined;
    }
  }

  async #lock(name: string, staleMs: number): Promise<(() => Promise<void>) | undefined> {
    const path = join(this.dir, `${name}.lock`);
    const own = JSON.stringify({ pid: process.pid, id: randomUUID() });
    for (let attempt = 0; attempt < 2; attempt += 1) {
      if (await createAtomically(path, own)) return () => unlock(path, own);
      const held = await textOf(path);
      if (held !== undefined && !(await isStale(path, held, staleMs))) return undefined;
      if (held !== undefined) await removeStale(path, held);
    }
    return undefined;
  }

  #windowFile(windowId: string): string {
    return join(this.dir, 'windows', `${windowId}.json`);
  }
}

async function isStale(path: string, held: string, staleMs: number): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  if (!info || Date.now() - info.mtimeMs > staleMs) return true;
  const holder = parseJson(held, WindowSchema);
  return !holder || !isProcessRunning(holder.pid);
}

/** Removes a stale lock. A lock that another window acquired in the meantime is put back. */
async function removeStale(path: string, stale: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  await rename(path, aside).catch(ignoreMissing);
  const moved = await textOf(aside);
  if (moved !== undefined && moved !== stale) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}

async function unlock(path: string, own: string): Promise<void> {
  if ((await textOf(path)) === own) await rm(path, { force: true });
}

/** Creates a file together with its contents in one step. Returns false if the file exists. */
async function createAtomically(path: string, text: string): Promise<boolean> {
  const draft = await writePrivateDraft(path, text);
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  return parseJson(await textOf(path), schema);
}

function parseJson<T>(text: string | undefined, schema: z.ZodType<T>): T | undefined {
  try {
    return text === undefined ? undefined : schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

function isProcessRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
