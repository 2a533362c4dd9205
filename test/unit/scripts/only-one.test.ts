import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onlyOne } from '../../../scripts/vscode/only-one.ts';

describe('onlyOne', () => {
  let folder: string;
  let lock: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lock-'));
    lock = join(folder, 'lock');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('waits until the other work has finished', async () => {
    const order: string[] = [];
    const work = (name: string) => async () => {
      order.push(`${name} starts`);
      // biome-ignore lint/plugin: This is the work itself, long enough for another process to interfere.
      await new Promise((resolve) => setTimeout(resolve, 50));
      order.push(`${name} ends`);
    };
    await Promise.all([onlyOne(lock, 5_000, work('a')), onlyOne(lock, 5_000, work('b'))]);
    assert.equal(order[1], order[0]?.replace('starts', 'ends'));
    assert.equal(order.length, 4);
  });

  it('removes its lock, also if the work fails', async () => {
    await assert.rejects(
      onlyOne(lock, 1_000, async () => {
        throw new Error('no network');
      }),
      /no network/,
    );
    assert.equal(existsSync(lock), false);
  });

  it('takes over the lock of a process that died', async () => {
    await mkdir(lock);
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(lock, longAgo, longAgo);
    assert.equal(await onlyOne(lock, 1_000, async () => 'done'), 'done');
  });

  it('times out with an error that names the process it waited for', async () => {
    await mkdir(lock);
    await assert.rejects(
      onlyOne(lock, 100, async () => 'done'),
      /Process unknown has held .*lock for more than 0\.1 s/,
    );
  });
});
