import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandbox } from 'modal';
import { z } from 'zod';
import { type Clock, MINUTE_MS, wallClock } from '../base/clock.ts';
import { accountIdOf } from '../modal/accounts.ts';
import type { Profile } from '../profiles/schema.ts';
import type { Adopted } from './adopt.ts';
import type { Connection } from './connection.ts';
import type { Folder } from './folder.ts';
import type { MachineState } from './machine-state.ts';
import { definitionKey } from './sandbox-spec.ts';

const EntrySchema = z.object({
  sandboxId: z.string(),
  /** Equal for profiles that describe the same sandbox. */
  definition: z.string(),
  /** Milliseconds since 1970. */
  startedAt: z.number(),
  /** The end of its maximum lifetime. */
  endsAt: z.number(),
  /** The processes that use it, and the one that used it last; that is the last one. */
  users: z.array(z.string()).min(1),
});
type Entry = z.infer<typeof EntrySchema>;

const FOLDER = 'shared';
/** A sandbox whose lifetime is nearly over isn't used for another run. */
const MIN_REMAINING_MS = 5 * MINUTE_MS;
/** The same as a share of short lifetimes. */
const MIN_REMAINING_SHARE = 0.25;
/** The longest time for which one process may start a sandbox while others wait for it. */
const START_LOCK_MS = 30 * MINUTE_MS;
const LOCK_INTERVAL_MS = 100;

/** A folder and the profile that its sandbox was started with. */
export interface SharedPlace {
  readonly folder: Folder;
  readonly profileName: string;
}

/**
 * The sandboxes that processes without a window share: one for each account, app, folder, and profile. They keep running when
 * a process ends, until their idle timeout. Windows neither see nor end them.
 */
export class SharedSandboxes {
  readonly #machine: MachineState;
  readonly #clock: Clock;

  /** `clock` must return wall-clock time. */
  constructor(machine: MachineState, clock: Clock = wallClock) {
    this.#machine = machine;
    this.#clock = clock;
  }

  /** Does work that may start the sandbox of a place while no other process does. Throws the signal's reason. */
  async exclusively<T>(
    connection: Connection,
    place: SharedPlace,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    const name = `${FOLDER}-${keyOf(connection, place)}`;
    let release = await this.#machine.lock(name, START_LOCK_MS);
    while (!release) {
      await sleep(LOCK_INTERVAL_MS, undefined, signal && { signal });
      release = await this.#machine.lock(name, START_LOCK_MS);
    }
    try {
      return await work();
    } finally {
      await release();
    }
  }

  /** Returns the sandbox of a place, unless it was started with another profile or is about to end. It may have ended. */
  async take(connection: Connection, place: SharedPlace, profile: Profile): Promise<Adopted | undefined> {
    const entry = await this.#machine.read(fileOf(connection, place), EntrySchema);
    if (!entry || !this.#isUsable(entry, profile)) return undefined;
    const { sandboxId, startedAt, users } = entry;
    const own = this.#machine.windowId;
    const others = await this.#alive(users.filter((id) => id !== own));
    await this.#write(connection, place, { ...entry, users: [...others, own] });
    return { sandbox: await connection.client.sandboxes.fromId(sandboxId), startedAt, windowId: users.at(-1) ?? own };
  }

  /** Returns the ID of the sandbox of a place if it can't be used any more, and no other process uses it. */
  async stale(connection: Connection, place: SharedPlace, profile: Profile): Promise<string | undefined> {
    const entry = await this.#machine.read(fileOf(connection, place), EntrySchema);
    if (!entry || this.#isUsable(entry, profile)) return undefined;
    const others = await this.#alive(entry.users.filter((id) => id !== this.#machine.windowId));
    return others.length > 0 ? undefined : entry.sandboxId;
  }

  async #alive(windowIds: readonly string[]): Promise<string[]> {
    const checked = await Promise.all(windowIds.map(async (id) => ((await this.#machine.isAlive(id)) ? [id] : [])));
    return checked.flat();
  }

  #isUsable({ definition, startedAt, endsAt }: Entry, profile: Profile): boolean {
    const minMs = Math.min(MIN_REMAINING_MS, (endsAt - startedAt) * MIN_REMAINING_SHARE);
    return definition === definitionKey(profile) && endsAt - this.#clock.now() >= minMs;
  }

  /** Makes a sandbox that has just started that of a place. */
  async put(connection: Connection, place: SharedPlace, profile: Profile, { sandboxId }: Sandbox): Promise<void> {
    const startedAt = this.#clock.now();
    await this.#write(connection, place, {
      sandboxId,
      definition: definitionKey(profile),
      startedAt,
      endsAt: startedAt + profile.timeoutMs,
      users: [this.#machine.windowId],
    });
  }

  /** Forgets a sandbox that has ended. */
  async forget(sandboxId: string): Promise<void> {
    for (const name of await this.#machine.list(FOLDER)) {
      const entry = await this.#machine.read(`${FOLDER}/${name}`, EntrySchema);
      if (entry?.sandboxId === sandboxId) await this.#machine.remove(`${FOLDER}/${name}`);
    }
  }

  async #write(connection: Connection, place: SharedPlace, entry: Entry): Promise<void> {
    await this.#machine.write(fileOf(connection, place), entry);
  }
}

function fileOf(connection: Connection, place: SharedPlace): string {
  return `${FOLDER}/${keyOf(connection, place)}.json`;
}

function keyOf({ account, app }: Connection, { folder, profileName }: SharedPlace): string {
  const place = JSON.stringify([accountIdOf(account), app.appId, folder.path, profileName]);
  return createHash('sha256').update(place).digest('hex').slice(0, 32);
}
