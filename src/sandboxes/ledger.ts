import { createHash, randomUUID } from 'node:crypto';
import type { App, SandboxCreateParams } from 'modal';
import { z } from 'zod';
import { type Clock, DAY_MS, MINUTE_MS, wallClock } from '../base/clock.ts';
import { Emitter, type Event } from '../base/events.ts';
import { logError } from '../base/log.ts';
import type { Account } from '../modal/accounts.ts';
import { sandboxLabel } from '../modal/sandbox-list.ts';
import { MAX_LIFETIME_MS } from '../modal/sandboxes.ts';
import type { EndNotes, StartNotes, StartOptions } from '../modal/start-notes.ts';
import type { MachineState } from './machine-state.ts';

const EntrySchema = z.object({
  startId: z.string(),
  /** Absent while the start isn't known to have succeeded. */
  sandboxId: z.string().optional(),
  /** The name that it is shown under. */
  label: z.string(),
  /** The window that started it or took it over. */
  windowId: z.string(),
  account: z.object({
    /** Tells accounts apart without being a secret. */
    key: z.string(),
    label: z.string(),
    /** The value of `modal.account` that referred to it. */
    choice: z.string().optional(),
    isLocal: z.boolean(),
  }),
  appId: z.string(),
  /** Milliseconds since 1970. */
  startedAt: z.number(),
  /** The end of its maximum lifetime. */
  endsAt: z.number(),
  /** It must end with its window. */
  isTemporary: z.boolean(),
  /** It's no longer used, and isn't known to have ended. */
  isDue: z.boolean(),
});

/** A sandbox that was started on this computer and isn't known to have ended. */
export type LedgerEntry = z.infer<typeof EntrySchema>;

/** A sandbox that should have ended, and why it may still be running. */
export interface LeftRunning {
  readonly entry: LedgerEntry;
  readonly error: unknown;
}

const FOLDER = 'started';

/** Returns the entry as it should be, or undefined to remove it. */
type Change = (entry: LedgerEntry) => LedgerEntry | undefined;

/**
 * Remembers on disk the sandboxes that windows on this computer have asked for, each until it is known to have ended: one file
 * for each, which any window may remove.
 */
export class SandboxLedger implements EndNotes {
  readonly #machine: MachineState;
  readonly #clock: Clock;
  /** Start IDs of this window by sandbox ID. */
  readonly #startIds = new Map<string, string>();
  #changing: Promise<unknown> = Promise.resolve();
  /** The IDs of this window's starts that are in progress. */
  readonly #starting = new Set<string>();
  /** The IDs of sandboxes that this window couldn't end. */
  readonly #left = new Set<string>();
  readonly #didLeave = new Emitter<LeftRunning>();
  readonly #didChange = new Emitter<void>();
  /** Fires when a sandbox couldn't be ended, or may exist although its start failed. */
  readonly onDidLeave: Event<LeftRunning> = this.#didLeave.event;
  /** Fires when a sandbox joins or leaves those that couldn't be ended. */
  readonly onDidChange: Event<void> = this.#didChange.event;

  /** `clock` must return wall-clock time. */
  constructor(machine: MachineState, clock: Clock = wallClock) {
    this.#machine = machine;
    this.#clock = clock;
  }

  /** Returns all entries of all windows. */
  async all(): Promise<LedgerEntry[]> {
    const names = await this.#machine.list(FOLDER);
    const saved = await Promise.all(names.map((name) => this.#machine.read(`${FOLDER}/${name}`, EntrySchema)));
    return saved.filter((entry) => entry !== undefined);
  }

  /** Returns whether a sandbox must end, as a window has noted. */
  async isDue(sandboxId: string): Promise<boolean> {
    return (await this.#find(sandboxId))?.isDue === true;
  }

  /** Returns the ID of the start of a sandbox that hasn't ended. */
  async startIdOf(sandboxId: string): Promise<string | undefined> {
    return (await this.#find(sandboxId))?.startId ?? this.#startIds.get(sandboxId);
  }

  /** Returns whether a sandbox is known to be running although it should have ended. */
  isLeft(sandboxId: string): boolean {
    return this.#left.has(sandboxId);
  }

  /** Returns whether a sandbox has certainly reached its maximum lifetime, which Modal enforces. */
  isOver({ endsAt, isDue }: LedgerEntry): boolean {
    // Late, in case the clock is wrong: nothing else ends those that are due.
    return this.#clock.now() > endsAt + (isDue ? DAY_MS : MINUTE_MS);
  }

  /** Returns whether a start of this window is in progress. */
  isStarting(startId: string): boolean {
    return this.#starting.has(startId);
  }

  /** Returns the notes of what is started and ended in an account. */
  notesFor(account: Account): Omit<StartNotes, 'endDue'> {
    return {
      willStart: (app, params, options) => this.#willStart(account, app, params, options),
      didCreate: (startId, sandboxId) => {
        this.#startIds.set(sandboxId, startId);
        void this.#change(startId, (entry) => ({ ...entry, sandboxId }));
      },
      didStart: (startId, sandboxId) => this.#didStart(startId, sandboxId),
      didFail: (startId, isRefused) => this.#didFail(startId, isRefused),
      mustEnd: (sandboxId) => this.mustEnd(sandboxId),
      didEnd: (sandboxId) => this.didEnd(sandboxId),
      couldNotEnd: (sandboxId, error) => this.couldNotEnd(sandboxId, error),
    };
  }

  /** Notes that this window has taken over a sandbox of another one. */
  async noteTakeover(sandboxId: string): Promise<void> {
    const { windowId } = this.#machine;
    await this.#changeSandbox(sandboxId, (entry) => ({ ...entry, windowId }));
  }

  async mustEnd(sandboxId: string): Promise<void> {
    await this.#changeSandbox(sandboxId, (entry) => ({ ...entry, isDue: true }));
  }

  /** Notes that every sandbox must end. Resolves with all entries. */
  async markAllDue(): Promise<LedgerEntry[]> {
    const all = await this.all();
    const due = all.map(({ startId }) => this.#change(startId, (entry) => ({ ...entry, isDue: true })));
    return (await Promise.all(due)).filter((entry) => entry !== undefined);
  }

  async didEnd(sandboxId: string): Promise<void> {
    await this.#changeSandbox(sandboxId, () => undefined);
    if (this.#left.delete(sandboxId)) this.#didChange.fire();
  }

  async couldNotEnd(sandboxId: string, error: unknown): Promise<void> {
    const entry = await this.#changeSandbox(sandboxId, (before) => ({ ...before, isDue: true }));
    if (!entry) return;
    this.#left.add(sandboxId);
    this.#didLeave.fire({ entry, error });
    this.#didChange.fire();
  }

  /** Forgets a start: there's no sandbox, or it has ended. */
  async remove({ startId }: LedgerEntry): Promise<void> {
    await this.#change(startId, () => undefined);
  }

  async #willStart(
    account: Account,
    { appId }: App,
    { tags = {}, name, timeoutMs }: SandboxCreateParams,
    { isTemporary = false }: StartOptions,
  ): Promise<string> {
    const startId = randomUUID();
    const now = this.#clock.now();
    this.#starting.add(startId);
    const entry: LedgerEntry = {
      startId,
      label: sandboxLabel({ id: '', name, tags }),
      windowId: this.#machine.windowId,
      account: {
        key: accountKey(account),
        label: account.label,
        choice: account.choice,
        isLocal: account.isLocal === true,
      },
      appId,
      startedAt: now,
      endsAt: now + (timeoutMs ?? MAX_LIFETIME_MS),
      isTemporary,
      isDue: false,
    };
    await this.#machine.write(fileOf(startId), entry);
    return startId;
  }

  async #didStart(startId: string, sandboxId: string): Promise<boolean> {
    this.#starting.delete(startId);
    const entry = await this.#change(startId, (before) => ({ ...before, sandboxId }));
    return entry?.isDue !== true;
  }

  async #didFail(startId: string, isRefused: boolean): Promise<void> {
    this.#starting.delete(startId);
    const entry = await this.#change(startId, (before) => (isRefused ? undefined : { ...before, isDue: true }));
    if (entry) this.#didLeave.fire({ entry, error: undefined });
  }

  async #find(sandboxId: string): Promise<LedgerEntry | undefined> {
    return (await this.all()).find((entry) => entry.sandboxId === sandboxId);
  }

  /** Changes the entry of a sandbox. */
  async #changeSandbox(sandboxId: string, change: Change): Promise<LedgerEntry | undefined> {
    const entry = await this.#find(sandboxId);
    // While it's being created, its ID may not be saved yet.
    const startId = entry?.startId ?? this.#startIds.get(sandboxId);
    return startId === undefined ? undefined : this.#change(startId, change);
  }

  /** Changes an entry, or removes it. Changes happen one after another. Resolves with the entry, if there is one. */
  #change(startId: string, change: Change): Promise<LedgerEntry | undefined> {
    const changing = this.#changing.then(async () => {
      const before = await this.#machine.read(fileOf(startId), EntrySchema);
      const after = before && change(before);
      if (after) await this.#machine.write(fileOf(startId), after);
      else if (before) await this.#forget(before);
      return after;
    });
    this.#changing = changing.catch(logError);
    return changing;
  }

  async #forget({ startId, sandboxId }: LedgerEntry): Promise<void> {
    if (sandboxId !== undefined) this.#startIds.delete(sandboxId);
    await this.#machine.remove(fileOf(startId));
  }
}

function fileOf(startId: string): string {
  return `${FOLDER}/${startId}.json`;
}

/** Returns a short ID for an account that doesn't reveal its token. */
export function accountKey({ serverUrl = '', tokenId }: Account): string {
  return createHash('sha256').update(`${serverUrl}\n${tokenId}`).digest('hex').slice(0, 16);
}
