import { strict as assert } from 'node:assert';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { MachineState } from '../../../src/sandboxes/machine-state.ts';

describe('MachineState', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'machine-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('knows which windows are running', async () => {
    const [a, b] = [new MachineState(dir, 'a'), new MachineState(dir, 'b')];
    await a.join();
    assert.equal(await b.isAlive('a'), true);
    assert.equal(await b.isAlive('never'), false);
    await a.leave();
    assert.equal(await b.isAlive('a'), false);
    await writeFile(join(dir, 'windows', 'dead.json'), JSON.stringify({ pid: 2 ** 22 + 1 }));
    assert.equal(await b.isAlive('dead'), false);
    await b.join();
    assert.deepEqual(await a.list('windows'), ['b.json'], 'a window that no longer runs is removed');
  });

  it('grants a lock to one window at a time, and takes it over from a process that no longer runs', async () => {
    const [a, b] = [new MachineState(dir, 'a'), new MachineState(dir, 'b')];
    const release = await a.lock('refresh', 60_000);
    assert.ok(release);
    assert.equal(await b.lock('refresh', 60_000), undefined);
    await release();
    const again = await b.lock('refresh', 60_000);
    assert.ok(again);
    await again();
    await writeFile(join(dir, 'refresh.lock'), JSON.stringify({ pid: 2 ** 22 + 1 }));
    assert.ok(await a.lock('refresh', 60_000));
  });

  it('grants a stale lock to only one of many windows, each of which releases only its own', async () => {
    const windows = Array.from({ length: 20 }, (_, index) => new MachineState(dir, `w${index}`));
    await writeFile(join(dir, 'refresh.lock'), JSON.stringify({ pid: 2 ** 22 + 1 }));
    const got = (await Promise.all(windows.map((each) => each.lock('refresh', 60_000)))).filter((each) => each);
    assert.equal(got.length, 1);
    await writeFile(join(dir, 'refresh.lock'), JSON.stringify({ pid: process.pid }));
    await got[0]?.();
    assert.equal(await windows[0]?.lock('refresh', 60_000), undefined, 'the lock of another window still exists');
  });

  it('goes on in memory when nothing can be written, and grants no lock then', async () => {
    await writeFile(join(dir, 'file'), '');
    // A folder can't be created below a file, not even by root.
    const state = new MachineState(join(dir, 'file', 'machine'));
    await state.join();
    assert.equal(await state.write('spend/a.json', { usd: 1 }), false);
    assert.deepEqual(await state.read('spend/a.json', z.object({ usd: z.number() })), { usd: 1 });
    await state.remove('spend/a.json');
    assert.equal(await state.read('spend/a.json', z.object({ usd: z.number() })), undefined);
    assert.equal(await state.lock('refresh', 60_000), undefined);
    await state.leave();
  });
});
