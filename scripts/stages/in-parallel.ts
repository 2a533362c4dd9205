import { statSync } from 'node:fs';
import { eachLimited } from '../../src/base/each-limited.ts';
import { sum, type TestResults } from '../results.ts';
import { messageOf } from '../say.ts';

/** Three jobs keep the two cores of the smallest computer busy, because each often waits for timers, windows, and processes. */
const MAX_PARALLEL = 3;

/** Tests that can run independently. Receives a function that writes their output. */
export type TestJob = (write: (text: string | Uint8Array) => void) => Promise<TestResults>;

/**
 * Runs jobs in parallel. Their output isn't mixed: it is printed in the order of the jobs, and that of the first unfinished
 * one as it arrives. A job that throws counts as one failure.
 */
export async function inParallel(jobs: readonly TestJob[]): Promise<TestResults> {
  const held = jobs.map((): (string | Uint8Array)[] => []);
  const hasEnded = jobs.map(() => false);
  let shown = 0;
  const write = (job: number, text: string | Uint8Array) => {
    if (job <= shown) process.stdout.write(text);
    else held[job]?.push(text);
  };
  const results: TestResults[] = [];
  await eachLimited(jobs, MAX_PARALLEL, async (job, at) => {
    const result = await job((text) => write(at, text)).catch((error: unknown) => {
      write(at, `  ✘ ${messageOf(error)}\n`);
      return { passed: 0, failures: [messageOf(error)] };
    });
    hasEnded[at] = true;
    while (hasEnded[shown]) {
      shown += 1;
      for (const text of held[shown]?.splice(0) ?? []) process.stdout.write(text);
    }
    results.push(result);
  });
  return sum(results);
}

/** A job that only prints. */
export function said(text: string, failures: readonly string[] = []): TestJob {
  return async (write) => {
    write(text);
    return { passed: 0, failures };
  };
}

/** Groups test files by a key. The largest group is first, so that no long job is left to run alone at the end. */
export function groupsOf(files: readonly string[], keyOf: (path: string) => string): [string, string[]][] {
  const size = (paths: string[]) => paths.reduce((total, path) => total + statSync(path).size, 0);
  return [...Map.groupBy(files, keyOf)].sort(([, a], [, b]) => size(b) - size(a));
}
