import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pipes } from '../../../local/execs/pipes.ts';
import { waitFor } from '../../helpers/wait-for.ts';

describe('The pipes of commands on Local Modal', () => {
  it("are there at once, except for the first ones, so that a command needn't wait for another process", async function () {
    if (process.platform !== 'linux') this.skip(); // Nothing tells about child processes.
    const folder = mkdtempSync(join(tmpdir(), 'pipes-'));
    const pipes = new Pipes(folder);
    const children = async () => readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8');
    const take = async () => {
      for (const { ours, theirs } of await Promise.all([pipes.fromUs(), pipes.toUs(), pipes.toUs()]))
        for (const fd of [ours, theirs]) closeSync(fd);
      return 'at once';
    };
    await take();
    for (let command = 2; command <= 60; command += 1) {
      await waitFor('no process', 10_000, children, (ids) => ids === '');
      const later = new Promise((resolve) => setImmediate(resolve, 'later'));
      assert.equal(await Promise.race([take(), later]), 'at once', `${command}`);
    }
    rmSync(folder, { recursive: true });
  });
});
