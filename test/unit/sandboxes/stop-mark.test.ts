import { strict as assert } from 'node:assert';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MachineState } from '../../../src/sandboxes/machine-state.ts';
import { StopMark } from '../../../src/sandboxes/warm/stop-mark.ts';

describe('StopMark', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'stops-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));
  const open = (folder = dir) => new StopMark(new MachineState(folder));

  it('stops all windows that are open, each until its next run, whatever the clock says', async () => {
    const [one, other] = [open(), open()];
    assert.equal(await one.isStopped(), false);
    await one.stop();
    assert.deepEqual([await one.isStopped(), await other.isStopped()], [true, true]);
    assert.equal(await open().isStopped(), false, 'a new window starts afresh');
    other.resume();
    assert.deepEqual([await one.isStopped(), await other.isStopped()], [true, false]);
    await one.stop();
    assert.equal(await other.isStopped(), true);
  });

  it("stops this window even if the mark can't be written", async () => {
    const file = join(dir, 'a-file');
    await writeFile(file, '');
    const mark = open(join(file, 'below'));
    await mark.stop();
    assert.equal(await mark.isStopped(), true);
    mark.resume();
    assert.equal(await mark.isStopped(), false);
  });
});
