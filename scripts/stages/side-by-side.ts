import { statSync } from 'node:fs';
import { ONE_FAILED, sum, type TestCounts } from '../counts.ts';
import { sentence } from '../say.ts';

/** As many as the smallest machine that this is run on has cores; much of what tests do is waiting. */
const AT_ONCE = 2;

/** Tests that need no others; gets where to write what they say. */
export type TestJob = (write: (text: string | Uint8Array) => void) => Promise<TestCounts>;

/**
 * Runs jobs two at a time. Their words come whole and in the jobs' order, those of the first unfinished one as it speaks. A
 * job that throws counts as one failure.
 */
export async function sideBySide(jobs: readonly TestJob[]): Promise<TestCounts> {
  const held = jobs.map((): (string | Uint8Array)[] => []);
  const hasEnded = jobs.map(() => false);
  let shown = 0;
  const write = (job: number, text: string | Uint8Array) => {
    if (job <= shown) process.stdout.write(text);
    else held[job]?.push(text);
  };
  const run = async (job: TestJob, at: number): Promise<TestCounts> => {
    const counts = await job((text) => write(at, text)).catch((error: unknown) => {
      write(at, `  ✘ ${sentence(error)}\n`);
      return ONE_FAILED;
    });
    hasEnded[at] = true;
    while (hasEnded[shown]) {
      shown += 1;
      for (const text of held[shown]?.splice(0) ?? []) process.stdout.write(text);
    }
    return counts;
  };
  const waiting = jobs.entries();
  const worker = async (): Promise<TestCounts> => {
    const counts: TestCounts[] = [];
    for (const [at, job] of waiting) counts.push(await run(job, at));
    return sum(counts);
  };
  return sum(await Promise.all(Array.from({ length: AT_ONCE }, worker)));
}

/** Groups of test files by what a path belongs to, the longest text first: so no long one is left for the end, alone. */
export function groupsOf(files: readonly string[], belongsTo: (path: string) => string): [string, string[]][] {
  const size = (paths: string[]) => paths.reduce((total, path) => total + statSync(path).size, 0);
  return [...Map.groupBy(files, belongsTo)].sort(([, a], [, b]) => size(b) - size(a));
}
