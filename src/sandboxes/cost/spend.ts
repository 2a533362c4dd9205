import { z } from 'zod';
import { type Clock, HOUR_MS } from '../../base/clock.ts';
import { logError } from '../../base/log.ts';
import type { MachineState } from '../machine-state.ts';

/** The time for which entries are kept. No sum needs older ones. */
const RETENTION_MS = 48 * HOUR_MS;
/** The maximum number of times that the last use is saved per idle timeout. */
const MAX_SAVES_PER_IDLE_TIMEOUT = 20;

const EntrySchema = z.object({
  sandboxId: z.string(),
  /** In milliseconds since 1970, like all times here. */
  startedAt: z.number(),
  /** The last time it was known to be running. */
  lastUsedAt: z.number(),
  /** Absent while it runs, or if its end wasn't observed. */
  endedAt: z.number().optional(),
  usdPerHour: z.number(),
  /** A sandbox whose end wasn't observed ran at most this long after its last use. */
  idleTimeoutMs: z.number(),
  /** The end of its maximum lifetime. */
  endsAt: z.number(),
});

type Entry = z.infer<typeof EntrySchema>;

/** The factors that determine the cost of a sandbox. */
export type SandboxCost = Pick<Entry, 'usdPerHour' | 'idleTimeoutMs'> & { readonly timeoutMs: number };

/**
 * The estimated cost of sandboxes started on this computer. Each window keeps a file of its own sandboxes, and sums include
 * all windows. It survives restarts; sandboxes of a killed window count until they stop on their own.
 */
export class SpendRecord {
  readonly #machine: MachineState;
  readonly #clock: Clock;
  #own: Entry[] = [];
  #savedAt = 0;
  #saving: Promise<void> = Promise.resolve();

  /** `clock` must return wall-clock time. */
  constructor(machine: MachineState, clock: Clock) {
    this.#machine = machine;
    this.#clock = clock;
  }

  /** Records that a sandbox started. */
  async recordStart(sandboxId: string, cost: SandboxCost): Promise<void> {
    const now = this.#clock.now();
    const { usdPerHour, idleTimeoutMs, timeoutMs } = cost;
    this.#own.push({ sandboxId, startedAt: now, lastUsedAt: now, usdPerHour, idleTimeoutMs, endsAt: now + timeoutMs });
    await this.#save();
  }

  /** Records that a sandbox was used, which restarts its idle timeout. */
  async recordUse(sandboxId: string): Promise<void> {
    const entry = this.#own.find((each) => each.sandboxId === sandboxId && each.endedAt === undefined);
    if (!entry) return;
    entry.lastUsedAt = this.#clock.now();
    if (entry.lastUsedAt - this.#savedAt >= entry.idleTimeoutMs / MAX_SAVES_PER_IDLE_TIMEOUT) await this.#save();
  }

  /** Records that a sandbox has ended, at the latest when it reached its idle timeout. */
  async recordEnd(sandboxId: string): Promise<void> {
    const entry = this.#own.find((each) => each.sandboxId === sandboxId && each.endedAt === undefined);
    if (!entry) return;
    entry.endedAt = lastMoment(entry, this.#clock.now());
    await this.#save();
  }

  /** Records that this window took over another window's sandbox: the other entry ends where the new one begins. */
  async recordTakeover(sandboxId: string, windowId: string, cost: SandboxCost): Promise<void> {
    const now = this.#clock.now();
    const entries = await this.#entriesOf(fileOf(windowId));
    const closed = entries.map((entry) =>
      entry.sandboxId === sandboxId && entry.endedAt === undefined ? { ...entry, endedAt: now } : entry,
    );
    await this.#machine.write(fileOf(windowId), closed);
    await this.recordStart(sandboxId, cost);
  }

  /** Returns the cost in US dollars across all windows since a time. */
  async usdSince(since: number): Promise<number> {
    const now = this.#clock.now();
    const others = (await this.#machine.list('spend')).filter(
      (name) => `spend/${name}` !== fileOf(this.#machine.windowId),
    );
    const entries = await Promise.all(others.map((name) => this.#entriesOf(`spend/${name}`)));
    const stale = others.filter((_, index) =>
      entries[index]?.every((entry) => lastMoment(entry, now) < now - RETENTION_MS),
    );
    await Promise.all(stale.map((name) => this.#machine.remove(`spend/${name}`)));
    return [...entries.flat(), ...this.#own].reduce((sum, entry) => sum + usdOf(entry, since, now), 0);
  }

  /** Returns today's cost in US dollars, in local time. */
  usdToday(): Promise<number> {
    return this.usdSince(new Date(this.#clock.now()).setHours(0, 0, 0, 0));
  }

  /** Returns the cost of the last 60 minutes in US dollars. */
  usdLastHour(): Promise<number> {
    return this.usdSince(this.#clock.now() - HOUR_MS);
  }

  async #entriesOf(path: string): Promise<Entry[]> {
    return (await this.#machine.read(path, z.array(EntrySchema))) ?? [];
  }

  /** Saves one after another, so that the latest state is written last. A full disk must not stop a run. */
  #save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#write()).catch(logError);
    return this.#saving;
  }

  async #write(): Promise<void> {
    const now = this.#clock.now();
    this.#savedAt = now;
    this.#own = this.#own.filter((entry) => lastMoment(entry, now) >= now - RETENTION_MS);
    await this.#machine.write(fileOf(this.#machine.windowId), this.#own);
  }
}

function fileOf(windowId: string): string {
  return `spend/${windowId}.json`;
}

/** The latest time at which an entry's sandbox can have been running, up to now. */
function lastMoment({ endedAt, lastUsedAt, idleTimeoutMs, endsAt }: Entry, now: number): number {
  return Math.min(endedAt ?? Math.min(lastUsedAt + idleTimeoutMs, endsAt), now);
}

/** The cost of an entry between two times, in US dollars. */
function usdOf(entry: Entry, since: number, now: number): number {
  return (Math.max(lastMoment(entry, now) - Math.max(entry.startedAt, since), 0) / HOUR_MS) * entry.usdPerHour;
}
