import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Sandbox } from 'modal';
import type { SyncEngine } from '../../../src/sync/engine.ts';
import { LiveSync } from '../../../src/sync/live.ts';
import { inSandbox, localTree, remoteTree, withEach } from './sandboxes.ts';
import { writeTree } from './temporary.ts';

describe('Live sync', () => {
  let sandbox: Sandbox;
  let root: string;
  let engine: SyncEngine;

  withEach((setup) => {
    ({ sandbox, root, engine } = setup);
  });

  it('makes one push of a burst, and one of what comes while it is under way', async () => {
    const pushes: (readonly string[] | undefined)[] = [];
    const live = new LiveSync({
      push: async (paths) => {
        pushes.push(paths);
        await pause(60);
      },
      quietMs: 20,
    });
    for (let at = 0; at < 200; at += 1) live.changed(`f${at}`);
    while (pushes.length === 0) await pause(5);
    for (let at = 0; at < 200; at += 1) live.changed(`f${at}`);
    await live.flush();
    assert.deepEqual(
      pushes.map((paths) => paths?.length),
      [200, 200],
    );
    live.dispose();
  });

  it('looks at everything after a flood, a lost event or a changed rule', async () => {
    const pushes: (readonly string[] | undefined)[] = [];
    const live = new LiveSync({ push: async (paths) => void pushes.push(paths) });
    for (let at = 0; at < 3000; at += 1) live.changed(`f${at}`);
    await live.flush();
    live.changed('sub/.gitignore');
    await live.flush();
    live.lost();
    await live.flush();
    assert.deepEqual(pushes, [undefined, undefined, undefined]);
    live.dispose();
  });

  it('carries edits, new folders, deletions and renames by the paths that events name', async () => {
    writeTree(root, { 'a.txt': 'a', 'b/c.txt': 'c', 'b/d/e.txt': 'e', 'x/y/z': 'z' });
    await engine.push(sandbox);
    const live = new LiveSync({ push: async (paths) => void (await engine.push(sandbox, { paths })) });
    writeTree(root, { 'a.txt': 'changed', 'new/deep/f.txt': 'f', 'b/g.txt': 'g' });
    rmSync(join(root, 'b/d'), { recursive: true });
    rmSync(join(root, 'x/y/z'));
    for (const path of ['a.txt', 'new', 'b/g.txt', 'b/d', 'x/y/z']) live.changed(path);
    await live.flush();
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
    writeTree(root, { 'x/y/again': '1' });
    rmSync(join(root, 'new'), { recursive: true });
    for (const path of ['x/y/again', 'new/deep/f.txt', 'new/deep', 'new']) live.changed(path);
    await live.flush();
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
    live.dispose();
  });

  it('holds back files that are larger than was asked for, until a push that is not limited', async () => {
    writeTree(root, { a: 'a', 'big.bin': 'small' });
    await engine.push(sandbox);
    writeTree(root, { a: 'b', 'big.bin': Buffer.alloc(60_000_000) });
    const { files, heldBack } = await engine.push(sandbox, { paths: ['a', 'big.bin'], maxFileBytes: 50_000_000 });
    assert.deepEqual([files, heldBack], [1, [{ path: 'big.bin', bytes: 60_000_000 }]]);
    assert.equal(await inSandbox(sandbox, 'cat a big.bin'), 'bsmall');
    const { large } = await engine.push(sandbox);
    assert.deepEqual(large, heldBack);
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
  });

  it('never shows a reader half of a file', async () => {
    const content = (letter: string) => `${letter.repeat(400_000)}\n`;
    writeTree(root, { 'served.txt': content('a') });
    await engine.push(sandbox);
    const watching = inSandbox(
      sandbox,
      'i=0; while [ $i -lt 150 ]; do i=$((i+1)); cat served.txt > /tmp/copy || echo gone; s=$(tr -d "\\n" < /tmp/copy | tr -s ab); n=$(wc -c < /tmp/copy); case "$s $n" in "a 400001"|"b 400001") ;; *) echo "bad $s $n";; esac; done',
      engine.remoteRoot,
    );
    for (let round = 0; round < 6; round += 1) {
      writeTree(root, { 'served.txt': content(round % 2 ? 'a' : 'b') });
      await engine.push(sandbox, { paths: ['served.txt'] });
    }
    assert.equal(await watching, '');
  });
});
