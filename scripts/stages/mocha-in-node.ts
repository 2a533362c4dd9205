import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestCounts } from '../counts.ts';
import { projectFolder } from '../paths.ts';
import { startProcess } from '../processes.ts';

/** How long its last words may take to come after the end of a process. */
const OUTPUT_GRACE_MS = 2_000;

export interface MochaInNode {
  readonly files: readonly string[];
  readonly testTimeoutMs: number;
  readonly timeoutMs: number;
  readonly grep: string | undefined;
  readonly env?: NodeJS.ProcessEnv;
  /** Takes what the process says. */
  readonly write: (bytes: Buffer) => void;
}

/** Runs test files in a Node process of their own. Throws when that ends without having counted, or takes too long. */
export async function mochaInNode(options: MochaInNode): Promise<TestCounts> {
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
  const silent = once(running.child, 'close');
  silent.catch(() => {});
  let counts: TestCounts | undefined;
  running.child.on('message', (message) => {
    counts = message as TestCounts;
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `The tests did not end within ${options.timeoutMs / 1000} s.`;
    timer = setTimeout(() => reject(new Error(message)), options.timeoutMs);
  });
  try {
    const exitCode = await Promise.race([running.ended, late]);
    if (!counts) throw new Error(`The process of the tests ended with ${exitCode} before it had counted them.`);
    return counts;
  } finally {
    clearTimeout(timer);
    await running.stop();
    await Promise.race([silent, sleep(OUTPUT_GRACE_MS)]);
  }
}
