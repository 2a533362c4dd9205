import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
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

  /** Says that this window lives, for as long as its process does. */
  async join(): Promise<void> {
    await writeWhole(this.#windowFile(this.windowId), JSON.stringify({ pid: process.pid }));
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

  /** Names of files in a sub-folder. */
  async list(folder: string): Promise<string[]> {
    return readdir(join(this.dir, folder)).catch(() => []);
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
    await mkdir(this.dir, { recursive: true });
    for (let attempt = 0; attempt < 2; attempt += 1) {
      try {
        const file = await open(path, 'wx');
        await file.writeFile(JSON.stringify({ pid: process.pid, windowId: this.windowId }));
        await file.close();
        return () => rm(path, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        if (!(await isStale(path, staleMs))) return undefined;
        await rm(path, { force: true });
      }
    }
    return undefined;
  }

  #windowFile(windowId: string): string {
    return join(this.dir, 'windows', `${windowId}.json`);
  }
}

async function isStale(path: string, staleMs: number): Promise<boolean> {
  const [holder, info] = await Promise.all([readJson(path, WindowSchema), stat(path).catch(() => undefined)]);
  if (!info) return true;
  const ageMs = Date.now() - info.mtimeMs;
  // A file without content was made a moment ago, or by a process that died there.
  return ageMs > staleMs || (holder ? !isProcess(holder.pid) : ageMs > 10_000);
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return schema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
  } catch {
    return undefined;
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, path);
}

function isProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
