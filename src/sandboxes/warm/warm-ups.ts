import type { Sandbox } from 'modal';
import { z } from 'zod';
import { untilAborted } from '../../base/cancellation.ts';
import { type Clock, MINUTE_MS } from '../../base/clock.ts';
import { UserError } from '../../base/errors.ts';
import { Emitter, type Event } from '../../base/events.ts';
import { isAccountProblem } from '../../modal/errors.ts';
import { explainAndLog } from '../../modal/explain/explain.ts';
import { nextRefresh } from '../../profiles/schedule.ts';
import { type Folder, folderProfileKey } from '../folder.ts';
import type { MachineState } from '../machine-state.ts';
import { NotAllowedError } from '../permissions/permissions.ts';
import { definitionKey } from '../sandbox-spec.ts';
import { strings } from '../strings.ts';
import type { PauseReason } from './pause-reason.ts';
import type { WarmPool, WarmTarget } from './pool.ts';

/** The interval at which warm-ups check what is due. This also detects sleep and a changed clock. */
const POLL_INTERVAL_MS = MINUTE_MS;
const MAX_REFRESH_MS = 10 * MINUTE_MS;
const MAX_ATTEMPTS = 3;
const FIRST_RETRY_DELAY_MS = 2_000;
const MAX_RECORDS = 50;
const RECORDS_FILE = 'warm-ups.json';
/** The share of its lifetime at which a waiting sandbox is replaced, so that a run that takes it has enough left. */
const MAX_LIFETIME_SHARE = 0.5;

const RecordSchema = z.object({
  folder: z.string(),
  profile: z.string(),
  /** Milliseconds since 1970. */
  startedAt: z.number(),
  endedAt: z.number(),
  /** The actions taken, as short phrases. */
  did: z.array(z.string()),
  /** Why it failed. Absent if it succeeded. */
  error: z.string().optional(),
});

/** A past refresh. */
export type WarmUpRecord = z.infer<typeof RecordSchema>;

export interface WarmUpDependencies {
  readonly pool: WarmPool;
  readonly machine: MachineState;
  /** Returns wall-clock time. */
  readonly clock: Clock;
  /** Returns a random number from 0 to 1. */
  random(): number;
  /** Returns what to keep warm now: profiles with `warm` of trusted, open folders, once an account is chosen. */
  targets(): Promise<readonly WarmTarget[]>;
  /** Returns why a target must not cost anything now, or undefined if it may. */
  pauseReason(target: WarmTarget): Promise<PauseReason | undefined>;
  /** Builds the image if its definition or base has changed, or if the target always rebuilds. Resolves with its ID. */
  refreshImage(target: WarmTarget, signal: AbortSignal): Promise<string>;
  /** Removes old files from the caches in the host volume. Resolves with a description of what was removed. */
  cleanCaches(sandbox: Sandbox, target: WarmTarget, signal: AbortSignal): Promise<string | undefined>;
  log(line: string): void;
}

/** The state of a target. */
interface Plan {
  readonly definition: string;
  /** The time of the next refresh, in milliseconds since 1970. */
  at: number;
  /** All of its sandboxes were warm once since the last refresh: those that are missing have been taken or lost. */
  wasFull: boolean;
  imageId?: string;
}

/** Keeps sandboxes warm while the editor is open. Makes no call and sets no timer while no profile asks for it. */
export class WarmUps {
  readonly #dependencies: WarmUpDependencies;
  /** By folder and profile. */
  readonly #plans = new Map<string, Plan>();
  #cancelTimer: (() => void) | undefined;
  #checking: Promise<void> | undefined;
  #checkAgain = false;
  #isDisposed = false;
  #stop = new AbortController();
  /** Why nothing is kept warm, by folder and profile. */
  readonly #paused = new Map<string, PauseReason & { readonly folder: Folder }>();
  readonly #didChange = new Emitter<void>();
  /** Fires when a pause begins, ends, or changes its reason, and after each refresh. */
  readonly onDidChange: Event<void> = this.#didChange.event;

  constructor(dependencies: WarmUpDependencies) {
    this.#dependencies = dependencies;
  }

  /** Checks at once what is due, because profiles, folders, focus, trust, or the account have changed. */
  async update(): Promise<void> {
    if (this.#isDisposed) return;
    if (this.#checking) {
      this.#checkAgain = true;
      return this.#checking;
    }
    this.#checking = this.#check().catch((error) => this.#dependencies.log(`Warm-ups: ${explainAndLog(error)}`));
    await this.#checking;
    this.#checking = undefined;
    if (!this.#checkAgain) return;
    this.#checkAgain = false;
    await this.update();
  }

  /** Starts the replacement of a sandbox that a run has taken, unless warm-ups are paused. */
  async replenish(target: WarmTarget): Promise<void> {
    if (this.#isDisposed || !(await this.#mayCost(target))) return;
    await this.#fill(target);
    // A pause that began in the meantime didn't stop what was still starting.
    await this.#mayCost(target);
  }

  /** Sends a folder's changes to its warm sandboxes, except while paused: they should reach their idle timeout. */
  async sync(folder: Folder): Promise<void> {
    const isPaused = [...this.#paused.values()].some((each) => each.folder.path === folder.path);
    if (!isPaused) await this.#dependencies.pool.sync(folder);
  }

  /** Returns why a folder's profile isn't kept warm now. */
  pauseReason(folder: Folder, profileName: string): PauseReason | undefined {
    return this.#paused.get(folderProfileKey(folder, profileName));
  }

  /** Returns the remembered refreshes of all windows on this computer, newest first. */
  async records(): Promise<WarmUpRecord[]> {
    return (await this.#dependencies.machine.read(RECORDS_FILE, z.array(RecordSchema))) ?? [];
  }

  /** Cancels what is in progress and stops all warm sandboxes. Later checks may start them again. */
  async cancel(): Promise<void> {
    this.#stop.abort(new UserError(strings.warmUpCanceled()));
    await Promise.all([this.#checking?.catch(() => {}), this.#dependencies.pool.retire(() => true)]);
    this.#stop = new AbortController();
  }

  /** Cancels as `cancel` does, permanently. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    await this.cancel();
    this.#cancelTimer?.();
  }

  async #check(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const targets = await this.#dependencies.targets();
    const keys = new Set(targets.map((target) => this.#note(target)));
    for (const known of [this.#plans, this.#paused])
      for (const key of [...known.keys()]) if (!keys.has(key)) known.delete(key);
    await this.#dependencies.pool.retire(({ folder, named }, ageMs) => {
      const plan = this.#plans.get(folderProfileKey(folder, named.name));
      return plan?.definition !== definitionKey(named.profile) || ageMs >= named.profile.timeoutMs * MAX_LIFETIME_SHARE;
    });
    if (targets.length === 0 || this.#isDisposed) return;
    this.#cancelTimer = this.#dependencies.clock.after(POLL_INTERVAL_MS, () => void this.update());
    const { signal } = this.#stop;
    for (const target of targets) if (!signal.aborted) await untilAborted(this.#serve(target), signal);
  }

  /** Makes a target due at once if it is new or its definition has changed. Returns its key. */
  #note(target: WarmTarget): string {
    const key = keyOf(target);
    const definition = definitionKey(target.named.profile);
    if (this.#plans.get(key)?.definition !== definition)
      this.#plans.set(key, { definition, at: this.#dependencies.clock.now(), wasFull: false });
    return key;
  }

  async #serve(target: WarmTarget): Promise<void> {
    const plan = this.#plans.get(keyOf(target));
    const { clock, machine, pool } = this.#dependencies;
    if (!(await this.#mayCost(target)) || !plan || this.#stop.signal.aborted) return;
    await pool.touch(target);
    const { refresh, timezone } = target.warm;
    // A clock that was set back must not delay the refresh.
    plan.at = Math.min(plan.at, nextRefresh(refresh, timezone, clock.now()));
    if (clock.now() < plan.at) {
      if (plan.wasFull && pool.missing(target) > 0) await this.#fill(target);
      return;
    }
    // While another window refreshes, this one waits for the next check.
    const release = await machine.lock('refresh', MAX_REFRESH_MS + MINUTE_MS);
    if (!release) return;
    try {
      plan.wasFull = await this.#refresh(target, plan);
      // Counted from now, so that missed refreshes are made up for only once.
      plan.at = nextRefresh(refresh, timezone, clock.now());
    } finally {
      await release();
    }
  }

  /**
   * Returns whether a target may cost something now. Stops its warm sandboxes if the reason for a pause requires it.
   */
  async #mayCost(target: WarmTarget): Promise<boolean> {
    const reason = await this.#pauseReason(target);
    if (reason?.stopsSandboxes) await this.#dependencies.pool.retire((each) => keyOf(each) === keyOf(target));
    return reason === undefined;
  }

  /** Finds out why a target is paused. Not being able to is a reason too, for example after signing out. */
  async #pauseReason(target: WarmTarget): Promise<PauseReason | undefined> {
    const key = keyOf(target);
    const reason: PauseReason | undefined = await this.#dependencies
      .pauseReason(target)
      .catch((error) => ({ text: explainAndLog(error) }));
    if (reason?.text !== this.#paused.get(key)?.text) {
      if (reason) this.#paused.set(key, { ...reason, folder: target.folder });
      else this.#paused.delete(key);
      this.#didChange.fire();
    }
    return reason;
  }

  /** Starts the missing sandboxes. After a failure, the next refresh tries again. */
  async #fill(target: WarmTarget): Promise<void> {
    try {
      await this.#limited((signal) => untilAborted(this.#dependencies.pool.fill(target, signal), signal));
    } catch (error) {
      const plan = this.#plans.get(keyOf(target));
      if (plan) plan.wasFull = false;
      this.#dependencies.log(`Warm-ups: couldn't start a sandbox for “${target.named.name}”: ${explainAndLog(error)}`);
    }
  }

  /** Refreshes a target and records how that went. Resolves with whether it succeeded. */
  async #refresh(target: WarmTarget, plan: Plan): Promise<boolean> {
    const { clock, machine, log } = this.#dependencies;
    const { signal } = this.#stop;
    const startedAt = clock.now();
    let did: string[] = [];
    let error: string | undefined;
    try {
      did = await this.#limited((signal) => this.#stepsWithRetries(target, plan, signal));
    } catch (caught) {
      error = explainAndLog(caught);
    }
    if (signal.aborted) return false;
    const record = {
      folder: target.folder.name,
      profile: target.named.name,
      startedAt,
      endedAt: clock.now(),
      did,
      ...(error !== undefined && { error }),
    };
    log(`Warm-up of “${record.profile}” in “${record.folder}”: ${error ?? did.join(', ')}`);
    await machine.write(RECORDS_FILE, [record, ...(await this.records())].slice(0, MAX_RECORDS));
    this.#didChange.fire();
    return error === undefined;
  }

  /** Does work that is canceled after ten minutes, or along with all warm-ups. */
  async #limited<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = new AbortController();
    const { signal } = this.#stop;
    const tooLong = new UserError(strings.warmUpTimedOut());
    const cancelLimit = this.#dependencies.clock.after(MAX_REFRESH_MS, () => limit.abort(tooLong));
    try {
      return await work(AbortSignal.any([limit.signal, signal]));
    } finally {
      cancelLimit();
    }
  }

  async #stepsWithRetries(target: WarmTarget, plan: Plan, signal: AbortSignal): Promise<string[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await untilAborted(this.#steps(target, plan, signal), signal);
      } catch (error) {
        // Retrying doesn't help with account problems, or with what the user hasn't allowed.
        const isFinal = isAccountProblem(error) || error instanceof NotAllowedError;
        if (attempt === MAX_ATTEMPTS || signal.aborted || isFinal) throw error;
        await this.#wait(FIRST_RETRY_DELAY_MS * 4 ** (attempt - 1) * (1 + this.#dependencies.random()), signal);
      }
    }
  }

  async #steps(target: WarmTarget, plan: Plan, signal: AbortSignal): Promise<string[]> {
    const { pool } = this.#dependencies;
    const imageId = await this.#dependencies.refreshImage(target, signal);
    const isFirst = plan.imageId === undefined;
    const isChanged = !isFirst && plan.imageId !== imageId;
    const did = [isFirst ? strings.imageReady() : isChanged ? strings.imageChanged() : strings.imageUnchanged()];
    const isOld = (ageMs: number) => isChanged || ageMs >= target.warm.maxAgeMs;
    const old = await pool.retire((each, ageMs) => keyOf(each) === keyOf(target) && isOld(ageMs));
    plan.imageId = imageId;
    if (old > 0) did.push(strings.stoppedOldSandboxes(old));
    const clean = (sandbox: Sandbox) => this.#dependencies.cleanCaches(sandbox, target, signal);
    if (target.warm.sandboxes === 0) {
      const cleaned = await pool.probe(target, signal, clean);
      return [...did, strings.probePassed(), ...(cleaned ? [cleaned] : [])];
    }
    const unhealthy = await pool.check(target, signal);
    if (unhealthy > 0) did.push(strings.stoppedUnhealthySandboxes(unhealthy));
    const started = await pool.fill(target, signal);
    if (started > 0) did.push(strings.startedSandboxes(started));
    const warm = pool.peek(target);
    const cleaned = warm && (await clean(warm));
    if (cleaned) did.push(cleaned);
    return did;
  }

  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    const elapsed = Promise.withResolvers<void>();
    const cancel = this.#dependencies.clock.after(ms, elapsed.resolve);
    try {
      await untilAborted(elapsed.promise, signal);
    } finally {
      cancel();
    }
  }
}

function keyOf({ folder, named }: Pick<WarmTarget, 'folder' | 'named'>): string {
  return folderProfileKey(folder, named.name);
}
