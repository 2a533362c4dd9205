import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../../../scripts/paths.ts';
import { runProcess, startProcess } from '../../../scripts/processes.ts';
import { skipUnless } from '../../helpers/skip.ts';
import { waitFor } from '../../helpers/wait-for.ts';

describe('startProcess and runProcess', () => {
  before(function () {
    skipUnless(this, process.platform !== 'win32', 'Windows has no process groups and no sh.');
  });

  /** A dead process may stay in the process table for a while, as a zombie. */
  const isAlive = (pid: number) => {
    try {
      if (process.platform === 'linux') return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };

  it('stops a process together with its children', async () => {
    const { child, stop } = startProcess('sh', ['-c', 'sleep 1000 & echo $!; wait'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer];
    const grandchild = Number(line.toString());
    assert.ok(isAlive(grandchild));
    await stop();
    await waitFor(
      'the grandchild to end',
      10_000,
      async () => isAlive(grandchild),
      (alive) => !alive,
    );
  });

  it('kills a process that ignores SIGTERM', async () => {
    const { child, stop, ended } = startProcess('sh', ['-c', `trap '' TERM; echo ready; while :; do sleep 1; done`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(child.stdout ?? child, 'data');
    await stop();
    assert.equal(await ended, 128);
  });

  it('stops a process that times out, with its output in the error', async () => {
    await assert.rejects(
      runProcess('sh', ['-c', 'echo so far; sleep 1000'], { timeoutMs: 200 }),
      /took longer than 0\.2 s\.\nso far/,
    );
  });

  it("names a program that doesn't exist in the error", async () => {
    await assert.rejects(runProcess('no-such-program', [], { timeoutMs: 1_000 }), /Could not start no-such-program/);
  });

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    it(`stops child processes when the parent gets ${signal}`, async () => {
      const module = JSON.stringify(join(projectFolder, 'scripts', 'processes.ts'));
      const script = `import { startProcess } from ${module}; console.log(startProcess('sleep', ['1000']).child.pid);`;
      const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(line.toString());
      assert.ok(isAlive(pid));
      parent.kill(signal);
      const [code] = (await once(parent, 'exit')) as [number];
      assert.ok(code > 128);
      await waitFor(
        'the child to end',
        10_000,
        async () => isAlive(pid),
        (alive) => !alive,
      );
    });
  }
});
