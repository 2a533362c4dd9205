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
  /** The last time it was known to be running, in milliseconds since 1970. */
  lastUsedAt: z.number(),
  /** How long it ran until then. Measured, so that changes of the clock don't matter. */
  ranMs: z.number(),
  hasEnded: z.boolean(),
  usdPerHour: z.number(),
  /** A sandbox whose end wasn't observed ran at most this long after its last use. */
  idleTimeoutMs: z.number(),
  /** Its maximum lifetime. */
  timeoutMs: z.number(),
});

type Entry = z.infer<typeof EntrySchema>;

/** The factors that determine the cost of a sandbox. */
export type SandboxCost = Pick<Entry, 'usdPerHour' | 'idleTimeoutMs' | 'timeoutMs'>;

/**
 * The estimated cost of sandboxes started on this computer. Each window keeps a file of its own sandboxes, and sums include
 * all windows. It survives restarts and changes of the clock; sandboxes of a killed window count until they stop on their own.
 */
export class SpendRecord {
  readonly #machine: MachineState;
  readonly #clock: Clock;
  readonly #steadyClock: Clock;
  #own: Entry[] = [];
  /** The steady time of the last use of each of this window's sandboxes, by ID. */
  readonly #lastUsed = new Map<string, number>();
  #savedAt = 0;
  #saving: Promise<void> = Promise.resolve();

  /** `clock` must return wall-clock time, and `steadyClock` time that can't be set. */
  constructor(machine: MachineState, clock: Clock, steadyClock: Clock = clock) {
    this.#machine = machine;
    this.#clock = clock;
    this.#steadyClock = steadyClock;
  }

  /** Records that a sandbox started. */
  async recordStart(sandboxId: string, cost: SandboxCost): Promise<void> {
    this.#own.push({ sandboxId, lastUsedAt: this.#clock.now(), ranMs: 0, hasEnded: false, ...cost });
    this.#lastUsed.set(sandboxId, this.#steadyClock.now());
    await this.#save();
  }

  /** Records that a sandbox was used, which restarts its idle timeout. */
  async recordUse(sandboxId: string): Promise<void> {
    const entry = this.#running(sandboxId);
    if (!entry) return;
    entry.ranMs += this.#sinceLastUse(entry);
    entry.lastUsedAt = this.#clock.now();
    this.#lastUsed.set(sandboxId, this.#steadyClock.now());
    const isDue = this.#steadyClock.now() - this.#savedAt >= entry.idleTimeoutMs / MAX_SAVES_PER_IDLE_TIMEOUT;
    if (isDue) await this.#save();
  }

  /** Records that a sandbox has ended, at the latest when it reached its idle timeout. */
  async recordEnd(sandboxId: string): Promise<void> {
    const entry = this.#running(sandboxId);
    if (!entry) return;
    Object.assign(entry, this.#completed(entry));
    this.#lastUsed.delete(sandboxId);
    await this.#save();
  }

  /**
   * Records that this window took over another window's sandbox: the other entry ends where the new one begins. The entries
   * of a window that no longer exists become this window's own, so that many short processes don't leave as many files.
   */
  async recordTakeover(sandboxId: string, windowId: string, cost: SandboxCost): Promise<void> {
    if (windowId === this.#machine.windowId) return;
    const now = this.#clock.now();
    const entries = await this.#entriesOf(fileOf(windowId));
    const closed = entries.map((entry) =>
      entry.sandboxId === sandboxId && !entry.hasEnded ? ended(entry, wallTimeSinceLastUse(entry, now)) : entry,
    );
    const isLeft = closed.every(({ hasEnded }) => hasEnded) && !(await this.#machine.isAlive(windowId));
    if (isLeft) this.#own.push(...closed);
    else await this.#machine.write(fileOf(windowId), closed);
    await this.recordStart(sandboxId, cost);
    if (isLeft) await this.#machine.remove(fileOf(windowId));
  }

  /** Returns the cost in US dollars across all windows since a time. */
  async usdSince(since: number): Promise<number> {
    const now = this.#clock.now();
    const others = (await this.#machine.list('spend')).filter(
      (name) => `spend/${name}` !== fileOf(this.#machine.windowId),
    );
    const entries = await Promise.all(others.map((name) => this.#entriesOf(`spend/${name}`)));
    const completed = entries.map((each) =>
      each.map((entry) => (entry.hasEnded ? entry : ended(entry, wallTimeSinceLastUse(entry, now)))),
    );
    const stale = others.filter((_, index) => completed[index]?.every((entry) => isOld(entry, now)));
    await Promise.all(stale.map((name) => this.#machine.remove(`spend/${name}`)));
    const all = [...completed.flat(), ...this.#own.map((entry) => this.#completed(entry))];
    return all.reduce((sum, entry) => sum + usdOf(entry, since, now), 0);
  }

  /** Returns today's cost in US dollars, in local time. */
  usdToday(): Promise<number> {
    return this.usdSince(new Date(this.#clock.now()).setHours(0, 0, 0, 0));
  }

  /** Returns the cost of the last 60 minutes in US dollars. */
  usdLastHour(): Promise<number> {
    return this.usdSince(this.#clock.now() - HOUR_MS);
  }

  #running(sandboxId: string): Entry | undefined {
    return this.#own.find((each) => each.sandboxId === sandboxId && !each.hasEnded);
  }

  /** Returns an own entry as if the sandbox ended now. */
  #completed(entry: Entry): Entry {
    if (entry.hasEnded) return entry;
    const completed = ended(entry, this.#sinceLastUse(entry));
    const isRunning = this.#measuredSinceLastUse(entry) <= entry.idleTimeoutMs;
    return isRunning ? { ...completed, lastUsedAt: this.#clock.now() } : completed;
  }

  /**
   * Returns the time since the last use of a sandbox. The steady clock may stop while the computer sleeps, which a sandbox
   * survives for at most its idle timeout.
   */
  #sinceLastUse(entry: Entry): number {
    const measuredMs = this.#measuredSinceLastUse(entry);
    const wallMs = this.#clock.now() - entry.lastUsedAt;
    return Math.min(Math.max(wallMs, measuredMs), measuredMs + entry.idleTimeoutMs);
  }

  #measuredSinceLastUse({ sandboxId }: Entry): number {
    const now = this.#steadyClock.now();
    return now - (this.#lastUsed.get(sandboxId) ?? now);
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
    this.#savedAt = this.#steadyClock.now();
    this.#own = this.#own.filter((entry) => !isOld(this.#completed(entry), this.#clock.now()));
    await this.#machine.write(fileOf(this.#machine.windowId), this.#own);
  }
}

function fileOf(windowId: string): string {
  return `spend/${windowId}.json`;
}

/** Returns the entry of a sandbox that has ended by now: at its idle timeout or the end of its lifetime, if those came first. */
function ended(entry: Entry, sinceLastUseMs: number): Entry {
  const { lastUsedAt, ranMs, idleTimeoutMs, timeoutMs } = entry;
  const restMs = Math.max(Math.min(sinceLastUseMs, idleTimeoutMs, timeoutMs - ranMs), 0);
  return { ...entry, hasEnded: true, lastUsedAt: lastUsedAt + restMs, ranMs: ranMs + restMs };
}

/** If the clock was set back, the time is unknown: the sandbox counts until its idle timeout. */
function wallTimeSinceLastUse({ lastUsedAt }: Entry, now: number): number {
  return now < lastUsedAt ? Number.POSITIVE_INFINITY : now - lastUsedAt;
}

function isOld({ lastUsedAt }: Entry, now: number): boolean {
  return lastUsedAt < now - RETENTION_MS;
}

/** The cost between two times of a sandbox that has ended, in US dollars. */
function usdOf({ lastUsedAt, ranMs, usdPerHour }: Entry, since: number, now: number): number {
  // An end in the future is one from before the clock was set back.
  const endedAt = Math.min(lastUsedAt, now);
  return (Math.max(endedAt - Math.max(endedAt - ranMs, since), 0) / HOUR_MS) * usdPerHour;
}
