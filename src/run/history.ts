import { z } from 'zod';
import { formatDuration } from '../base/text.ts';
import { reportUnsaved } from '../base/unsaved.ts';
import type { RunResult } from './result.ts';
import { strings } from './strings.ts';
import { describeEnd } from './summary.ts';
import type { Target } from './targets/target.ts';

const MAX_RUNS = 50;

const PastRunSchema = z.object({
  label: z.string(),
  /** The start, in milliseconds since 1970. */
  at: z.number(),
  durationMs: z.number(),
  exitCode: z.number().optional(),
  /** Why the program didn't exit, as a message. */
  error: z.string().optional(),
  /** The profile of the sandbox that it ran in. */
  profile: z.string().optional(),
  /** The file that was run. */
  uri: z.string(),
  /** The part of the file that was run, if not all of it. */
  target: z.custom<Target>((value) => typeof value === 'object' && value !== null && 'kind' in value).optional(),
  args: z.string().optional(),
});

/** An earlier run, with everything needed to repeat it. */
export type PastRun = z.infer<typeof PastRunSchema>;

/** The parameters that a run was started with. */
export type RunStart = Pick<PastRun, 'uri' | 'target' | 'args'>;

/** Persistent values by key; VS Code's workspace state. */
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

  /** The stored runs, without entries that aren't valid. */
  get runs(): PastRun[] {
    const stored = z.array(z.unknown()).safeParse(this.#storage.get(KEY)).data ?? [];
    return stored.flatMap((each) => PastRunSchema.safeParse(each).data ?? []);
  }

  /** Returns the arguments that a file was last run with; `''` if there were none. */
  argsOf(uri: string): string {
    return this.runs.find((run) => run.uri === uri && run.args !== undefined)?.args ?? '';
  }

  async add(label: string, start: RunStart, at: number, result: RunResult): Promise<void> {
    const { outcome, exitCode, profile } = result;
    const error = outcome === 'exited' ? undefined : describeEnd(result);
    const run = { label, at, durationMs: Date.now() - at, exitCode, error, profile, ...start };
    await Promise.resolve(this.#storage.update(KEY, [run, ...this.runs].slice(0, MAX_RUNS))).catch(reportUnsaved);
  }
}

/** Describes how an earlier run ended, for a list. */
export function describePastRun({ exitCode, error, durationMs, profile }: PastRun): string {
  const end = error ?? (exitCode === undefined ? undefined : strings.exitCode(exitCode));
  return [end, formatDuration(durationMs), profile].filter(Boolean).join(' · ');
}
