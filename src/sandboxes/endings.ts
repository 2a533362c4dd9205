import type { ModalClient } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { type Clock, MINUTE_MS, systemClock } from '../base/clock.ts';
import { UserError } from '../base/errors.ts';
import { Emitter, type Event } from '../base/events.ts';
import { logError } from '../base/log.ts';
import type { Account } from '../modal/accounts.ts';
import { connect } from '../modal/client.ts';
import { isNotFound } from '../modal/errors.ts';
import { runningSandboxes } from '../modal/sandbox-list.ts';
import { Tag, terminateSandbox } from '../modal/sandboxes.ts';
import { accountKey, type LedgerEntry, type LeftRunning, type SandboxLedger } from './ledger.ts';
import type { MachineState } from './machine-state.ts';
import { strings } from './strings.ts';

/** Modal doesn't know a start yet. */
class UnknownStart extends Error {}

const RETRY_INTERVAL_MS = MINUTE_MS;
/** A start of which Modal doesn't know for this long didn't happen. */
const ABSENT_MS = MINUTE_MS;
/** The maximum time for Modal to end one sandbox. */
const END_TIMEOUT_MS = 15_000;

export interface EndingsDependencies {
  readonly ledger: SandboxLedger;
  readonly machine: MachineState;
  /** Returns the account that a choice refers to now. Rejects if there's none. */
  accountOf?(choice: string): Promise<Account>;
  /** Returns whether a program of this window is running in a sandbox. */
  isBusy?(sandboxId: string): boolean;
  /** Called with each sandbox before it's ended. Never throws. */
  beforeEnd?(client: ModalClient, sandboxId: string): Promise<void>;
  /** Called for each sandbox that has ended. */
  onDidEnd(sandboxId: string): Promise<void>;
  /** Measures durations. */
  readonly clock?: Clock;
}

/**
 * Ends the sandboxes in the ledger that are no longer used: those that couldn't be ended, and those of windows that closed
 * while they were starting. Tries again every minute while there are any, and makes no call while there are none.
 */
export class Endings {
  readonly #dependencies: EndingsDependencies;
  readonly #clock: Clock;
  /** By account key. */
  readonly #clients = new Map<string, ModalClient>();
  #localKey: string | undefined;
  /** When Modal was first seen not to know a start, by its ID. */
  readonly #absentSince = new Map<string, number>();
  readonly #reported = new Set<string>();
  readonly #didFail = new Emitter<LeftRunning>();
  #sweeping: Promise<void> = Promise.resolve();
  #cancelRetry: (() => void) | undefined;
  #isDisposed = false;
  /** Fires once for each sandbox that should have ended and may still be running. */
  readonly onDidFail: Event<LeftRunning> = this.#didFail.event;

  constructor(dependencies: EndingsDependencies) {
    this.#dependencies = dependencies;
    this.#clock = dependencies.clock ?? systemClock;
    dependencies.ledger.onDidLeave((left) => {
      if (left.error === undefined) return void this.sweep();
      this.#report(left);
      this.#retryLater();
    });
  }

  /** Reaches an account through a client from now on, and ends what is due in it. */
  use(client: ModalClient, account: Account): void {
    const key = accountKey(account);
    this.#clients.set(key, client);
    if (account.isLocal) this.#localKey = key;
    void this.sweep();
  }

  /** Ends what is due, in all accounts that can be reached. Never throws. */
  sweep(): Promise<void> {
    this.#sweeping = this.#sweeping.then(() => this.#sweep()).catch(logError);
    return this.#sweeping;
  }

  /** Ends all sandboxes that were started on this computer. Resolves with those that may still be running. */
  async endAll(): Promise<readonly LeftRunning[]> {
    const left = await this.#endEach(await this.#dependencies.ledger.markAllDue());
    if (left.length > 0) this.#retryLater();
    for (const { entry } of left) this.#reported.add(entry.startId);
    return left.filter(({ error }) => !(error instanceof UnknownStart));
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#cancelRetry?.();
  }

  async #sweep(): Promise<void> {
    if (this.#isDisposed) return;
    this.#cancelRetry?.();
    const due: LedgerEntry[] = [];
    for (const entry of await this.#dependencies.ledger.all()) if (await this.#isDue(entry)) due.push(entry);
    const idle = due.filter(({ sandboxId }) => !sandboxId || !this.#dependencies.isBusy?.(sandboxId));
    const left = await this.#endEach(idle);
    for (const each of left) this.#report(each);
    if (left.length > 0 || idle.length < due.length) this.#retryLater();
  }

  async #isDue(entry: LedgerEntry): Promise<boolean> {
    const { machine, ledger } = this.#dependencies;
    const { windowId, isDue, isTemporary, sandboxId } = entry;
    if (windowId === machine.windowId) return isDue;
    if (await machine.isAlive(windowId)) return false;
    if (ledger.isOver(entry)) {
      await ledger.remove(entry);
      return false;
    }
    // The next window with the same folder may adopt those that run. Otherwise, they reach their idle timeout.
    return isDue || isTemporary || sandboxId === undefined;
  }

  async #endEach(entries: readonly LedgerEntry[]): Promise<LeftRunning[]> {
    const left: LeftRunning[] = [];
    const byAccount = Map.groupBy(entries, ({ account }) => account.key);
    await Promise.all(
      [...byAccount.values()].map(async (own) => {
        const [first] = own;
        const client = first && (await this.#clientOf(first.account));
        await Promise.all(
          own.map(async (entry) => {
            try {
              await this.#end(client, entry);
            } catch (error) {
              left.push({ entry, error });
            }
          }),
        );
      }),
    );
    return left;
  }

  /** Ends a sandbox, and removes its entry. Throws if it may be running. */
  async #end(client: ModalClient | undefined, entry: LedgerEntry): Promise<void> {
    const { ledger, beforeEnd, onDidEnd } = this.#dependencies;
    if (!client && !(await this.#isServerGone(entry)))
      throw new UserError(strings.accountNotInUse(entry.account.label));
    if (client && entry.sandboxId) await beforeEnd?.(client, entry.sandboxId);
    const ids = client ? await untilAborted(endOf(client, entry), AbortSignal.timeout(END_TIMEOUT_MS)) : [];
    if (client && !entry.sandboxId && ids.length === 0 && !(await this.#isAbsent(entry))) throw new UnknownStart();
    await ledger.remove(entry);
    for (const id of ids) await onDidEnd(id);
  }

  /** Returns whether a sandbox of Local Modal has ended with its server, which its windows keep running. */
  async #isServerGone({ account, windowId }: LedgerEntry): Promise<boolean> {
    return account.isLocal && (this.#localKey !== undefined || !(await this.#dependencies.machine.isAlive(windowId)));
  }

  /** Returns whether a start that Modal doesn't know didn't happen. It may still be on its way. */
  async #isAbsent({ startId, windowId }: LedgerEntry): Promise<boolean> {
    const { machine, ledger } = this.#dependencies;
    const now = this.#clock.now();
    const since = this.#absentSince.get(startId) ?? now;
    this.#absentSince.set(startId, since);
    const isOver = windowId === machine.windowId ? !ledger.isStarting(startId) : !(await machine.isAlive(windowId));
    return isOver && now - since >= ABSENT_MS;
  }

  async #clientOf({ key, choice, isLocal }: LedgerEntry['account']): Promise<ModalClient | undefined> {
    const known = this.#clients.get(key);
    const { accountOf } = this.#dependencies;
    // Asking for the account of Local Modal would start it.
    if (known || isLocal || choice === undefined || !accountOf) return known;
    const account = await accountOf(choice).catch(() => undefined);
    if (!account || accountKey(account) !== key) return undefined;
    const client = await connect(account);
    this.#clients.set(key, client);
    return client;
  }

  #report(left: LeftRunning): void {
    if (left.error instanceof UnknownStart || this.#reported.has(left.entry.startId)) return;
    this.#reported.add(left.entry.startId);
    this.#didFail.fire(left);
  }

  #retryLater(): void {
    this.#cancelRetry?.();
    if (!this.#isDisposed) this.#cancelRetry = this.#clock.after(RETRY_INTERVAL_MS, () => void this.sweep());
  }
}

/** Terminates the sandbox of an entry. Resolves with its ID, or with none if it isn't found. */
async function endOf(client: ModalClient, { sandboxId, startId, appId }: LedgerEntry): Promise<string[]> {
  const ids = sandboxId
    ? [sandboxId]
    : (await runningSandboxes(client, { appId }, { [Tag.start]: startId })).map(({ id }) => id);
  for (const id of ids) {
    await terminateSandbox(client, id).catch((error) => {
      if (!isNotFound(error)) throw error;
    });
  }
  return ids;
}
