import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { localRuns } from './local-runs.ts';

describe('Pulling outputs after a run on Local Modal', () => {
  const runs = localRuns();
  const read = (path: string) => readFile(join(runs.folder.path, path), 'utf8');

  it('pulls exactly the files that the run names, even if the program fails', async () => {
    const script = 'mkdir -p out/deep; echo 1 > out/a.txt; echo 2 > out/deep/b.txt; echo 3 > c.txt; exit 4';
    const { run, text } = await runs.start(script, { pull: ['out/**'] });
    assert.deepEqual([(await run.done).exitCode, (await run.done).error], [4, undefined]);
    assert.match(text.status, /Pulled 2 files\.\n$/);
    assert.deepEqual([await read('out/a.txt'), await read('out/deep/b.txt')], ['1\n', '2\n']);
    assert.deepEqual((await readdir(runs.folder.path)).sort(), ['a.sh', 'out']);
  });

  it('pulls after all of a long output, and what was written at its end', async () => {
    const script = 'mkdir out; yes | head -c 4000000; echo late > out/a.txt';
    const { run, text } = await runs.start(script, { pull: ['out/*'], pty: false });
    assert.equal((await run.done).exitCode, 0);
    assert.equal(text.output.length, 4_000_000);
    assert.match(text.status, /Pulled 1 file\.\n$/);
    assert.equal(await read('out/a.txt'), 'late\n');
  });

  it('never overwrites a local change', async () => {
    await mkdir(join(runs.folder.path, 'out'));
    await writeFile(join(runs.folder.path, 'out/a.txt'), 'before');
    const script = 'echo ready; read -r _; echo there > out/a.txt';
    const { run, text, shows } = await runs.start(script, { pull: ['out/**'] });
    await shows('ready');
    await writeFile(join(runs.folder.path, 'out/a.txt'), 'changed here');
    run.write('\r');
    assert.equal((await run.done).exitCode, 0);
    assert.equal(await read('out/a.txt'), 'changed here');
    const [copy] = (await readdir(join(runs.folder.path, 'out'))).filter((name) => name !== 'a.txt');
    assert.equal(await read(`out/${copy}`), 'there\n');
    assert.match(text.status, /1 changed on both sides \(the sandbox's version was saved as out\//);
  });

  it("fails the run if its outputs can't be pulled", async () => {
    const { run, shows } = await runs.start('echo ready; read -r _', { pull: ['out/**'] });
    await shows('ready');
    await runs.server.control.addFault({ method: 'TaskExecStart', code: 9, message: 'no more commands' });
    run.write('\r');
    const { error, exitCode } = await run.done;
    assert.equal(exitCode, 0);
    assert.match(error ?? '', /^The program finished, but its outputs couldn't be pulled\. .*no more commands/);
    await runs.server.control.clearFaults();
  });

  it('pulls nothing if the run is canceled', async () => {
    const { run, shows } = await runs.start('mkdir out; echo 1 > out/a; echo ready; sleep 1000', {
      pull: ['out/**'],
    });
    await shows('ready');
    run.cancel();
    await run.done;
    assert.deepEqual(await readdir(runs.folder.path), ['a.sh']);
  });
});
