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

describe('VolumeBrowser', () => {
  let time: Time;
  let requests: string[];
  let inFlight: number;
  let maxInFlight: number;
  let answer: VolumeEntry[];
  let browser: VolumeBrowser;
  beforeEach(() => {
    time = new Time();
    requests = [];
    inFlight = 0;
    maxInFlight = 0;
    answer = [];
    browser = new VolumeBrowser({
      clock: time,
      onChange: () => {},
      list: async (_, path) => {
        requests.push(path);
        maxInFlight = Math.max(maxInFlight, ++inFlight);
        await new Promise((resolve) => setImmediate(resolve));
        inFlight -= 1;
        return [...answer];
      },
    });
  });

  it('lists folders first, and sorts names with numbers in numeric order', async () => {
    answer = [entry('b10'), entry('b2'), entry('z', 'directory')];
    const { entries } = await browser.open(volume, '/');
    assert.deepEqual(
      entries.map(({ name }) => name),
      ['z', 'b2', 'b10'],
    );
  });

  it('makes one request at a time, however many folders are expanded', async () => {
    await Promise.all(['/a', '/b', '/c'].map((path) => browser.open(volume, path)));
    browser.refresh();
    await browser.open(volume, '/d');
    assert.equal(maxInFlight, 1);
    assert.deepEqual(requests.slice(0, 3), ['/a', '/b', '/c']);
  });

  it('polls a folder only while it is expanded and visible', async () => {
    await browser.open(volume, '/a');
    await browser.open(volume, '/b');
    browser.setExpanded(volume, '/b', false);
    await time.pass(15_000);
    await time.pass(0);
    assert.deepEqual(requests, ['/a', '/b', '/a']);
    browser.setVisible(false);
    await time.pass(100_000);
    assert.equal(requests.length, 3);
  });

  it('shows the previous entries of a folder that is expanded again, and refreshes them', async () => {
    answer = [entry('old')];
    await browser.open(volume, '/');
    browser.setExpanded(volume, '/', false);
    answer = [entry('new')];
    browser.setExpanded(volume, '/', true);
    const { entries } = await browser.open(volume, '/');
    assert.equal(entries[0]?.name, 'old');
  });

  it('shows a long folder page by page', async () => {
    answer = Array.from({ length: 20_000 }, (_, n) => entry(`f${n}`));
    const first = await browser.open(volume, '/');
    assert.deepEqual([first.entries.length, first.more], [PAGE_ROWS, 20_000 - PAGE_ROWS]);
    browser.showMore(volume, '/');
    const second = await browser.open(volume, '/');
    assert.deepEqual([second.entries.length, second.entries.at(-1)?.name], [2 * PAGE_ROWS, `f${2 * PAGE_ROWS - 1}`]);
    assert.equal(requests.length, 1);
  });

  it('forgets the folders of deleted volumes', async () => {
    await browser.open(volume, '/');
    browser.keep([]);
    await time.pass(100_000);
    assert.equal(requests.length, 1);
  });
});
