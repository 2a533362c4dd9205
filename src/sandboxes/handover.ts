import { z } from 'zod';
import { type Clock, wallClock } from '../base/clock.ts';
import type { MachineState } from './machine-state.ts';

/** The maximum time for a restart. */
const MAX_RESTART_MS = 60_000;
const FOLDER = 'handovers';

const HandedOverSchema = z.object({
  sandboxId: z.string(),
  folder: z.object({ name: z.string(), path: z.string() }),
  /** The profile's name. */
  profile: z.string(),
  /** The sandbox's start time, in milliseconds since 1970. */
  startedAt: z.number(),
});
const HandoverSchema = z.object({
  /** The window that is restarting. */
  windowId: z.string(),
  /** Milliseconds since 1970. */
  at: z.number(),
  sandboxes: z.array(HandedOverSchema),
});

/** A sandbox that a window leaves for itself across a restart. */
export type HandedOver = z.infer<typeof HandedOverSchema>;

/**
 * Keeps a window's sandboxes across the restart that VS Code performs when a second folder is added: a note to all windows on
 * this computer that is valid for a minute.
 */
export class Handover {
  readonly #machine: MachineState;
  readonly #clock: Clock;
  #offered = new Set<string>();
  #offeredUntil = 0;

  /** `clock` must return wall-clock time. */
  constructor(machine: MachineState, clock: Clock = wallClock) {
    this.#machine = machine;
    this.#clock = clock;
  }

  /** Leaves sandboxes for this window, which is about to restart. */
  async offer(sandboxes: readonly HandedOver[]): Promise<void> {
    const { windowId } = this.#machine;
    const at = this.#clock.now();
    // Without the file, no window would take them, so they end with this window.
    if (!(await this.#machine.write(`${FOLDER}/${windowId}.json`, { windowId, at, sandboxes }))) return;
    this.#offered = new Set(sandboxes.map(({ sandboxId }) => sandboxId));
    this.#offeredUntil = at + MAX_RESTART_MS;
  }

  /** Takes the offer back: the window doesn't restart after all. */
  async withdraw(): Promise<void> {
    this.#offered.clear();
    await this.#machine.remove(`${FOLDER}/${this.#machine.windowId}.json`);
  }

  /** Returns whether a sandbox must keep running if this window closes now. */
  keeps(sandboxId: string): boolean {
    return this.#offered.has(sandboxId) && this.#clock.now() < this.#offeredUntil;
  }

  /** Returns, once, the sandboxes left for a window with these folders, and the window that left them. */
  async claim(paths: readonly string[]): Promise<(HandedOver & { windowId: string })[]> {
    const names = await this.#machine.list(FOLDER);
    return (await Promise.all(names.map((name) => this.#claim(`${FOLDER}/${name}`, paths)))).flat();
  }

  async #claim(file: string, paths: readonly string[]): Promise<(HandedOver & { windowId: string })[]> {
    const handover = await this.#machine.read(file, HandoverSchema);
    if (handover?.windowId === this.#machine.windowId) return [];
    const isExpired = !handover || this.#clock.now() - handover.at > MAX_RESTART_MS;
    if (isExpired) {
      await this.#machine.remove(file);
      return [];
    }
    const own = handover.sandboxes.filter(({ folder }) => paths.includes(folder.path));
    if (own.length > 0) await this.#machine.remove(file);
    return own.map((each) => ({ ...each, windowId: handover.windowId }));
  }
}
