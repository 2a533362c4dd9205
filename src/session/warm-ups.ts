import type { Sandbox } from 'modal';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { explainError, isAccountProblem, UserError } from '../modal/errors.ts';
import { nextRefresh } from '../profiles/schedule.ts';
import { untilAborted } from '../sync/exec.ts';
import type { Machine } from './machine.ts';
import type { WarmPool, WarmTarget } from './pool.ts';
import { definitionKey } from './start.ts';

const MINUTE_MS = 60_000;
/** How often is looked whether something is due; sleep and a changed clock are noticed by then. */
const LOOK_MS = MINUTE_MS;
const MAX_REFRESH_MS = 10 * MINUTE_MS;
const TRIES = 3;
const FIRST_PAUSE_MS = 2_000;
const MAX_RECORDS = 50;
const RECORDS = 'warm-ups.json';

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
  obstacle(target: WarmTarget): Promise<string | undefined>;
  /** Builds the image where its definition or base has changed, or in any case. Says what was done. */
  refreshImage(target: WarmTarget, signal: AbortSignal): Promise<string>;
  /** Removes what is old from the caches in the host volume. Says what was done. */
  cleanCaches(sandbox: Sandbox, target: WarmTarget, signal: AbortSignal): Promise<string | undefined>;
  log(line: string): void;
  onChange?(): void;
}

/** Keeps sandboxes ready while the editor is open. Makes no call, and sets no timer, while no profile asks for it. */
export class WarmUps {
  readonly #parts: WarmUpParts;
  /** When each target is due, by folder and profile. */
  readonly #due = new Map<string, { at: number; definition: string }>();
  #cancelTimer: (() => void) | undefined;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #stop = new AbortController();
  /** Why nothing is kept warm, by folder and profile; for people. */
  readonly paused = new Map<string, string>();

  constructor(parts: WarmUpParts) {
    this.#parts = parts;
  }

  /** Profiles, folders, focus, trust or the account have changed: looks at once. */
  async update(): Promise<void> {
    if (this.#looking) {
      this.#lookAgain = true;
      return this.#looking;
    }
    this.#looking = this.#look().catch((error) => this.#parts.log(`Warm-ups: ${explainError(error)}`));
    await this.#looking;
    this.#looking = undefined;
    if (!this.#lookAgain || this.#stop.signal.aborted) return;
    this.#lookAgain = false;
    await this.update();
  }

  /** A run has taken a warm sandbox: starts its replacement, if the target may cost something now. */
  async replenish(target: WarmTarget): Promise<void> {
    try {
      if (await this.#parts.obstacle(target)) return;
      await this.#parts.pool.fill(target, this.#stop.signal);
    } catch (error) {
      this.#parts.log(`Warm-ups: no replacement for “${target.named.name}”: ${explainError(error)}`);
    }
  }

  /** All refreshes that are remembered, the last one first; of all windows of this machine. */
  async records(): Promise<WarmUpRecord[]> {
    return (await this.#parts.machine.read(RECORDS, z.array(RecordSchema))) ?? [];
  }

  /** Stops for good: what runs is called off, what is warm is ended. */
  async dispose(): Promise<void> {
    this.#stop.abort();
    this.#cancelTimer?.();
    await this.#looking?.catch(() => {});
    await this.#parts.pool.retire(() => true);
  }

  async #look(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const targets = await this.#parts.targets();
    const keys = new Set(targets.map((target) => this.#note(target)));
    for (const key of [...this.#due.keys()]) if (!keys.has(key)) this.#due.delete(key);
    for (const key of [...this.paused.keys()]) if (!keys.has(key)) this.paused.delete(key);
    await this.#parts.pool.retire(({ folder, named }) => {
      const due = this.#due.get(keyOf({ folder, named }));
      return due === undefined || due.definition !== definitionKey(named.profile);
    });
    if (targets.length === 0 || this.#stop.signal.aborted) return;
    for (const target of targets) await this.#serve(target);
    await this.#parts.pool.touch();
    if (!this.#stop.signal.aborted) this.#cancelTimer = this.#parts.clock.after(LOOK_MS, () => void this.update());
  }

  /** A target that is new, or whose definition has changed, is due at once. */
  #note(target: WarmTarget): string {
    const key = keyOf(target);
    const definition = definitionKey(target.named.profile);
    if (this.#due.get(key)?.definition !== definition) this.#due.set(key, { at: this.#parts.clock.now(), definition });
    return key;
  }

  async #serve(target: WarmTarget): Promise<void> {
    const key = keyOf(target);
    const { clock, machine } = this.#parts;
    const obstacle = await this.#parts.obstacle(target);
    if (obstacle !== this.paused.get(key)) {
      if (obstacle) this.paused.set(key, obstacle);
      else this.paused.delete(key);
      this.#parts.onChange?.();
    }
    const due = this.#due.get(key);
    if (obstacle || !due || clock.now() < due.at || this.#stop.signal.aborted) return;
    // Another window refreshes; ours has its turn at the next look.
    const release = await machine.lock('refresh', MAX_REFRESH_MS + MINUTE_MS);
    if (!release) return;
    try {
      await this.#refresh(target);
      // From the end of this one, so that what was missed is done once.
      const { refresh, timezone } = target.warm;
      this.#due.set(key, { ...due, at: nextRefresh(refresh, timezone, clock.now()) });
    } finally {
      await release();
    }
  }

  async #refresh(target: WarmTarget): Promise<void> {
    const { clock, machine, log } = this.#parts;
    const startedAt = clock.now();
    const limit = new AbortController();
    const stop = () => limit.abort(new UserError('The refresh took more than ten minutes and was ended.'));
    const cancelLimit = clock.after(MAX_REFRESH_MS, stop);
    const onStop = () => limit.abort(this.#stop.signal.reason);
    this.#stop.signal.addEventListener('abort', onStop, { once: true });
    let did: string[] = [];
    let error: string | undefined;
    try {
      did = await this.#tries(target, limit.signal);
    } catch (caught) {
      error = explainError(caught);
    } finally {
      cancelLimit();
      this.#stop.signal.removeEventListener('abort', onStop);
    }
    if (this.#stop.signal.aborted) return;
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
  }

  async #tries(target: WarmTarget, signal: AbortSignal): Promise<string[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await untilAborted(this.#steps(target, signal), signal);
      } catch (error) {
        // Who is not let in now will not be let in two seconds later.
        if (attempt === TRIES || signal.aborted || isAccountProblem(error)) throw error;
        await this.#pause(FIRST_PAUSE_MS * 4 ** (attempt - 1) * (1 + this.#parts.random()), signal);
      }
    }
  }

  async #steps(target: WarmTarget, signal: AbortSignal): Promise<string[]> {
    const { pool } = this.#parts;
    const key = keyOf(target);
    const did = [await this.#parts.refreshImage(target, signal)];
    const old = await pool.retire((each, ageMs) => keyOf(each) === key && ageMs >= target.warm.maxAgeMs);
    if (old > 0) did.push(old === 1 ? 'ended 1 old sandbox' : `ended ${old} old sandboxes`);
    const clean = (sandbox: Sandbox) => this.#parts.cleanCaches(sandbox, target, signal);
    if (target.warm.sandboxes === 0) {
      const cleaned = await pool.probe(target, signal, clean);
      return [...did, 'a probe was healthy', ...(cleaned ? [cleaned] : [])];
    }
    const started = await pool.fill(target, signal);
    if (started > 0) did.push(started === 1 ? 'started 1 sandbox' : `started ${started} sandboxes`);
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
  return `${folder.path}\0${named.name}`;
}
