import { z } from 'zod';
import { type Clock, DAY_MS, HOUR_MS } from '../../base/clock.ts';
import { Emitter, type Event } from '../../base/events.ts';
import { logError } from '../../base/log.ts';
import { accountIdOf } from '../../modal/accounts.ts';
import { isSandboxGone } from '../../modal/errors.ts';
import { Tag } from '../../modal/sandboxes.ts';
import type { MachineState } from '../../sandboxes/machine-state.ts';
import type { Session } from '../../sandboxes/session.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { endCommand } from '../control.ts';
import type { RunRecord } from '../records/record.ts';
import type { Recording, RunRecords } from '../records/run-records.ts';
import { exited, failureOf, type RunResult } from '../result.ts';
import type { RunningCommands } from '../running-commands.ts';
import { readExec } from './exec-output.ts';
import { type DetachedEnd, readDetached } from './output.ts';

const FOLDER = 'detached';
/** The interval at which a window looks for runs of windows that were lost. */
const SWEEP_INTERVAL_MS = 5_000;
/** A sandbox, and so a run, lives no longer than this. */
const LOCK_MS = DAY_MS + HOUR_MS;
/** A run of another window that hasn't ended after this long is still running. */
const TAKEOVER_MS = 5_000;
const STOP_TIMEOUT_MS = 30_000;
/** A run whose account wasn't used for this long is forgotten. Its output is no longer on its volume. */
const RETENTION_MS = 30 * DAY_MS;
/** Exit codes of programs that were killed with everything around them, as Modal reports the signal. */
const SIGKILL = 137;

const DetachedSchema = z.object({
  id: z.string(),
  /** The start of the run, in milliseconds since 1970. */
  at: z.number(),
  accountId: z.string(),
  sandboxId: z.string(),
  profile: z.string().optional(),
  hostVolume: z.string().optional(),
  pricePerHourUsd: z.number().optional(),
  /** The time from the start of the run to that of its program. */
  preparedMs: z.number(),
  /** Set if its output is that of a command, and not in files. */
  execId: z.string().optional(),
  hasSync: z.boolean().optional(),
  /** Its sandbox has a tag with its ID, because it runs on this computer. */
  isTagged: z.boolean().optional(),
});

/** A detached run whose end isn't stored yet. */
export type DetachedRun = z.infer<typeof DetachedSchema>;

/** A detached run that has ended. */
export interface EndedDetachedRun {
  readonly record: RunRecord;
  readonly result: RunResult;
}

/** Keeps texts where only this extension can read them, such as VS Code's secret storage. */
export interface SecretTexts {
  get(key: string): PromiseLike<string | undefined>;
  store(key: string, value: string): PromiseLike<void>;
  delete(key: string): PromiseLike<void>;
}

export interface DetachedRunsDependencies {
  readonly machine: MachineState;
  readonly records: RunRecords;
  readonly sessions: Pick<Sessions, 'connection' | 'find'>;
  readonly commands: RunningCommands;
  readonly secrets: SecretTexts;
  /** Returns wall-clock time. */
  readonly clock: Clock;
}

/** What a viewer of a detached run receives. */
export interface DetachedViewer {
  readonly signal: AbortSignal;
  output(bytes: Uint8Array): void;
  gap(bytes: number): void;
}

/**
 * The runs whose programs outlive their windows: a file for each on this computer until its end is in its record. One window at
 * a time follows each, first the one that started it, and stores its output. Any window can show it.
 */
export class DetachedRuns {
  readonly #dependencies: DetachedRunsDependencies;
  /** The runs that this window follows, by ID, and what lets other windows follow them. */
  readonly #following = new Map<string, () => Promise<void>>();
  readonly #disposed = new AbortController();
  readonly #changed = new Emitter<void>();
  readonly #didTakeOver = new Emitter<RunRecord>();
  readonly #didEnd = new Emitter<EndedDetachedRun>();
  #sweeping: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  /** Fires when a run has started or ended in this window, or this window follows it from now on. */
  readonly onDidChange: Event<void> = this.#changed.event;
  /** Fires when this window has begun to follow a run that another window left, and that is still running. */
  readonly onDidTakeOver: Event<RunRecord> = this.#didTakeOver.event;
  /** Fires in one window when a run has ended and its record is stored. */
  readonly onDidEnd: Event<EndedDetachedRun> = this.#didEnd.event;

  constructor(dependencies: DetachedRunsDependencies) {
    this.#dependencies = dependencies;
  }

  /** Returns the runs of all windows, the latest first. */
  async all(): Promise<DetachedRun[]> {
    const { machine } = this.#dependencies;
    const names = await machine.list(FOLDER);
    const runs = await Promise.all(names.map((name) => machine.read(`${FOLDER}/${name}`, DetachedSchema)));
    return runs.filter((run) => run !== undefined).sort((a, b) => b.at - a.at);
  }

  /** Returns whether a program in a sandbox outlives its window, so that the sandbox must keep running. */
  async isIn(sandboxId: string): Promise<boolean> {
    return (await this.all()).some((run) => run.sandboxId === sandboxId);
  }

  /** Notes a run before its program starts in a session's sandbox, or while it's running. This window follows it. */
  async begin(
    id: string,
    { accountId, profile, hostVolume, pricePerHourUsd, isBilled, sandbox }: Session,
    recording: Recording,
    details: Pick<DetachedRun, 'preparedMs' | 'execId' | 'hasSync'>,
  ): Promise<void> {
    const { machine, records, secrets } = this.#dependencies;
    const { sandboxId } = sandbox;
    // Modal itself doesn't stop with the last window.
    const isTagged = !isBilled;
    if (isTagged) await sandbox.setTags({ ...(await sandbox.getTags()), [Tag.detached]: id });
    const place = { isTagged, accountId, sandboxId, profile, hostVolume, pricePerHourUsd };
    const run: DetachedRun = { id, at: recording.at, ...place, ...details };
    // Without them, those that are known then aren't stored.
    await Promise.resolve(secrets.store(keyOf(run), JSON.stringify(await recording.secrets()))).catch(logError);
    await records.flush();
    if (!this.#following.has(id)) await this.#claim(run);
    await machine.write(fileOf(run), run);
    this.#changed.fire();
  }

  /** Notes that a run of this window has ended. Without a result, leaves the rest to the next sweep of any window. */
  async finish(id: string, result: RunResult | undefined): Promise<void> {
    const run = await this.#dependencies.machine.read(fileOf({ id }), DetachedSchema);
    if (run && result) await this.#end(run, result);
    await this.#release({ id });
  }

  /** Follows the runs of windows that were lost or closed, from now on and until it's disposed. Never throws. */
  watch(): void {
    void this.sweep();
    this.#timer ??= setInterval(() => void this.sweep(), SWEEP_INTERVAL_MS).unref();
  }

  /** Begins to follow the runs that no window follows. Makes no call if there are none. Never throws. */
  sweep(): Promise<void> {
    this.#sweeping = this.#sweeping.then(() => this.#sweep()).catch(logError);
    return this.#sweeping;
  }

  /** Shows a run from its beginning to its end. Throws the sandbox's end, the SDK's errors, and the signal's reason. */
  async view(run: DetachedRun, { signal, output, gap }: DetachedViewer): Promise<DetachedEnd> {
    const { client } = await this.#dependencies.sessions.connection();
    const sandbox = await this.#dependencies.sessions.find(run.sandboxId);
    const parts = run.execId
      ? readExec(run, { client, signal })
      : readDetached({ ...run, runId: run.id }, { client, sandbox, signal, onGap: gap });
    for (;;) {
      const { done, value } = await parts.next();
      if (done) return value;
      output(value);
    }
  }

  /** Stops a program with everything that it has started. Throws the SDK's errors. */
  async stop({ id, sandboxId }: DetachedRun): Promise<void> {
    const sandbox = await this.#dependencies.sessions.find(sandboxId);
    const options = { stdout: 'ignore', stderr: 'ignore', timeoutMs: STOP_TIMEOUT_MS } as const;
    await (await sandbox.exec(endCommand(id), options)).wait();
  }

  /** Stops following. The next window continues. */
  dispose(): void {
    clearInterval(this.#timer);
    this.#disposed.abort();
  }

  async #sweep(): Promise<void> {
    const { machine, sessions, clock } = this.#dependencies;
    for (const run of await this.all()) {
      if (clock.now() - run.at > RETENTION_MS) {
        await this.#forget(run);
        continue;
      }
      if (this.#following.has(run.id) || this.#disposed.signal.aborted) continue;
      // Before another window lets go of it, because that may end a server on this computer.
      const account = await sessions.connection().then(
        (connection) => accountIdOf(connection.account),
        () => undefined,
      );
      if (account !== run.accountId || !(await this.#claim(run))) continue;
      // The window before may have noted the end in the meantime.
      const isLeft = (await machine.read(fileOf(run), DetachedSchema)) !== undefined;
      if (isLeft) void this.#follow(run).finally(() => this.#release(run));
      else await this.#release(run);
    }
  }

  /** Keeps other windows from following a run. Returns false if one does. */
  async #claim(run: DetachedRun): Promise<boolean> {
    const unlock = await this.#dependencies.machine.lock(lockOf(run), LOCK_MS);
    if (unlock) this.#following.set(run.id, unlock);
    return unlock !== undefined;
  }

  async #release({ id }: Pick<DetachedRun, 'id'>): Promise<void> {
    const unlock = this.#following.get(id);
    this.#following.delete(id);
    await unlock?.();
    this.#changed.fire();
  }

  /** Follows a run to its end, and stores it. If that isn't possible now, the next sweep tries again. Never throws. */
  async #follow(run: DetachedRun): Promise<void> {
    const { records, secrets, commands } = this.#dependencies;
    const { id: runId, sandboxId } = run;
    try {
      const record = await records.find(run);
      const stored = await secrets.get(keyOf(run));
      const known = stored === undefined ? undefined : z.array(z.string()).safeParse(JSON.parse(stored)).data;
      const recording = record && records.resume({ ...record, profile: run.profile }, known);
      const takingOver = setTimeout(() => record && this.#didTakeOver.fire(record), TAKEOVER_MS);
      const removeCommand = commands.add({ runId, sandboxId, label: record?.label ?? '' });
      try {
        const viewer = {
          signal: this.#disposed.signal,
          output: (bytes: Uint8Array) => recording?.add(bytes),
          gap: (bytes: number) => recording?.skip(bytes),
        };
        const { result, durationMs } = await this.#viewed(run, viewer);
        recording?.end(result, undefined, durationMs === undefined ? undefined : run.preparedMs + durationMs);
        await this.#end(run, result);
      } finally {
        clearTimeout(takingOver);
        removeCommand();
      }
    } catch (error) {
      if (!this.#disposed.signal.aborted) logError(error);
    }
  }

  /** Shows a run to its end, and returns its result and, if that is known, how long its program ran. */
  async #viewed(
    run: DetachedRun,
    viewer: DetachedViewer,
  ): Promise<{ result: RunResult; durationMs?: number | undefined }> {
    const since = performance.now();
    try {
      const end = await this.view(run, viewer);
      if (end === 'killed') return { result: resultOf(run, end) };
      const hasSeenEnd = performance.now() - since > TAKEOVER_MS;
      const ranMs = hasSeenEnd ? this.#dependencies.clock.now() - run.at - run.preparedMs : undefined;
      const { exitCode, durationMs = ranMs } = end;
      return { result: resultOf(run, { exitCode, durationMs }), durationMs };
    } catch (error) {
      if (!isSandboxGone(error)) throw error;
      return { result: { ...failureOf(error), ...factsOf(run) } };
    }
  }

  async #end(run: DetachedRun, result: RunResult): Promise<void> {
    const { records } = this.#dependencies;
    await records.flush();
    await this.#forget(run);
    const record = await records.find(run);
    if (record) this.#didEnd.fire({ record, result });
    if (run.isTagged) await this.#removeTag(run).catch(() => {});
  }

  async #forget(run: DetachedRun): Promise<void> {
    const { machine, secrets } = this.#dependencies;
    await machine.remove(fileOf(run));
    await secrets.delete(keyOf(run));
  }

  /** Throws if the sandbox has ended. */
  async #removeTag({ id, sandboxId }: DetachedRun): Promise<void> {
    const sandbox = await this.#dependencies.sessions.find(sandboxId);
    const { [Tag.detached]: tag, ...others } = await sandbox.getTags();
    if (tag === id) await sandbox.setTags(others);
  }
}

function factsOf({ sandboxId, profile, pricePerHourUsd }: DetachedRun) {
  return {
    sandboxId,
    ...(profile !== undefined && { profile }),
    ...(pricePerHourUsd !== undefined && { pricePerHourUsd }),
  };
}

/** Returns the result of a program that has ended. How long it ran is known from its sandbox. */
export function resultOf(run: DetachedRun, end: DetachedEnd): RunResult {
  if (end === 'killed') return { ...exited(SIGKILL), ...factsOf(run) };
  const { exitCode, durationMs } = end;
  const { preparedMs, pricePerHourUsd } = run;
  return {
    ...exited(exitCode),
    ...factsOf(run),
    ...(pricePerHourUsd !== undefined &&
      durationMs !== undefined && {
        costUsd: (pricePerHourUsd * (preparedMs + durationMs)) / HOUR_MS,
      }),
  };
}

const fileOf = ({ id }: Pick<DetachedRun, 'id'>) => `${FOLDER}/${id}.json`;
const keyOf = ({ id }: DetachedRun) => `detached-run:${id}`;
const lockOf = ({ id }: DetachedRun) => `detached-${id}`;
