import { z } from 'zod';
import { formatDuration } from '../base/text.ts';
import type { RunResult } from './result.ts';
import { describeEnd } from './summary.ts';
import type { Target } from './targets/target.ts';

const MAX_RUNS = 50;

const PastRunSchema = z.object({
  label: z.string(),
  /** Start, in milliseconds since 1970. */
  at: z.number(),
  durationMs: z.number(),
  exitCode: z.number().optional(),
  error: z.string().optional(),
  /** The profile whose sandbox it ran in. */
  profile: z.string().optional(),
  /** What was run: the file's URI, with the part of it and the arguments, where there were any. */
  uri: z.string(),
  target: z.custom<Target>((value) => typeof value === 'object' && value !== null && 'kind' in value).optional(),
  args: z.string().optional(),
});

/** One run of the past, with everything that is needed to do it again. */
export type PastRun = z.infer<typeof PastRunSchema>;

/** What a run was started with. */
export type RunStart = Pick<PastRun, 'uri' | 'target' | 'args'>;

/** A place that keeps values; VS Code's workspace state. */
export interface Storage {
  get(key: string): unknown;
  update(key: string, value: unknown): Thenable<void>;
}

const KEY = 'runs';

/** The last runs of a workspace, newest first. */
export class RunHistory {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** What is stored and cannot be read is left out. */
  get runs(): PastRun[] {
    const stored = z.array(z.unknown()).safeParse(this.#storage.get(KEY)).data ?? [];
    return stored.flatMap((each) => PastRunSchema.safeParse(each).data ?? []);
  }

  /** The arguments that a file was last run with; `''` when there were none. */
  argsOf(uri: string): string {
    return this.runs.find((run) => run.uri === uri && run.args !== undefined)?.args ?? '';
  }

  async add(label: string, start: RunStart, at: number, result: RunResult): Promise<void> {
    const { outcome, exitCode, profile } = result;
    const error = outcome === 'exited' ? undefined : describeEnd(result);
    const run = { label, at, durationMs: Date.now() - at, exitCode, error, profile, ...start };
    await this.#storage.update(KEY, [run, ...this.runs].slice(0, MAX_RUNS));
  }
}

/** How a past run ended, for a list. */
export function outcomeOf({ exitCode, error, durationMs, profile }: PastRun): string {
  return [error ?? `exit code ${exitCode}`, formatDuration(durationMs), profile].filter(Boolean).join(' · ');
}
