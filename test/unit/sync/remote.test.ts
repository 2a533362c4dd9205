import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sandbox } from 'modal';
import { strings } from '../../../src/sync/strings.ts';
import { beforeLine, engineFor, inSandbox, localTree, remoteTree } from './sandboxes.ts';
import { ending, engine, root, sandbox, sandboxes, storageDir, withEach } from './setup.ts';
import { writeTree } from './temporary.ts';

describe('SyncEngine with a sandbox that has changed', () => {
  withEach(() => {
    writeTree(root, { 'a.txt': 'a', 'b/c.txt': 'c', 'b/d.txt': 'd', 'e/f/g.txt': 'g' });
  });

  it('sends only the difference after another window with its own index has synced', async () => {
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

  it('sends only the difference to a sandbox restored from a snapshot of any generation', async () => {
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

  it('keeps files that were excluded when the snapshot was taken, even if they were synced and deleted since', async () => {
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

  it('sends everything to a new sandbox, and keeps files that exist only there', async () => {
    await engine.push(sandbox);
    const fresh = ending(await sandboxes.create());
    await fresh.exec(['sh', '-c', 'mkdir -p /workspace/b && echo own > /workspace/b/own']).then((made) => made.wait());
    assert.equal((await engine.push(fresh)).files, 4);
    assert.equal(await inSandbox(fresh, 'cat b/own b/c.txt a.txt'), 'own\nca');
  });

  it('reports what programs changed, created, and deleted, and restores synced files with the next push', async () => {
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

  it("keeps a program's changes if the user chooses to", async () => {
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

  it("sends everything again if the manifest is damaged, and keeps the sandbox's own files", async () => {
    await engine.push(sandbox);
    await inSandbox(
      sandbox,
      'echo broken > .modal-sync/m/*; echo other > .modal-sync/gen; echo own > own; echo x > a.txt',
    );
    await engine.push(sandbox);
    assert.equal(await inSandbox(sandbox, 'cat a.txt b/c.txt own'), 'acown\n');
    assert.equal((await engine.push(sandbox)).files, 0);
  });

  it('loses no change when a list of changes is cut off', async () => {
    await engine.push(sandbox);
    await engine.remoteChanges(sandbox);
    await inSandbox(sandbox, 'echo changed > a.txt');
    let lists = 0;
    const cutting = {
      sandboxId: sandbox.sandboxId,
      exec: async (argv: string[], options: { readonly mode: 'binary' }) => {
        const process = await sandbox.exec(argv, options);
        lists += 1;
        if (lists > 1) return process;
        await process.wait();
        return { ...process, stdout: new Response('').body, closeStdin: () => process.closeStdin() };
      },
    } as unknown as typeof sandbox;
    assert.deepEqual((await engine.remoteChanges(cutting)).modified, ['a.txt']);
    assert.equal(lists, 2);
  });

  it('rebuilds a damaged local index from the sandbox, so that only the difference is sent', async () => {
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

  it('rebuilds the index with tracked files in folders that are usually excluded', async () => {
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

  it('sends files pulled from one sandbox to another one at the same generation', async () => {
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

  it('deletes a file that was pulled and then deleted locally, also when another window pushes', async () => {
    await engine.push(sandbox);
    await inSandbox(sandbox, 'echo out > out.txt; echo own > own.txt');
    await engine.pull(sandbox, { paths: ['out.txt'] });
    assert.equal((await engine.push(sandbox)).files, 0);
    rmSync(join(root, 'out.txt'));
    await ending(engineFor(root)).push(sandbox);
    assert.equal(await inSandbox(sandbox, 'ls'), 'a.txt\nb\ne\nown.txt\n');
  });

  it('completes when two windows send their first push at the same time', async () => {
    const other = ending(engineFor(root));
    const held = beforeLine(sandbox, '  { mv ', ': > /tmp/held; until [ -e /tmp/go ]; do sleep 0.05; done');
    const late = other.push(held);
    await inSandbox(sandbox, 'until [ -e /tmp/held ]; do sleep 0.05; done', '/');
    await engine.push({ sandboxId: `${sandbox.sandboxId}-first`, exec: sandbox.exec.bind(sandbox) } as Sandbox);
    await inSandbox(sandbox, ': > /tmp/go', '/');
    await late;
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
    assert.equal(await inSandbox(sandbox, 'ls -d /workspace*'), '/workspace\n');
  });

  it('writes through a link whose name has a line break, and deletes nothing behind it', async () => {
    writeTree(root, { 'l\nk/a': 'a', 'l\nk/b': 'b' });
    await engine.push(sandbox);
    await inSandbox(sandbox, 'mv "l\nk" /tmp/real; ln -s /tmp/real "l\nk"');
    rmSync(join(root, 'l\nk/a'));
    writeTree(root, { 'l\nk/b': 'changed' });
    assert.deepEqual((await engine.push(sandbox)).writtenThrough, ['l\nk']);
    assert.equal(await inSandbox(sandbox, 'cat /tmp/real/a /tmp/real/b'), 'achanged');
  });

  it('never deletes files behind a link in the sandbox', async () => {
    await engine.push(sandbox);
    await inSandbox(sandbox, 'mkdir /tmp/volume; mv b/c.txt b/d.txt /tmp/volume; rmdir b; ln -s /tmp/volume b');
    rmSync(join(root, 'b'), { recursive: true });
    await engine.push(sandbox);
    assert.equal(await inSandbox(sandbox, 'cat /tmp/volume/c.txt'), 'c');
  });

  it('writes through a link in the sandbox that stands where the local folder has a folder', async () => {
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

  it('renames a folder in the sandbox that stands where the local folder has a file', async () => {
    await engine.push(sandbox);
    await inSandbox(sandbox, 'mkdir -p out "n\n"; echo x > out/x; echo y > "n\n/y"; echo z > out.sandbox');
    writeTree(root, { out: 'file', 'n\n': 'file' });
    assert.deepEqual((await engine.push(sandbox)).movedAside, ['n\n.sandbox', 'out.sandbox-2']);
    assert.equal(
      await inSandbox(sandbox, 'cat out.sandbox out.sandbox-2/x "n\n.sandbox/y" out "n\n"'),
      'z\nx\ny\nfilefile',
    );
    assert.deepEqual((await engine.push(sandbox)).movedAside, []);
  });

  it('renames a file or dangling link in the sandbox that stands where the local folder has a folder', async () => {
    await engine.push(sandbox);
    for (const [made, renamed] of [
      ['echo x > b', 'b.sandbox'],
      ['ln -s nothing b', 'b.sandbox-2'],
    ] as const) {
      await inSandbox(sandbox, `rm -rf b; ${made}`);
      writeTree(root, { 'b/c.txt': made });
      assert.deepEqual((await engine.push(sandbox)).movedAside, [renamed]);
      assert.equal(await inSandbox(sandbox, 'cat b/c.txt'), made);
    }
    assert.equal(await inSandbox(sandbox, 'cat b.sandbox; readlink b.sandbox-2'), 'x\nnothing\n');
  });

  it('removes an empty folder in the sandbox that stands where the local folder has a file', async () => {
    await engine.push(sandbox);
    await inSandbox(sandbox, 'mkdir out');
    writeTree(root, { out: 'file' });
    assert.deepEqual((await engine.push(sandbox)).movedAside, []);
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
  });

  for (const [kind, expectMore] of [
    ['push', false],
    ['push after a save', true],
  ] as const)
    it(`goes on with a ${kind} after ignored files got in the way`, async () => {
      for (const [name, becomes] of [
        ['d', 'file'],
        ['with\nbreak', { link: 'd' }],
        ['deep/in side', { link: '../d' }],
        ["it's", 'file'],
        ['-n', { link: 'nothing' }],
        ['#x', 'file'],
        ['{a,b} *', { link: 'd' }],
        ['back\\slash', 'file'],
        ['tab\tü', 'file'],
      ] as const) {
        writeTree(root, { '.gitignore': '', [`${name}/a`]: 'a', [`${name}/b.log`]: 'b' });
        await engine.push(sandbox);
        writeTree(root, { '.gitignore': '*.log\n' });
        await engine.push(sandbox);
        rmSync(join(root, name), { recursive: true });
        writeTree(root, { [name]: becomes });
        assert.deepEqual((await engine.push(sandbox, { expectMore })).movedAside, [`${name}.sandbox`]);
        const read = typeof becomes === 'string' ? 'cat' : 'readlink -n';
        const shown = typeof becomes === 'string' ? becomes : becomes.link;
        assert.equal(await inSandbox(sandbox, `${read} -- "${name}"; cat -- "${name}.sandbox/b.log"`), `${shown}b`);
      }
    });

  it('mirrors the folder after a confirmation, without deleting excluded files', async () => {
    await engine.push(sandbox);
    await inSandbox(sandbox, 'echo x > extra; mkdir more; echo y > more/y; mkdir __pycache__; echo z > __pycache__/z');
    const extras = await engine.mirrorPreview(sandbox);
    assert.deepEqual([...extras].sort(), ['extra', 'more/y']);
    await assert.rejects(engine.mirror(sandbox, extras, { ask: () => false }), { message: strings.mirrorDeclined() });
    assert.equal(await inSandbox(sandbox, 'cat extra'), 'x\n');
    await engine.mirror(sandbox, extras);
    assert.equal(await inSandbox(sandbox, 'ls -A'), '.modal-sync\n__pycache__\na.txt\nb\ne\n');
  });
});
