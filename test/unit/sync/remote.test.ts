import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sandbox } from 'modal';
import { beforeLine, engineFor, inSandbox, localTree, remoteTree } from './sandboxes.ts';
import { ending, engine, root, sandbox, sandboxes, storageDir, withEach } from './setup.ts';
import { writeTree } from './temporary.ts';

describe('A sandbox that is not as we left it', () => {
  withEach(() => {
    writeTree(root, { 'a.txt': 'a', 'b/c.txt': 'c', 'b/d.txt': 'd', 'e/f/g.txt': 'g' });
  });

  it('gets only the difference when another window, with an index of its own, has synced it', async () => {
    await engine.push(sandbox);
    const other = ending(engineFor(root));
    writeTree(root, { 'a.txt': 'changed' });
    const theirs = await other.push(sandbox);
    assert.deepEqual([theirs.files, theirs.deleted], [1, 0]);
    rmSync(join(root, 'b'), { recursive: true });
    writeTree(root, { 'new.txt': 'new' });
    const ours = await engine.push(sandbox);
    assert.deepEqual([ours.files, ours.deleted], [1, 2]);
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
  });

  it('gets only the difference when it was restored from a snapshot, whichever generation that has', async () => {
    await engine.push(sandbox);
    const early = ending(await sandboxes.restore(sandbox));
    writeTree(root, { 'a.txt': 'changed', 'h.txt': 'h' });
    rmSync(join(root, 'e'), { recursive: true });
    await engine.push(sandbox);
    const late = ending(await sandboxes.restore(sandbox));
    assert.deepEqual([(await engine.push(late)).files, (await engine.push(early)).files], [0, 2]);
    assert.deepEqual(await remoteTree(late), localTree(root));
    assert.deepEqual(await remoteTree(early), localTree(root));
  });

  it('keeps what rules left out when its snapshot was taken, though that was synced and deleted since', async () => {
    writeTree(root, { 'x.log': 'x' });
    await engine.push(sandbox);
    writeTree(root, { '.modalignore': '*.log\n' });
    await engine.push(sandbox);
    const early = ending(await sandboxes.restore(sandbox));
    rmSync(join(root, '.modalignore'));
    await engine.push(sandbox);
    rmSync(join(root, 'x.log'));
    await engine.push(sandbox);
    assert.equal(
      await inSandbox(sandbox, 'ls x.log || true'),
      "ls: cannot access 'x.log': No such file or directory\n",
    );
    await engine.push(early);
    assert.equal(await inSandbox(early, 'cat x.log'), 'x');
    assert.deepEqual(await engine.mirrorPreview(early), ['x.log']);
  });

  it('is sent everything when it is a new one, and keeps what only it has', async () => {
    await engine.push(sandbox);
    const fresh = ending(await sandboxes.create());
    await fresh.exec(['sh', '-c', 'mkdir -p /workspace/b && echo own > /workspace/b/own']).then((made) => made.wait());
    assert.equal((await engine.push(fresh)).files, 4);
    assert.equal(await inSandbox(fresh, 'cat b/own b/c.txt a.txt'), 'own\nca');
  });

  it('tells what a program changed, created and deleted, and is put right by the next push', async () => {
    await engine.push(sandbox);
    await inSandbox(
      sandbox,
      'echo more >> a.txt; echo out > result.csv; mkdir node_modules; echo m > node_modules/m; rm -r e; rm b/c.txt',
    );
    const changes = await engine.remoteChanges(sandbox);
    assert.deepEqual(changes.modified, ['a.txt']);
    assert.deepEqual([...changes.deleted].sort(), ['b/c.txt', 'e/f/g.txt']);
    assert.deepEqual(changes.created, ['result.csv']);
    const result = await engine.push(sandbox);
    assert.deepEqual([...result.replaced].sort(), ['a.txt', 'b/c.txt', 'e/f/g.txt']);
    assert.equal(await inSandbox(sandbox, 'cat a.txt b/c.txt e/f/g.txt result.csv'), 'acgout\n');
    const after = await engine.remoteChanges(sandbox);
    assert.deepEqual([after.modified, after.deleted], [[], []]);
  });

  it('keeps a program’s changes when the user says so', async () => {
    await engine.push(sandbox);
    await inSandbox(sandbox, 'echo theirs > a.txt');
    await engine.remoteChanges(sandbox);
    writeTree(root, { 'b/c.txt': 'ours' });
    const asked: string[][] = [];
    await engine.push(sandbox, {
      onRemoteChange: 'ask',
      ask: (question) => {
        if (question.kind === 'remote-changes') asked.push([...question.paths]);
        return question.kind !== 'remote-changes';
      },
    });
    assert.deepEqual(asked, [['a.txt']]);
    assert.equal(await inSandbox(sandbox, 'cat a.txt b/c.txt'), 'theirs\nours');
  });

  it('is sent everything again when its manifest is damaged, and loses nothing of its own', async () => {
    await engine.push(sandbox);
    await inSandbox(
      sandbox,
      'echo broken > .modal-sync/m/*; echo other > .modal-sync/gen; echo own > own; echo x > a.txt',
    );
    await engine.push(sandbox);
    assert.equal(await inSandbox(sandbox, 'cat a.txt b/c.txt own'), 'acown\n');
    assert.equal((await engine.push(sandbox)).files, 0);
  });

  it('is asked itself when the local index is damaged, so that nothing is sent twice and deletions are known', async () => {
    await engine.push(sandbox);
    await engine.dispose();
    const folder = join(storageDir, readdirSync(storageDir)[0] as string);
    for (const name of readdirSync(folder).filter((name) => name.endsWith('.index')))
      writeFileSync(join(folder, name), 'nonsense');
    rmSync(join(root, 'b/c.txt'));
    const again = ending(engineFor(root, { storageDir }));
    const result = await again.push(sandbox);
    assert.deepEqual([result.files, result.deleted], [0, 1]);
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
  });

  it('is asked itself also about tracked files where programs usually keep their own', async () => {
    execFileSync('git', ['init', '-q', root]);
    writeTree(root, { 'node_modules/m/tracked.js': 'm', '.venv/tracked': 'v', 'node_modules/m/kept.js': 'k' });
    execFileSync('git', ['add', '-f', '.'], { cwd: root });
    await engine.push(sandbox);
    await inSandbox(sandbox, 'mkdir -p b/__pycache__; echo own > b/__pycache__/own');
    rmSync(join(root, 'node_modules/m/tracked.js'));
    rmSync(join(root, '.venv'), { recursive: true });
    const other = ending(engineFor(root));
    const { files, deleted, replaced } = await other.push(sandbox);
    assert.deepEqual([files, deleted, replaced], [0, 2, []]);
    await inSandbox(sandbox, 'rm -r b/__pycache__');
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
  });

  it('gets what was pulled from another one of its generation', async () => {
    await engine.push(sandbox);
    const early = ending(await sandboxes.restore(sandbox));
    await inSandbox(sandbox, 'echo theirs > a.txt; echo out > out.txt');
    const { modified, created } = await engine.remoteChanges(sandbox);
    await engine.pull(sandbox, { paths: [...modified, ...created] });
    assert.equal((await engine.push(sandbox)).files, 0);
    assert.equal((await engine.push(early)).files, 2);
    assert.deepEqual(await remoteTree(early), localTree(root));
    await engine.dispose();
    const again = ending(engineFor(root, { storageDir }));
    const late = ending(await sandboxes.restore(sandbox));
    await again.push(late);
    assert.deepEqual(await remoteTree(late), localTree(root));
  });

  it('loses what was pulled and then deleted here, also when another window sends the deletion', async () => {
    await engine.push(sandbox);
    await inSandbox(sandbox, 'echo out > out.txt; echo own > own.txt');
    await engine.pull(sandbox, { paths: ['out.txt'] });
    assert.equal((await engine.push(sandbox)).files, 0);
    rmSync(join(root, 'out.txt'));
    await ending(engineFor(root)).push(sandbox);
    assert.equal(await inSandbox(sandbox, 'ls'), 'a.txt\nb\ne\nown.txt\n');
  });

  it('is whole when two windows send the folder to it for the first time at once', async () => {
    const other = ending(engineFor(root));
    const held = beforeLine(sandbox, '  { mv ', ': > /tmp/held; until [ -e /tmp/go ]; do sleep 0.05; done');
    const late = other.push(held);
    await inSandbox(sandbox, 'until [ -e /tmp/held ]; do sleep 0.05; done', '/');
    await engine.push({ sandboxId: `${sandbox.sandboxId}-here`, exec: sandbox.exec.bind(sandbox) } as Sandbox);
    await inSandbox(sandbox, ': > /tmp/go', '/');
    await late;
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
    assert.equal(await inSandbox(sandbox, 'ls -d /workspace*'), '/workspace\n');
  });

  it('never has files behind a link deleted', async () => {
    await engine.push(sandbox);
    await inSandbox(sandbox, 'mkdir /tmp/volume; mv b/c.txt b/d.txt /tmp/volume; rmdir b; ln -s /tmp/volume b');
    rmSync(join(root, 'b'), { recursive: true });
    await engine.push(sandbox);
    assert.equal(await inSandbox(sandbox, 'cat /tmp/volume/c.txt'), 'c');
  });

  it('is written through a link that it has where we have a folder', async () => {
    await engine.push(sandbox);
    await inSandbox(sandbox, 'mv b /tmp/real; ln -s /tmp/real b');
    writeTree(root, { 'b/c.txt': 'through', 'b/new/x': 'new' });
    assert.deepEqual((await engine.push(sandbox)).writtenThrough, ['b']);
    assert.equal(await inSandbox(sandbox, 'readlink b; cat /tmp/real/c.txt b/new/x'), '/tmp/real\nthroughnew');
    writeTree(root, { 'a.txt': 'elsewhere' });
    assert.deepEqual((await engine.push(sandbox)).writtenThrough, []);
    for (let at = 0; at < 100; at += 1) writeTree(root, { [`b/new/${at}`]: 'x', [`e/${at}`]: 'x' });
    assert.deepEqual((await engine.push(sandbox)).writtenThrough, ['b']);
    assert.equal(await inSandbox(sandbox, 'readlink b; ls /tmp/real/new e | wc -l'), '/tmp/real\n205\n');
  });

  it('says which path is in the way when it has a folder where we have a file', async () => {
    await engine.push(sandbox);
    await inSandbox(sandbox, 'mkdir -p out; echo x > out/x');
    writeTree(root, { out: 'file' });
    await assert.rejects(engine.push(sandbox), /\/workspace\/out.*Remove it/);
    await inSandbox(sandbox, 'rm -r out');
    await engine.push(sandbox);
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
  });

  it('says which path is in the way when it has a file, or a link to nothing, where we have a folder', async () => {
    await engine.push(sandbox);
    for (const made of ['echo x > b', 'ln -s nothing b']) {
      await inSandbox(sandbox, `rm -rf b; ${made}`);
      writeTree(root, { 'b/c.txt': made });
      await assert.rejects(engine.push(sandbox), /\/workspace\/b\. Remove it/);
      await inSandbox(sandbox, 'rm b');
      await engine.remoteChanges(sandbox);
      await engine.push(sandbox);
      assert.deepEqual(await remoteTree(sandbox), localTree(root));
    }
  });

  it('can be mirrored exactly: only after a preview, and never what rules leave out', async () => {
    await engine.push(sandbox);
    await inSandbox(sandbox, 'echo x > extra; mkdir more; echo y > more/y; mkdir __pycache__; echo z > __pycache__/z');
    const extras = await engine.mirrorPreview(sandbox);
    assert.deepEqual([...extras].sort(), ['extra', 'more/y']);
    await assert.rejects(engine.mirror(sandbox, extras, { ask: () => false }), /left as it is/);
    assert.equal(await inSandbox(sandbox, 'cat extra'), 'x\n');
    await engine.mirror(sandbox, extras);
    assert.equal(await inSandbox(sandbox, 'ls -A'), '.modal-sync\n__pycache__\na.txt\nb\ne\n');
  });
});
