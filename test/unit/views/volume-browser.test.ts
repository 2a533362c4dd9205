import assert from 'node:assert/strict';
import type { VolumeEntry, VolumeSummary } from '../../../src/modal/volumes.ts';
import { PAGE_ROWS, VolumeBrowser } from '../../../src/views/volumes/volume-browser.ts';
import { Time } from '../../helpers/time.ts';

const volume: VolumeSummary = { id: 'vo-1', name: 'data', version: 2, createdAt: new Date(0) };
const entry = (name: string, type: VolumeEntry['type'] = 'file'): VolumeEntry => ({
  name,
  path: `/${name}`,
  type,
  bytes: 1,
  modifiedMs: 0,
});

describe('the folders of the Volumes view', () => {
  let time: Time;
  let looks: string[];
  let inFlight: number;
  let mostInFlight: number;
  let answer: VolumeEntry[];
  let browser: VolumeBrowser;
  beforeEach(() => {
    time = new Time();
    looks = [];
    inFlight = 0;
    mostInFlight = 0;
    answer = [];
    browser = new VolumeBrowser({
      clock: time,
      onChange: () => {},
      list: async (_, path) => {
        looks.push(path);
        mostInFlight = Math.max(mostInFlight, ++inFlight);
        await new Promise((resolve) => setImmediate(resolve));
        inFlight -= 1;
        return [...answer];
      },
    });
  });

  it('come with folders first, and names in the order people count', async () => {
    answer = [entry('b10'), entry('b2'), entry('z', 'directory')];
    const { entries } = await browser.open(volume, '/');
    assert.deepEqual(
      entries.map(({ name }) => name),
      ['z', 'b2', 'b10'],
    );
  });

  it('are looked at one at a time, however many are unfolded', async () => {
    await Promise.all(['/a', '/b', '/c'].map((path) => browser.open(volume, path)));
    browser.refresh();
    await browser.open(volume, '/d');
    assert.equal(mostInFlight, 1);
    assert.deepEqual(looks.slice(0, 3), ['/a', '/b', '/c']);
  });

  it('are looked at only while they are unfolded and visible', async () => {
    await browser.open(volume, '/a');
    await browser.open(volume, '/b');
    browser.setUnfolded(volume, '/b', false);
    await time.pass(15_000);
    await time.pass(0);
    assert.deepEqual(looks, ['/a', '/b', '/a']);
    browser.setVisible(false);
    await time.pass(100_000);
    assert.equal(looks.length, 3);
  });

  it('show what they had when they are unfolded again, and look', async () => {
    answer = [entry('old')];
    await browser.open(volume, '/');
    browser.setUnfolded(volume, '/', false);
    answer = [entry('new')];
    browser.setUnfolded(volume, '/', true);
    const { entries } = await browser.open(volume, '/');
    assert.equal(entries[0]?.name, 'old');
  });

  it('show a part of a long folder, and more of it when asked', async () => {
    answer = Array.from({ length: 20_000 }, (_, n) => entry(`f${n}`));
    const first = await browser.open(volume, '/');
    assert.deepEqual([first.entries.length, first.more], [PAGE_ROWS, 20_000 - PAGE_ROWS]);
    browser.showMore(volume, '/');
    const second = await browser.open(volume, '/');
    assert.deepEqual([second.entries.length, second.entries.at(-1)?.name], [2 * PAGE_ROWS, `f${2 * PAGE_ROWS - 1}`]);
    assert.equal(looks.length, 1);
  });

  it('forget those of volumes that are gone', async () => {
    await browser.open(volume, '/');
    browser.keep([]);
    await time.pass(100_000);
    assert.equal(looks.length, 1);
  });
});
