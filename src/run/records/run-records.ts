import { randomInt } from 'node:crypto';
import { appendFile, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, DAY_MS } from '../../base/clock.ts';
import { Emitter } from '../../base/events.ts';
import { makePrivateFolder } from '../../base/private-files.ts';
import { shellJoin } from '../../base/shell.ts';
import { reportUnsaved } from '../../base/unsaved.ts';
import type { NamedProfile } from '../../profiles/profiles.ts';
import { possibleSecrets } from '../../profiles/variables.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { RunRequest } from '../request.ts';
import type { RunResult } from '../result.ts';
import { BoundedOutput } from './bounded-output.ts';
import { type Entry, entryOf, formatEntry, parseRecords, type RunRecord } from './record.ts';
import { Redaction, secretValues } from './redaction.ts';

/** The time for which records are kept. */
const RETENTION_MS = 90 * DAY_MS;
/** The maximum size of all stored outputs. The oldest are removed. */
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;
/** What is kept when outputs are removed, so that this isn't done for each run. */
const KEPT_SHARE = 0.8;
/** The number of runs after which the outputs of all windows are measured. */
const RUNS_PER_CLEANUP = 20;
const MAX_COMMAND_CHARS = 4_000;
const DAY_FILE = /^(\d{4}-\d\d-\d\d)\.jsonl$/;

export interface RunRecordsOptions {
  /** The folder for the records of all windows. */
  readonly dir: string;
  readonly windowId: string;
  /** Wall-clock time. */
  readonly clock: Clock;
  /** Returns a folder's profile, the values of whose variables must not be stored. */
  profile(folder: Folder, name: string | undefined): Promise<Pick<NamedProfile, 'profile'>>;
  /** Returns the folder that the paths in a folder's profiles are relative to. */
  root(folder: Folder): string;
  /** Each process records one run or a few, so that only some of them clean up. */
  readonly isShortLived?: boolean;
  /** The limits, for tests. */
  readonly maxOutputBytes?: number;
  readonly keptBytes?: number;
}

/** A run that is being recorded. */
export interface Recording {
  /** The start of the run, in milliseconds since 1970. */
  readonly at: number;
  /** Stores that the run has a sandbox. Called once at most. */
  inSandbox(): void;
  /** Adds what the program printed. The chunk must not be changed afterwards. */
  add(chunk: Uint8Array): void;
  /** Notes that a part of the output is missing here. */
  skip(bytes: number): void;
  /** Resolves with the values that aren't stored, once the run has a sandbox. */
  secrets(): Promise<readonly string[]>;
  /** Stores the record. The duration is the time until now by default. */
  end(result: RunResult, synced?: RunSync, durationMs?: number): void;
}

interface RunSync {
  readonly files: number;
  readonly bytes: number;
}

/** The variables of this computer. */
type Environment = Readonly<Record<string, string | undefined>>;

interface EndedRun {
  readonly id: string;
  readonly at: number;
  readonly durationMs: number;
  readonly result: RunResult;
  readonly synced: RunSync | undefined;
  readonly output: BoundedOutput;
  readonly redaction: Redaction;
}

/** What a record describes of a run before it starts. */
export type RecordedRun = Pick<
  RunRequest,
  'folder' | 'label' | 'programs' | 'args' | 'shellArgs' | 'env' | 'profile' | 'again'
>;

/** The stored output of a run. */
export interface StoredOutput {
  readonly head: Buffer;
  /** Empty if the whole output is in `head`. */
  readonly tail: Buffer;
  /** The number of bytes that are missing between them. */
  readonly missingBytes: number;
}

/**
 * The records of the runs of all windows on this computer, without secrets: a file for each day, to which windows append
 * lines, and a file for each output. Errors don't disturb the runs; the first one is reported.
 */
export class RunRecords {
  readonly #options: RunRecordsOptions;
  readonly #changed = new Emitter<void>();
  /** Fires when this window has written. */
  readonly onDidChange = this.#changed.event;
  #writing: Promise<unknown> = Promise.resolve();
  #runs: number;

  constructor(options: RunRecordsOptions) {
    this.#options = options;
    this.#runs = options.isShortLived ? randomInt(RUNS_PER_CLEANUP) : 0;
  }

  /** The folder with the files of all windows. */
  get dir(): string {
    return this.#options.dir;
  }

  /** Begins a record. Nothing is stored before the run has a sandbox or has ended. */
  begin(id: string, run: RecordedRun): Recording {
    const at = this.#options.clock.now();
    return this.#recording({ id, at }, (environment) => {
      const redaction = this.#redactionFor(run, environment);
      void this.#enqueue(async () => this.#start(id, at, run, await redaction));
      return redaction;
    });
  }

  /** Continues the record of a run that has no end yet, with nothing of its output, and its secrets as far as they're known. */
  resume(
    { id, at, folder, profile }: RunRecord & { readonly profile?: string | undefined },
    secrets?: readonly string[],
  ): Recording {
    return this.#recording({ id, at }, () =>
      secrets ? Promise.resolve(new Redaction(secrets)) : this.#redactionFor({ folder, profile, env: {} }, process.env),
    );
  }

  #recording(
    { id, at }: Pick<RunRecord, 'id' | 'at'>,
    begin: (environment: Environment) => Promise<Redaction>,
  ): Recording {
    const { clock, keptBytes } = this.#options;
    const output = new BoundedOutput(keptBytes);
    let started: Promise<Redaction> | undefined;
    const start = (environment: Environment) => {
      started ??= begin(environment);
      return started;
    };
    return {
      at,
      inSandbox: () => void start(process.env),
      add: (chunk) => output.add(chunk),
      skip: (bytes) => output.skip(bytes),
      secrets: async () => (await start(process.env)).values,
      end: (result, synced, durationMs = clock.now() - at) => {
        // Without a sandbox, no variable of this computer was sent, nor need its permission have been given.
        const redaction = start({});
        void this.#enqueue(async () =>
          this.#end({ id, at, durationMs, result, synced, output, redaction: await redaction }),
        );
      },
    };
  }

  /** Returns the days with records, the latest first, such as `2026-12-01`. */
  async days(): Promise<string[]> {
    const names = await readdir(this.dir).catch(() => []);
    return names
      .flatMap((name) => DAY_FILE.exec(name)?.[1] ?? [])
      .sort()
      .reverse();
  }

  /** Returns the records of a day, the latest first. */
  async ofDay(day: string): Promise<RunRecord[]> {
    return parseRecords(await readFile(join(this.dir, `${day}.jsonl`), 'utf8').catch(() => ''));
  }

  /** Returns the record of a run; undefined if it was deleted. */
  async find({ id, at }: Pick<RunRecord, 'id' | 'at'>): Promise<RunRecord | undefined> {
    return (await this.ofDay(dayOf(at))).find((record) => record.id === id);
  }

  /** Returns the latest records that fit, the latest first. */
  async latest(count: number, fits: (record: RunRecord) => boolean): Promise<RunRecord[]> {
    const found: RunRecord[] = [];
    for (const day of await this.days()) {
      found.push(...(await this.ofDay(day)).filter(fits));
      if (found.length >= count) break;
    }
    return found.slice(0, count);
  }

  /** Returns what a run printed, or undefined if it isn't stored any more. */
  async output({ id, end }: RunRecord): Promise<StoredOutput | undefined> {
    if (!end) return undefined;
    const { bytes, headBytes, isCut } = end.output;
    if (bytes === 0) return { head: Buffer.alloc(0), tail: Buffer.alloc(0), missingBytes: 0 };
    const stored = await readFile(this.#outputFile(id)).catch(() => undefined);
    if (!stored) return undefined;
    const head = stored.subarray(0, headBytes);
    const tail = stored.subarray(headBytes);
    return { head, tail, missingBytes: isCut ? Math.max(0, bytes - stored.length) : 0 };
  }

  /** Deletes records with their outputs. */
  async delete(records: readonly RunRecord[]): Promise<void> {
    await this.#enqueue(async () => {
      for (const { id, at } of records) {
        await this.#append(at, entryOf.deleted(id));
        await rm(this.#outputFile(id), { force: true });
      }
    });
  }

  /** Resolves when all that was recorded so far is stored. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  /** Does one thing after the other, so that the lines of a run are in order. */
  #enqueue(work: () => Promise<void>): Promise<unknown> {
    this.#writing = this.#writing
      .then(work)
      .then(() => this.#changed.fire())
      .catch(reportUnsaved);
    return this.#writing;
  }

  /** Everything in an environment file is taken for secret; of other variables, only what looks like it. */
  async #redactionFor(
    { folder, profile: name, env }: Pick<RecordedRun, 'folder' | 'profile' | 'env'>,
    environment: Environment,
  ): Promise<Redaction> {
    const { profile, root } = this.#options;
    const known = await profile(folder, name).then(
      (named) => possibleSecrets(named.profile, root(folder), environment),
      () => undefined,
    );
    const others = [known?.others ?? {}, env].flatMap(secretValues);
    return new Redaction([...Object.values(known?.fromFile ?? {}), ...others]);
  }

  async #start(id: string, at: number, run: RecordedRun, redaction: Redaction): Promise<void> {
    const { windowId } = this.#options;
    const { folder, again } = run;
    const label = redaction.text(run.label);
    const command = redaction.text(commandLine(run)).slice(0, MAX_COMMAND_CHARS);
    const place = { name: folder.name, path: folder.path };
    // With redacted arguments, it would be another run.
    const canRepeat = again && JSON.stringify(again) === redaction.text(JSON.stringify(again));
    await this.#append(
      at,
      entryOf.started({ id, at, windowId, label, command, folder: place, ...(canRepeat && { again }) }),
    );
  }

  async #end({ id, at, durationMs, result, synced, output, redaction }: EndedRun): Promise<void> {
    const kept = output.read();
    const head = redaction.bytes(kept.head);
    if (output.bytes > 0) {
      await makePrivateFolder(join(this.dir, 'output'));
      const file = await open(this.#outputFile(id), 'w', 0o600);
      try {
        await file.writev([head, redaction.bytes(kept.tail)]);
      } finally {
        await file.close();
      }
    }
    const { outcome, exitCode, signal, error, profile, sandboxId, timings, costUsd, pricePerHourUsd } = {
      signal: undefined,
      ...result,
    };
    await this.#append(
      at,
      entryOf.ended({
        id,
        durationMs,
        outcome,
        exitCode,
        signal,
        error: error === undefined ? undefined : redaction.text(error),
        profile,
        sandboxId,
        timings,
        synced: synced && { files: synced.files, bytes: synced.bytes },
        costUsd,
        pricePerHourUsd,
        output: { bytes: output.bytes, headBytes: head.length, isCut: kept.tail.length > 0 },
      }),
    );
    if (this.#runs % RUNS_PER_CLEANUP === 0) await this.#cleanUp();
    this.#runs += 1;
  }

  async #append(at: number, entry: Entry): Promise<void> {
    await makePrivateFolder(this.dir);
    await appendFile(join(this.dir, `${dayOf(at)}.jsonl`), formatEntry(entry), { mode: 0o600 });
  }

  /** Removes what is too old, and the oldest outputs if they take too much space. */
  async #cleanUp(): Promise<void> {
    const { clock, maxOutputBytes = MAX_OUTPUT_BYTES } = this.#options;
    const firstDay = dayOf(clock.now() - RETENTION_MS);
    for (const day of await this.days()) if (day < firstDay) await rm(join(this.dir, `${day}.jsonl`), { force: true });
    const folder = join(this.dir, 'output');
    await makePrivateFolder(folder);
    const files = await Promise.all(
      (await readdir(folder)).map(async (name) => {
        const path = join(folder, name);
        const { size = 0, mtimeMs = 0 } = (await stat(path).catch(() => undefined)) ?? {};
        return { path, size, mtimeMs };
      }),
    );
    const total = files.reduce((sum, { size }) => sum + size, 0);
    let allowed = total > maxOutputBytes ? maxOutputBytes * KEPT_SHARE : total;
    for (const { path, size, mtimeMs } of files.sort((a, b) => b.mtimeMs - a.mtimeMs)) {
      allowed -= size;
      if (allowed < 0 || mtimeMs < clock.now() - RETENTION_MS) await rm(path, { force: true });
    }
  }

  #outputFile(id: string): string {
    return join(this.dir, 'output', id);
  }
}

/** Returns the local day of a time, such as `2026-12-01`. */
export function dayOf(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function commandLine({ programs, args, shellArgs }: RecordedRun): string {
  const [program] = programs;
  return [shellJoin([...(program?.argv ?? []), ...args]), shellArgs].filter(Boolean).join(' ');
}
