/** The program of the sync thread on a drive whose calls take long, or don't answer. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** Each call takes so long. */
const LATENCY_MS = 4;
const never = new Int32Array(new SharedArrayBuffer(4));
const sleep = (ms: number) => Atomics.wait(never, 0, 0, ms);
const { existsSync } = fs;

/** A call for a path below `hung` answers once the drive is `connected` again. */
function answer(path: unknown): void {
  sleep(LATENCY_MS);
  const [, root] = /^(.*)\/hung(?:\/|$)/.exec(String(path)) ?? [];
  while (root !== undefined && !existsSync(`${root}/../connected`)) sleep(20);
}

for (const name of ['readdirSync', 'lstatSync', 'openSync'] as const) {
  const call = fs[name] as (...args: unknown[]) => unknown;
  const slow = (...args: unknown[]) => {
    answer(args[0]);
    return call(...args);
  };
  Object.assign(fs, { [name]: slow });
}
syncBuiltinESMExports();
await import('../../../src/sync/worker/worker.ts');
