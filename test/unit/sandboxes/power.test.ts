import { strict as assert } from 'node:assert';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isOnBattery } from '../../../src/sandboxes/warm/power.ts';
import { skipUnless } from '../../helpers/skip.ts';

describe('isOnBattery on Linux', () => {
  let dir: string;
  before(function () {
    skipUnless(this, process.platform === 'linux', 'On macOS, the state comes from pmset and depends on the computer.');
  });
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'power-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  const supply = async (name: string, files: Record<string, string>) => {
    await mkdir(join(dir, name));
    for (const [file, text] of Object.entries(files)) await writeFile(join(dir, name, file), `${text}\n`);
  };

  it('is true while the battery discharges and no mains are connected', async () => {
    await supply('AC', { type: 'Mains', online: '0' });
    await supply('BAT0', { type: 'Battery', status: 'Discharging' });
    assert.equal(await isOnBattery(dir), true);
  });

  it('is false while mains are connected, whatever the battery does', async () => {
    await supply('AC', { type: 'Mains', online: '1' });
    await supply('BAT0', { type: 'Battery', status: 'Discharging' });
    assert.equal(await isOnBattery(dir), false);
  });

  it('is false while the battery charges, and ignores those of mice and keyboards', async () => {
    await supply('BAT0', { type: 'Battery', status: 'Charging' });
    await supply('hidpp_battery_0', { type: 'Battery', scope: 'Device', status: 'Discharging' });
    assert.equal(await isOnBattery(dir), false);
  });

  it('is false without a battery, and if nothing can be read', async () => {
    assert.equal(await isOnBattery(dir), false);
    assert.equal(await isOnBattery(join(dir, 'missing')), false);
  });
});
