import { z } from 'zod';
import { type Clock, wallClock } from '../base/clock.ts';
import type { Machine } from './machine-state.ts';

/** For how long a restart may take. */
const RESTART_MS = 60_000;
const FOLDER = 'handovers';

const HandedOverSchema = z.object({
  sandboxId: z.string(),
  folder: z.object({ name: z.string(), path: z.string() }),
  /** The profile's name. */
  profile: z.string(),
  /** When the sandbox began to live, in milliseconds since 1970. */
  startedAt: z.number(),
});
const HandoverSchema = z.object({
  /** The window that restarts. */
  windowId: z.string(),
  /** Milliseconds since 1970. */
  at: z.number(),
  sandboxes: z.array(HandedOverSchema),
});

/** A sandbox that a window leaves for itself. */
export type HandedOver = z.infer<typeof HandedOverSchema>;

/**
 * What a window leaves for itself when it restarts by its own doing, as VS Code does to make a window of one folder one of
 * several: a note for all windows of the machine, good for a minute.
 */
export class Handover {
  readonly #machine: Machine;
  readonly #clock: Clock;
  #kept = new Set<string>();
  #keptUntil = 0;

  /** The clock's time is that of the wall. */
  constructor(machine: Machine, clock: Clock = wallClock) {
    this.#machine = machine;
    this.#clock = clock;
  }

  /** The window is about to restart: these are left for it. */
  async offer(sandboxes: readonly HandedOver[]): Promise<void> {
    const { windowId } = this.#machine;
    const at = this.#clock.now();
    await this.#machine.write(`${FOLDER}/${windowId}.json`, { windowId, at, sandboxes });
    this.#kept = new Set(sandboxes.map(({ sandboxId }) => sandboxId));
    this.#keptUntil = at + RESTART_MS;
  }

  /** The window does not restart after all. */
  async withdraw(): Promise<void> {
    this.#kept.clear();
    await this.#machine.remove(`${FOLDER}/${this.#machine.windowId}.json`);
  }

  /** Whether a sandbox lives on when this window ends now. */
  keeps(sandboxId: string): boolean {
    return this.#kept.has(sandboxId) && this.#clock.now() < this.#keptUntil;
  }

  /** What was left for a window with these folders, and by which window. It is given out once. */
  async claim(paths: readonly string[]): Promise<(HandedOver & { windowId: string })[]> {
    const names = await this.#machine.list(FOLDER);
    return (await Promise.all(names.map((name) => this.#claim(`${FOLDER}/${name}`, paths)))).flat();
  }

  async #claim(file: string, paths: readonly string[]): Promise<(HandedOver & { windowId: string })[]> {
    const left = await this.#machine.read(file, HandoverSchema);
    if (left?.windowId === this.#machine.windowId) return [];
    const isLate = !left || this.#clock.now() - left.at > RESTART_MS;
    if (isLate) {
      await this.#machine.remove(file);
      return [];
    }
    const own = left.sandboxes.filter(({ folder }) => paths.includes(folder.path));
    if (own.length > 0) await this.#machine.remove(file);
    return own.map((each) => ({ ...each, windowId: left.windowId }));
  }
}
