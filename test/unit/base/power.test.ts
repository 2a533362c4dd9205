import { strict as assert } from 'node:assert';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isOnBattery } from '../../../src/sandboxes/warm/power.ts';
import { skipUnless } from '../../helpers/skip.ts';

describe('the power of this machine, as Linux tells it', () => {
  let dir: string;
  before(function () {
    skipUnless(this, process.platform === 'linux', 'macOS is asked through pmset, whose answer is this machine’s own.');
  });
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'power-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  const supply = async (name: string, files: Record<string, string>) => {
    await mkdir(join(dir, name));
    for (const [file, text] of Object.entries(files)) await writeFile(join(dir, name, file), `${text}\n`);
  };

  it('comes from the battery while that discharges and no mains are there', async () => {
    await supply('AC', { type: 'Mains', online: '0' });
    await supply('BAT0', { type: 'Battery', status: 'Discharging' });
    assert.equal(await isOnBattery(dir), true);
  });

  it('comes from the mains while they are there, whatever the battery does', async () => {
    await supply('AC', { type: 'Mains', online: '1' });
    await supply('BAT0', { type: 'Battery', status: 'Discharging' });
    assert.equal(await isOnBattery(dir), false);
  });

  it('is not the battery’s while that charges, or is one of a mouse or keyboard alone', async () => {
    await supply('BAT0', { type: 'Battery', status: 'Charging' });
    await supply('hidpp_battery_0', { type: 'Battery', scope: 'Device', status: 'Discharging' });
    assert.equal(await isOnBattery(dir), false);
  });

  it('is not the battery’s on a machine without one, and where nothing can be read', async () => {
    assert.equal(await isOnBattery(dir), false);
    assert.equal(await isOnBattery(join(dir, 'missing')), false);
  });
});
