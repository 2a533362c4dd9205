import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';

const WindowSchema = z.object({ pid: z.number() });

/**
 * What the windows of this machine know of each other: a folder that all of them share. Each window writes files of its
 * own; what all write is written under a lock. Nothing in it is secret.
 */
export class Machine {
  readonly dir: string;
  /** This window, in its sandboxes' tags and files. */
  readonly windowId: string;

  constructor(dir: string, windowId: string = randomUUID()) {
    this.dir = dir;
    this.windowId = windowId;
  }

  /** Says that this window lives, for as long as its process does. Forgets windows whose process is gone. */
  async join(): Promise<void> {
    await writeWhole(this.#windowFile(this.windowId), JSON.stringify({ pid: process.pid }));
    const others = (await this.list('windows')).map((name) => name.replace(/\.json$/, ''));
    for (const other of others) if (!(await this.isAlive(other))) await rm(this.#windowFile(other), { force: true });
  }

  /** Says that this window has ended in good order. */
  async leave(): Promise<void> {
    await rm(this.#windowFile(this.windowId), { force: true });
  }

  /** Whether a window's process still runs. A number that another process has taken over meanwhile counts as alive. */
  async isAlive(windowId: string): Promise<boolean> {
    const window = await readJson(this.#windowFile(windowId), WindowSchema);
    return window !== undefined && isProcess(window.pid);
  }

  /** Names of the files in a sub-folder, without those that are being written. */
  async list(folder: string): Promise<string[]> {
    const names = await readdir(join(this.dir, folder)).catch(() => []);
    return names.filter((name) => name.endsWith('.json'));
  }

  /** What a file holds; absent when it is not there or not as it should be. */
  read<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
    return readJson(join(this.dir, path), schema);
  }

  /** Writes a file whole or not at all. */
  write(path: string, value: unknown): Promise<void> {
    return writeWhole(join(this.dir, path), JSON.stringify(value));
  }

  remove(path: string): Promise<void> {
    return rm(join(this.dir, path), { force: true });
  }

  /**
   * Takes a lock that all windows share. Undefined while another living process holds it; one that was held for longer
   * than `staleMs` is taken over. Resolves with what gives it back.
   */
  async lock(name: string, staleMs: number): Promise<(() => Promise<void>) | undefined> {
    const path = join(this.dir, `${name}.lock`);
    const own = JSON.stringify({ pid: process.pid, id: randomUUID() });
    for (let attempt = 0; attempt < 2; attempt += 1) {
      if (await createWhole(path, own)) return () => unlock(path, own);
      const held = await textOf(path);
      if (held !== undefined && !(await isStale(path, held, staleMs))) return undefined;
      if (held !== undefined) await putAside(path, held);
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
  return !holder || !isProcess(holder.pid);
}

/** Removes a lock that was found to be stale. What another window has put in its place meanwhile is put back. */
async function putAside(path: string, stale: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  await rename(path, aside).catch(ifNotThere);
  const moved = await textOf(aside);
  if (moved !== undefined && moved !== stale) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}

async function unlock(path: string, own: string): Promise<void> {
  if ((await textOf(path)) === own) await rm(path, { force: true });
}

/** Makes a file with its content in one step; false when there is one of the name. */
async function createWhole(path: string, text: string): Promise<boolean> {
  const draft = await writeDraft(path, text);
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

async function writeWhole(path: string, text: string): Promise<void> {
  await rename(await writeDraft(path, text), path);
}

async function writeDraft(path: string, text: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, text, { mode: 0o600 });
  return draft;
}

function ifNotThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

function isProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
