import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { MachineState } from '../machine-state.ts';

/** The file through which a window stops the warm-ups of all windows on this computer. */
const FILE = 'stopped.json';
const StopSchema = z.object({ id: z.string() });

/**
 * Stops the warm-ups of all windows on this computer, in each until its next run. Compares no times, so that a change of the
 * clock doesn't matter.
 */
export class StopMark {
  readonly #machine: MachineState;
  /** The ID of the last stop before this window was opened, or before its last run. */
  #resumedAfter: Promise<string | undefined>;

  constructor(machine: MachineState) {
    this.#machine = machine;
    this.#resumedAfter = this.#lastStop();
  }

  /** Stops all windows, or only this one if the file can't be written. */
  async stop(): Promise<void> {
    await this.#machine.write(FILE, { id: randomUUID() });
  }

  /** Resumes this window. */
  resume(): void {
    this.#resumedAfter = this.#lastStop();
  }

  async isStopped(): Promise<boolean> {
    const last = await this.#lastStop();
    return last !== undefined && last !== (await this.#resumedAfter);
  }

  async #lastStop(): Promise<string | undefined> {
    return (await this.#machine.read(FILE, StopSchema))?.id;
  }
}
