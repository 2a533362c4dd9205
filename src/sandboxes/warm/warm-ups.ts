import type { Sandbox } from 'modal';
import { z } from 'zod';
import { untilAborted } from '../../base/cancellation.ts';
import type { Clock } from '../../base/clock.ts';
import { UserError } from '../../base/errors.ts';
import { explainAndLog, explainError, isAccountProblem } from '../../modal/errors.ts';
import { nextRefresh } from '../../profiles/schedule.ts';
import type { Folder } from '../folder.ts';
import type { Machine } from '../machine-state.ts';
import { definitionKey } from '../sandbox-spec.ts';
import type { Obstacle } from './pause-reason.ts';
import type { WarmPool, WarmTarget } from './pool.ts';

const MINUTE_MS = 60_000;
/** How often is looked whether something is due; sleep and a changed clock are noticed by then. */
const LOOK_MS = MINUTE_MS;
const MAX_REFRESH_MS = 10 * MINUTE_MS;
const TRIES = 3;
const FIRST_PAUSE_MS = 2_000;
const MAX_RECORDS = 50;
const RECORDS = 'warm-ups.json';
/** A sandbox that waits is replaced at this part of its lifetime, so that a run that takes it has time. */
const MAX_LIFE = 0.5;

const RecordSchema = z.object({
  folder: z.string(),
  profile: z.string(),
  /** Milliseconds since 1970. */
  startedAt: z.number(),
  endedAt: z.number(),
  /** What was done, a few words each. */
  did: z.array(z.string()),
  /** Why it failed; absent when it did not. */
  error: z.string().optional(),
});

/** One refresh of the past. */
export type WarmUpRecord = z.infer<typeof RecordSchema>;

/** What warm-ups work with. */
export interface WarmUpParts {
  readonly pool: WarmPool;
  readonly machine: Machine;
  /** The clock of the wall. */
  readonly clock: Clock;
  /** By chance, from 0 to 1. */
  random(): number;
  /** What is to be kept warm now: profiles of trusted, open folders that say so, once an account is chosen. */
  targets(): Promise<readonly WarmTarget[]>;
  /** Why a target must not cost anything now: the window is not in front, the budget is spent, …; undefined when it may. */
  obstacle(target: WarmTarget): Promise<Obstacle | undefined>;
  /** Builds the image where its definition or base has changed, or in any case. Resolves with its id. */
  refreshImage(target: WarmTarget, signal: AbortSignal): Promise<string>;
  /** Removes what is old from the caches in the host volume. Says what was done. */
  cleanCaches(sandbox: Sandbox, target: WarmTarget, signal: AbortSignal): Promise<string | undefined>;
  log(line: string): void;
  onChange?(): void;
}

/** What is known of a target. */
interface Plan {
  readonly definition: string;
  /** When the next refresh is due, in milliseconds since 1970. */
  at: number;
  /** All of its sandboxes were ready once since the last refresh: those that are missing now have been taken or lost. */
  wasFull: boolean;
  imageId?: string;
}

/** Keeps sandboxes ready while the editor is open. Makes no call, and sets no timer, while no profile asks for it. */
export class WarmUps {
  readonly #parts: WarmUpParts;
  /** By folder and profile. */
  readonly #plans = new Map<string, Plan>();
  #cancelTimer: (() => void) | undefined;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #isDisposed = false;
  #stop = new AbortController();
  /** Why nothing is kept warm, by folder and profile; for people. */
  readonly paused = new Map<string, string>();

  constructor(parts: WarmUpParts) {
    this.#parts = parts;
  }

  /** Profiles, folders, focus, trust or the account have changed: looks at once. */
  async update(): Promise<void> {
    if (this.#isDisposed) return;
    if (this.#looking) {
      this.#lookAgain = true;
      return this.#looking;
    }
    this.#looking = this.#look().catch((error) => this.#parts.log(`Warm-ups: ${explainAndLog(error)}`));
    await this.#looking;
    this.#looking = undefined;
    if (!this.#lookAgain) return;
    this.#lookAgain = false;
    await this.update();
  }

  /** Why a folder's profile isn't kept warm, for the user; undefined if it is. */
  pauseReason(folder: Folder, profileName: string): string | undefined {
    return this.paused.get(planKey(folder, profileName));
  }

  /** A run has taken a warm sandbox: starts its replacement, if the target may cost something now. */
  async replenish(target: WarmTarget): Promise<void> {
    if (this.#isDisposed || !(await this.#mayCost(target))) return;
    await this.#fill(target);
    // Who looked meanwhile did not see what was only being started.
    await this.#mayCost(target);
  }

  /** Sends a folder's changes to what waits for it, except while that is paused: it shall end of being idle. */
  async sync(folder: Folder): Promise<void> {
    const isPaused = [...this.paused.keys()].some((key) => key.startsWith(`${folder.path}\0`));
    if (!isPaused) await this.#parts.pool.sync(folder);
  }

  /** All refreshes that are remembered, the last one first; of all windows of this machine. */
  async records(): Promise<WarmUpRecord[]> {
    return (await this.#parts.machine.read(RECORDS, z.array(RecordSchema))) ?? [];
  }

  /** Calls off what runs and ends what is warm. Later looks go on, unless something stands against it. */
  async callOff(): Promise<void> {
    this.#stop.abort(new UserError('The warm-up was called off.'));
    await this.#looking?.catch(() => {});
    await this.#parts.pool.retire(() => true);
    this.#stop = new AbortController();
  }

  /** As `callOff`, for good. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    await this.callOff();
    this.#cancelTimer?.();
  }

  async #look(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const targets = await this.#parts.targets();
    const keys = new Set(targets.map((target) => this.#note(target)));
    for (const known of [this.#plans, this.paused])
      for (const key of [...known.keys()]) if (!keys.has(key)) known.delete(key);
    await this.#parts.pool.retire(({ folder, named }, ageMs) => {
      const plan = this.#plans.get(keyOf({ folder, named }));
      return plan?.definition !== definitionKey(named.profile) || ageMs >= named.profile.timeoutMs * MAX_LIFE;
    });
    if (targets.length === 0 || this.#isDisposed) return;
    this.#cancelTimer = this.#parts.clock.after(LOOK_MS, () => void this.update());
    for (const target of targets) await this.#serve(target);
  }

  /** A target that is new, or whose definition has changed, is due at once. */
  #note(target: WarmTarget): string {
    const key = keyOf(target);
    const definition = definitionKey(target.named.profile);
    if (this.#plans.get(key)?.definition !== definition)
      this.#plans.set(key, { definition, at: this.#parts.clock.now(), wasFull: false });
    return key;
  }

  async #serve(target: WarmTarget): Promise<void> {
    const plan = this.#plans.get(keyOf(target));
    const { clock, machine, pool } = this.#parts;
    if (!(await this.#mayCost(target)) || !plan || this.#stop.signal.aborted) return;
    await pool.touch(target);
    const { refresh, timezone } = target.warm;
    // A clock that was set back puts nothing off.
    plan.at = Math.min(plan.at, nextRefresh(refresh, timezone, clock.now()));
    if (clock.now() < plan.at) {
      if (plan.wasFull && pool.missing(target) > 0) await this.#fill(target);
      return;
    }
    // Another window refreshes; ours has its turn at the next look.
    const release = await machine.lock('refresh', MAX_REFRESH_MS + MINUTE_MS);
    if (!release) return;
    try {
      plan.wasFull = await this.#refresh(target, plan);
      // From the end of this one, so that what was missed is done once.
      plan.at = nextRefresh(refresh, timezone, clock.now());
    } finally {
      await release();
    }
  }

  /** Whether nothing stands against a target now. Ends what is warm of it where that must not cost anything any more. */
  async #mayCost(target: WarmTarget): Promise<boolean> {
    const obstacle = await this.#obstacle(target);
    if (obstacle?.ends) await this.#parts.pool.retire((each) => keyOf(each) === keyOf(target));
    return obstacle === undefined;
  }

  /** What stands against a target now. That it cannot be found out does as well, as when the account is signed out. */
  async #obstacle(target: WarmTarget): Promise<Obstacle | undefined> {
    const key = keyOf(target);
    const obstacle = await this.#parts.obstacle(target).catch((error) => ({ words: explainError(error) }));
    if (obstacle?.words !== this.paused.get(key)) {
      if (obstacle) this.paused.set(key, obstacle.words);
      else this.paused.delete(key);
      this.#parts.onChange?.();
    }
    return obstacle;
  }

  /** Starts what is missing. After a failure the next refresh tries again. */
  async #fill(target: WarmTarget): Promise<void> {
    try {
      await this.#limited((signal) => untilAborted(this.#parts.pool.fill(target, signal), signal));
    } catch (error) {
      const plan = this.#plans.get(keyOf(target));
      if (plan) plan.wasFull = false;
      this.#parts.log(`Warm-ups: no sandbox of “${target.named.name}” could be made ready: ${explainAndLog(error)}`);
    }
  }

  /** Resolves with whether it succeeded. */
  async #refresh(target: WarmTarget, plan: Plan): Promise<boolean> {
    const { clock, machine, log } = this.#parts;
    const startedAt = clock.now();
    let did: string[] = [];
    let error: string | undefined;
    try {
      did = await this.#limited((signal) => this.#tries(target, plan, signal));
    } catch (caught) {
      error = explainAndLog(caught);
    }
    if (this.#stop.signal.aborted) return false;
    const record = {
      folder: target.folder.name,
      profile: target.named.name,
      startedAt,
      endedAt: clock.now(),
      did,
      ...(error !== undefined && { error }),
    };
    log(`Warm-up of “${record.profile}” in “${record.folder}”: ${error ?? did.join(', ')}`);
    await machine.write(RECORDS, [record, ...(await this.records())].slice(0, MAX_RECORDS));
    this.#parts.onChange?.();
    return error === undefined;
  }

  /** Does what must be over within ten minutes, and before warm-ups are called off. */
  async #limited<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = new AbortController();
    const { signal } = this.#stop;
    const tooLong = new UserError('The refresh took more than ten minutes and was ended.');
    const cancelLimit = this.#parts.clock.after(MAX_REFRESH_MS, () => limit.abort(tooLong));
    try {
      return await work(AbortSignal.any([limit.signal, signal]));
    } finally {
      cancelLimit();
    }
  }

  async #tries(target: WarmTarget, plan: Plan, signal: AbortSignal): Promise<string[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await untilAborted(this.#steps(target, plan, signal), signal);
      } catch (error) {
        // Who is not let in now will not be let in two seconds later.
        if (attempt === TRIES || signal.aborted || isAccountProblem(error)) throw error;
        await this.#pause(FIRST_PAUSE_MS * 4 ** (attempt - 1) * (1 + this.#parts.random()), signal);
      }
    }
  }

  async #steps(target: WarmTarget, plan: Plan, signal: AbortSignal): Promise<string[]> {
    const { pool } = this.#parts;
    const imageId = await this.#parts.refreshImage(target, signal);
    const isOther = plan.imageId !== imageId;
    const did = [!isOther ? 'image unchanged' : plan.imageId === undefined ? 'image is ready' : 'image is new'];
    const isOld = (ageMs: number) => (isOther && plan.imageId !== undefined) || ageMs >= target.warm.maxAgeMs;
    const old = await pool.retire((each, ageMs) => keyOf(each) === keyOf(target) && isOld(ageMs));
    plan.imageId = imageId;
    if (old > 0) did.push(`ended ${count(old, 'old sandbox')}`);
    const clean = (sandbox: Sandbox) => this.#parts.cleanCaches(sandbox, target, signal);
    if (target.warm.sandboxes === 0) {
      const cleaned = await pool.probe(target, signal, clean);
      return [...did, 'a probe was healthy', ...(cleaned ? [cleaned] : [])];
    }
    const unfit = await pool.check(target, signal);
    if (unfit > 0) did.push(`ended ${count(unfit, 'unhealthy sandbox')}`);
    const started = await pool.fill(target, signal);
    if (started > 0) did.push(`started ${count(started, 'sandbox')}`);
    const ready = pool.peek(target);
    const cleaned = ready && (await clean(ready));
    if (cleaned) did.push(cleaned);
    return did;
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const over = Promise.withResolvers<void>();
    const cancel = this.#parts.clock.after(ms, over.resolve);
    try {
      await untilAborted(over.promise, signal);
    } finally {
      cancel();
    }
  }
}

function keyOf({ folder, named }: Pick<WarmTarget, 'folder' | 'named'>): string {
  return planKey(folder, named.name);
}

function planKey({ path }: Folder, profileName: string): string {
  return `${path}\0${profileName}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 'es'}`;
}
