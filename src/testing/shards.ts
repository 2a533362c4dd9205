import type { Sandbox } from 'modal';
import { HOUR_MS } from '../base/clock.ts';
import { UserError } from '../base/errors.ts';
import { logError } from '../base/log.ts';
import { deleteImage } from '../modal/snapshots.ts';
import { endOfRun } from '../run/end-of-run.ts';
import type { RunRequest } from '../run/request.ts';
import { Run } from '../run/run.ts';
import type { RunServices } from '../run/services.ts';
import { takeOrDiscard } from '../snapshots/take.ts';
import type { TestFramework, TestOptions } from './framework.ts';
import { runTests, type TestRunEnd, type TestRunOptions } from './run-tests.ts';
import { strings } from './strings.ts';
import { keyText, type TestKey } from './test-key.ts';

/** A test of unknown duration counts as long as this if no other's is known. */
const UNKNOWN_MS = 100;
/** Of each sandbox's output, the end is shown. */
const MAX_OUTPUT_CHARS = 1_000_000;

/**
 * Splits tests into groups that take about the same time, by their last durations in milliseconds: the longest first, each into the
 * group that is done first. Those of unknown duration count as the median of the others. No group is empty.
 */
export function splitTests(
  tests: readonly TestKey[],
  count: number,
  durationOf: (key: TestKey) => number | undefined,
): TestKey[][] {
  const durations = tests.map(durationOf).filter((each) => each !== undefined);
  const median = durations.sort((one, other) => one - other)[Math.floor(durations.length / 2)] ?? UNKNOWN_MS;
  // Of many that take no time, none has all.
  const all = tests.map((key) => ({ key, ms: Math.max(durationOf(key) ?? median, 1) }));
  const groups = Array.from({ length: Math.min(count, tests.length) }, () => ({ keys: [] as TestKey[], ms: 0 }));
  for (const { key, ms } of all.sort((one, other) => other.ms - one.ms)) {
    const shortest = groups.reduce((one, other) => (other.ms < one.ms ? other : one));
    shortest.keys.push(key);
    shortest.ms += ms;
  }
  return groups.map(({ keys }) => keys);
}

/** The last durations of tests, in milliseconds. */
export class TestDurations {
  readonly #known = new Map<string, number>();

  note(key: TestKey, ms: number): void {
    this.#known.set(keyText(key), ms);
  }

  of(key: TestKey): number | undefined {
    return this.#known.get(keyText(key));
  }
}

export interface ShardOptions extends Omit<TestRunOptions, 'request' | 'isOfEvents' | 'canceledReason'> {
  readonly framework: TestFramework;
  /** The run of the framework's program without arguments. */
  readonly program: RunRequest;
  readonly tests: TestOptions;
  /** The tests of each sandbox. */
  readonly groups: readonly (readonly TestKey[])[];
}

/**
 * Runs groups of tests at the same time, each in a sandbox of its own. All start from one snapshot of the folder's synced sandbox,
 * and are gone afterwards. Throws `UserError`, the SDK's errors, and the signal's reason if they can't be started.
 */
export async function runShards({ program, tests, groups, ...options }: ShardOptions): Promise<TestRunEnd[]> {
  const { services, signal, onStatus } = options;
  await syncOnly(program, services, options);
  const { sessions } = services;
  const { folder } = program;
  const { sandbox, profile } = await sessions.acquire(folder, program.profile, signal);
  const named = await sessions.profile(folder, profile);
  const { client } = await sessions.connection();
  const startedAt = performance.now();
  const imageId = await takeOrDiscard(client, sandbox, { ttlMs: HOUR_MS, signal });
  const sandboxes: Sandbox[] = [];
  try {
    const start = async () => {
      sandboxes.push(await sessions.create(named, { folder, snapshot: { imageId }, signal }));
    };
    const [first, ...others] = groups;
    // A budget that is used up is asked about once.
    if (first) await start();
    const starting = await Promise.allSettled(others.map(start));
    for (const each of starting) if (each.status === 'rejected') throw each.reason;
    onStatus(strings.shardsStarted(groups.length, Math.round((performance.now() - startedAt) / 100) / 10));
    return await Promise.all(
      sandboxes.map(async ({ sandboxId }, at) => {
        let output = '';
        const request = options.framework.request(
          { ...program, sync: false, pull: [], sandboxId },
          { ...tests, select: groups[at] ?? [] },
        );
        const onOutput = (text: string) => (output = (output + text).slice(-MAX_OUTPUT_CHARS));
        const end = await runTests({ ...options, request, onOutput });
        onStatus(strings.shard(at + 1, sandboxes.length, groups[at]?.length ?? 0));
        options.onOutput(output);
        return end;
      }),
    );
  } finally {
    await Promise.all(sandboxes.map((each) => sessions.letGo(each)));
    await deleteImage(client, imageId).catch(logError);
  }
}

/** Syncs a folder to its sandbox. Throws `UserError` if that fails. */
async function syncOnly(
  program: RunRequest,
  services: RunServices,
  { signal, onStatus, onProgress }: Pick<TestRunOptions, 'signal' | 'onStatus' | 'onProgress'>,
): Promise<void> {
  const none = () => {};
  const request = {
    ...program,
    programs: [{ argv: ['true'] }] as const,
    args: [],
    pty: false,
    pull: [],
    record: 'none',
  } as const;
  const run = new Run(request, services, {
    isUnpaced: true,
    status: onStatus,
    progress: onProgress ?? none,
    stdout: none,
    stderr: none,
  });
  const result = await endOfRun(run, signal);
  signal?.throwIfAborted();
  if (result.outcome === 'failed') throw new UserError(result.error, { actions: result.actions ?? [] });
}
