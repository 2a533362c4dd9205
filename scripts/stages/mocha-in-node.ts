import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectFolder } from '../paths.ts';
import { startProcess } from '../processes.ts';
import type { TestResults } from '../results.ts';

/** The time to wait for remaining output after the process has exited. */
const OUTPUT_GRACE_MS = 2_000;

export interface MochaInNode {
  readonly files: readonly string[];
  readonly testTimeoutMs: number;
  readonly timeoutMs: number;
  readonly grep: string | undefined;
  readonly env?: NodeJS.ProcessEnv;
  /** Receives the output of the process. */
  readonly write: (bytes: Buffer) => void;
}

/** Runs test files in a separate Node process. Throws if it exits without reporting results, or times out. */
export async function mochaInNode(options: MochaInNode): Promise<TestResults> {
  const running = startProcess(
    process.execPath,
    [
      join(projectFolder, 'scripts', 'mocha', 'main.ts'),
      `--timeout-ms=${options.testTimeoutMs}`,
      ...(process.stdout.isTTY ? ['--color'] : []),
      ...(options.grep ? [`--grep=${options.grep}`] : []),
      ...options.files,
    ],
    {
      cwd: projectFolder,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      stopGraceMs: 12_000,
      env: { ...process.env, ...options.env },
    },
  );
  for (const stream of [running.child.stdout, running.child.stderr]) stream?.on('data', options.write);
  const closed = once(running.child, 'close');
  closed.catch(() => {});
  let results: TestResults | undefined;
  running.child.on('message', (message) => {
    results = message as TestResults;
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `The tests didn't finish within ${options.timeoutMs / 1000} s.`;
    timer = setTimeout(() => reject(new Error(message)), options.timeoutMs);
  });
  try {
    const exitCode = await Promise.race([running.ended, late]);
    if (!results) throw new Error(`The test process exited with code ${exitCode} before it reported its results.`);
    return results;
  } finally {
    clearTimeout(timer);
    await running.stop();
    await Promise.race([closed, sleep(OUTPUT_GRACE_MS)]);
  }
}
