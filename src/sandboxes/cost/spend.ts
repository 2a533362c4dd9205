import { z } from 'zod';
import type { Clock } from '../../base/clock.ts';
import { logError } from '../../base/log.ts';
import type { Machine } from '../machine-state.ts';

const HOUR_MS = 3_600_000;
/** Entries older than this are of no use to any sum. */
const KEPT_MS = 48 * HOUR_MS;
/** How often the moment of last use is written down, at most: a small part of the idle time-out that it begins. */
const NOTES_PER_IDLE_TIME = 20;

const EntrySchema = z.object({
  sandboxId: z.string(),
  /** Milliseconds since 1970, as all times here. */
  startedAt: z.number(),
  /** Until when it was known to live. */
  lastUsedAt: z.number(),
  /** Absent while it lives, or when nobody saw its end. */
  endedAt: z.number().optional(),
  usdPerHour: z.number(),
  /** A sandbox whose end nobody saw lived this much longer than its last use, at most. */
  idleTimeoutMs: z.number(),
  /** The latest end that it could have. */
  endsAt: z.number(),
});

type Entry = z.infer<typeof EntrySchema>;

/**
 * What sandboxes of this machine have cost, estimated: each window keeps a file of those it started, and all add up. It
 * survives restarts, and a window that was killed counts until its sandboxes ended by themselves.
 */
export class SpendRecord {
  readonly #machine: Machine;
  readonly #clock: Clock;
  #own: Entry[] = [];
  #notedAt = 0;
  #saved: Promise<void> = Promise.resolve();

  /** The clock's time is that of the wall. */
  constructor(machine: Machine, clock: Clock) {
    this.#machine = machine;
    this.#clock = clock;
  }

  async started(
    sandboxId: string,
    cost: { usdPerHour: number; idleTimeoutMs: number; timeoutMs: number },
  ): Promise<void> {
    const now = this.#clock.now();
    const { usdPerHour, idleTimeoutMs, timeoutMs } = cost;
    this.#own.push({ sandboxId, startedAt: now, lastUsedAt: now, usdPerHour, idleTimeoutMs, endsAt: now + timeoutMs });
    await this.#save();
  }

  /** A sandbox was used, which makes it live on. */
  async used(sandboxId: string): Promise<void> {
    const entry = this.#own.find((each) => each.sandboxId === sandboxId && each.endedAt === undefined);
    if (!entry) return;
    entry.lastUsedAt = this.#clock.now();
    if (entry.lastUsedAt - this.#notedAt >= entry.idleTimeoutMs / NOTES_PER_IDLE_TIME) await this.#save();
  }

  /** A sandbox was ended, or was found to have ended: at the latest when its idle time was over. */
  async ended(sandboxId: string): Promise<void> {
    const entry = this.#own.find((each) => each.sandboxId === sandboxId && each.endedAt === undefined);
    if (!entry) return;
    entry.endedAt = lastMoment(entry, this.#clock.now());
    await this.#save();
  }

  /** This window goes on with a sandbox of one that is gone: its entry ends where ours begins. */
  async tookOver(sandboxId: string, windowId: string, cost: Parameters<SpendRecord['started']>[1]): Promise<void> {
    const now = this.#clock.now();
    const entries = await this.#entriesOf(fileOf(windowId));
    const closed = entries.map((entry) =>
      entry.sandboxId === sandboxId && entry.endedAt === undefined ? { ...entry, endedAt: now } : entry,
    );
    await this.#machine.write(fileOf(windowId), closed);
    await this.started(sandboxId, cost);
  }

  /** Dollars of all windows since a moment. */
  async usdSince(since: number): Promise<number> {
    const now = this.#clock.now();
    const others = (await this.#machine.list('spend')).filter(
      (name) => `spend/${name}` !== fileOf(this.#machine.windowId),
    );
    const entries = await Promise.all(others.map((name) => this.#entriesOf(`spend/${name}`)));
    const stale = others.filter((_, index) => entries[index]?.every((entry) => lastMoment(entry, now) < now - KEPT_MS));
    await Promise.all(stale.map((name) => this.#machine.remove(`spend/${name}`)));
    return [...entries.flat(), ...this.#own].reduce((sum, entry) => sum + usdOf(entry, since, now), 0);
  }

  /** Dollars of this local day. */
  usdToday(): Promise<number> {
    return this.usdSince(new Date(this.#clock.now()).setHours(0, 0, 0, 0));
  }

  /** Dollars of the last sixty minutes. */
  usdLastHour(): Promise<number> {
    return this.usdSince(this.#clock.now() - HOUR_MS);
  }

  async #entriesOf(path: string): Promise<Entry[]> {
    return (await this.#machine.read(path, z.array(EntrySchema))) ?? [];
  }

  /** One after the other, so that the last state is written last. A full disk stops no run. */
  #save(): Promise<void> {
    this.#saved = this.#saved.then(() => this.#write()).catch(logError);
    return this.#saved;
  }

  async #write(): Promise<void> {
    const now = this.#clock.now();
    this.#notedAt = now;
    this.#own = this.#own.filter((entry) => lastMoment(entry, now) >= now - KEPT_MS);
    await this.#machine.write(fileOf(this.#machine.windowId), this.#own);
  }
}

function fileOf(windowId: string): string {
  return `spend/${windowId}.json`;
}

/** The latest moment at which an entry's sandbox can have lived, up to now. */
function lastMoment({ endedAt, lastUsedAt, idleTimeoutMs, endsAt }: Entry, now: number): number {
  return Math.min(endedAt ?? Math.min(lastUsedAt + idleTimeoutMs, endsAt), now);
}

/** What an entry cost between two moments. */
function usdOf(entry: Entry, since: number, now: number): number {
  return (Math.max(lastMoment(entry, now) - Math.max(entry.startedAt, since), 0) / HOUR_MS) * entry.usdPerHour;
}
