import assert from 'node:assert/strict';
import { execFileSync, execSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { SyncProgress } from '../../../src/sync/engine.ts';
import { engineFor, inSandbox, localTree, remoteTree } from './sandboxes.ts';
import { ending, engine, root, sandbox, sandboxes, withEach } from './setup.ts';
import { temporaryFolder, writeTree } from './temporary.ts';

describe('SyncEngine.push', () => {
  withEach();

  async function assertEqualTrees(): Promise<void> {
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
  }

  it('makes the sandbox equal to the folder, with modes, links, and empty folders', async () => {
    writeTree(root, {
      'a.txt': 'hello',
      'src/deep/er/b.py': 'print(1)',
      'run.sh': '#!/bin/sh\necho hi',
      empty: null,
      'nested/empty/too': null,
      link: { link: 'src/deep' },
      'zero.bin': '',
      'big.bin': Buffer.alloc(3_000_001, 'x'),
    });
    const result = await engine.push(sandbox, { fresh: true });
    await assertEqualTrees();
    assert.equal(result.files, 5);
  });

  it('sends nothing if nothing has changed', async () => {
    writeTree(root, { 'a.txt': 'hello' });
    await engine.push(sandbox);
    const result = await engine.push(sandbox);
    assert.deepEqual([result.files, result.bytes, result.deleted], [0, 0, 0]);
  });

  it('sends only changes and deletions, and keeps files that exist only in the sandbox', async () => {
    writeTree(root, { 'a.txt': 'a', 'b.txt': 'b', 'gone/c.txt': 'c', 'kept/d.txt': 'd' });
    await engine.push(sandbox);
    await inSandbox(sandbox, 'echo out > kept/output; echo x > own');
    writeTree(root, { 'a.txt': 'changed', 'new/sub/e.txt': 'e' });
    rmSync(join(root, 'gone'), { recursive: true });
    rmSync(join(root, 'kept'), { recursive: true });
    const result = await engine.push(sandbox);
    assert.deepEqual([result.files, result.deleted], [2, 2]);
    assert.equal(
      await inSandbox(sandbox, 'cat kept/output own; ls -A gone kept new/sub'),
      [
        'out',
        'x',
        "ls: cannot access 'gone': No such file or directory",
        'kept:',
        'output',
        '',
        'new/sub:',
        'e.txt',
        '',
      ].join('\n'),
    );
  });

  it('sends changes of kind between files, folders, links, and empty folders', async () => {
    writeTree(root, {
      'to-folder': 'x',
      'to-file/a/b': 'x',
      'to-link': 'x',
      'link-to-folder': { link: 'to-file' },
      'full/x': 'x',
      bare: null,
      'link-to-file': { link: 'to-folder' },
    });
    await engine.push(sandbox);
    await assertEqualTrees();
    for (const name of ['to-folder', 'to-file', 'to-link', 'link-to-folder', 'link-to-file', 'full/x'])
      rmSync(join(root, name), { recursive: true });
    writeTree(root, {
      'to-folder/y': 'y',
      'to-file': 'y',
      'to-link': { link: 'to-file' },
      'link-to-folder/z': 'z',
      'link-to-file': 'z',
      'bare/a': 'a',
    });
    await engine.push(sandbox);
    await assertEqualTrees();
  });

  it('sends a changed executable bit', async () => {
    writeTree(root, { tool: 'x' });
    await engine.push(sandbox);
    chmodSync(join(root, 'tool'), 0o755);
    await engine.push(sandbox);
    await assertEqualTrees();
  });

  it('sends a file with the same size and time but another inode', async () => {
    writeTree(root, { a: 'one', b: 'two' });
    const time = new Date(Date.now() - 60_000);
    for (const name of ['a', 'b']) utimesSync(join(root, name), time, time);
    await engine.push(sandbox);
    renameSync(join(root, 'b'), join(root, 'a'));
    await engine.push(sandbox);
    await assertEqualTrees();
  });

  it('sends an older file, but not one that was only touched', async () => {
    writeTree(root, { a: 'one', b: 'two' });
    await engine.push(sandbox);
    writeTree(root, { a: 'other' });
    utimesSync(join(root, 'a'), 1000, 1000);
    utimesSync(join(root, 'b'), new Date(), new Date());
    assert.equal((await engine.push(sandbox)).files, 1);
    await assertEqualTrees();
  });

  it('notices a write of the same size at the same time as the previous one', async () => {
    for (let round = 0; round < 5; round += 1) {
      writeTree(root, { a: `${round}` });
      await engine.push(sandbox);
      const time = new Date();
      writeTree(root, { a: `${round + 5}` });
      utimesSync(join(root, 'a'), time, time);
      await engine.push(sandbox);
      assert.equal(await inSandbox(sandbox, 'cat a'), `${round + 5}`);
    }
  });

  it('sends and deletes files with any name', async () => {
    const names = [
      'new\nline',
      'tab\t',
      '"quote\'',
      '$HOME',
      '`id`',
      'back\\slash',
      '-rf',
      ' lead',
      'trail ',
      '*',
      '?[a]',
      'é',
      '\u0065\u0301',
      '日本語',
      '🙂',
      '~x',
      '#x',
      '%s',
      'a'.repeat(255),
      '.hidden',
      'x;y&z|w',
      '!',
    ];
    const long = `${'d'.repeat(200)}/${'e'.repeat(200)}/${'f'.repeat(250)}/${'g'.repeat(250)}/${'h'.repeat(200)}`;
    writeTree(root, { ...Object.fromEntries(names.map((name) => [name, name])), [`${long}/x`]: 'deep', 'keep/y': 'y' });
    symlinkSync(`${long}/x`, join(root, 'long-link'));
    mkdirSync(join(root, 'in -folder\n'));
    for (const name of names) writeFileSync(join(root, 'in -folder\n', name), name);
    await engine.push(sandbox);
    const listing = 'find . -path ./.modal-sync -prune -o -print0 | sort -z | sha256sum';
    const local = execSync(listing, {
      cwd: root,
      encoding: 'utf8',
    });
    assert.equal(await inSandbox(sandbox, listing), local);
    for (const name of [...names, long.slice(0, 200), 'in -folder\n', 'long-link'])
      rmSync(join(root, name), { recursive: true });
    await engine.push(sandbox);
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
  });

  it('keeps modification times, as far as archives can store them', async () => {
    const years = [1960, 1970, 1971, 2024, 2039, 2200, 2300];
    for (const year of years) {
      writeTree(root, { [`y${year}`]: 'x' });
      // Node treats negative times as the current time.
      execFileSync('touch', ['-d', `${year}-06-01T00:00:00Z`, join(root, `y${year}`)]);
    }
    await engine.push(sandbox);
    const said = await inSandbox(sandbox, `stat -c %Y y1960 y1971 y2024 y2039`);
    assert.deepEqual(said.trim().split('\n').map(Number), [
      0,
      ...[1971, 2024, 2039].map((year) => Date.UTC(year, 5, 1) / 1000),
    ]);
    assert.equal((await engine.push(sandbox)).files, 0);
  });

  it('stops syncing a file that became ignored without deleting it in the sandbox', async () => {
    writeTree(root, { 'a.log': 'one', 'b.txt': 'b' });
    await engine.push(sandbox);
    writeTree(root, { '.modalignore': '*.log\n', 'a.log': 'two' });
    assert.deepEqual((await engine.push(sandbox)).released, ['a.log']);
    assert.equal(await inSandbox(sandbox, 'cat a.log'), 'one');
    rmSync(join(root, '.modalignore'));
    await engine.push(sandbox);
    await assertEqualTrees();
  });

  it('sends credentials only if a rule names them, and reports the others', async () => {
    writeTree(root, {
      '.env': 'SECRET',
      'certs/a.pem': 'KEY',
      '.aws/credentials': 'KEY',
      'main.py': '',
      '.env.example': 'x',
    });
    const result = await engine.push(sandbox);
    assert.deepEqual([...result.credentials].sort(), ['.aws', '.env', 'certs/a.pem']);
    assert.deepEqual(await inSandbox(sandbox, 'ls -A'), '.env.example\n.modal-sync\ncerts\nmain.py\n');
    writeTree(root, { '.modalignore': '!.env\n' });
    await engine.push(sandbox);
    assert.equal(await inSandbox(sandbox, 'cat .env'), 'SECRET');
  });

  it('makes no more requests for many files than for one', async () => {
    writeTree(root, { a: 'a' });
    await engine.push(sandbox);
    const counts: Record<string, number>[] = [];
    for (const number of [1, 400]) {
      writeTree(
        root,
        Object.fromEntries(Array.from({ length: number }, (_, at) => [`d${at % 20}/f${number}-${at}`, 'x'.repeat(at)])),
      );
      await sandboxes.server.control.resetCalls();
      await engine.push(sandbox);
      counts.push(await sandboxes.server.control.calls());
    }
    assert.deepEqual(counts[1], counts[0]);
    assert.ok(
      Object.values(counts[0] as object).reduce((sum, count) => sum + count, 0) <= 3,
      JSON.stringify(counts[0]),
    );
  });

  it('sends 30,000 files in three calls, and only the one that changes then', async () => {
    // In memory, because a disk would take most of the time.
    const many = mkdtempSync('/dev/shm/many-');
    const large = ending(engineFor(many, { remoteRoot: '/dev/shm/many' }));
    try {
      const path = (at: number) => `d${at % 300}/f${at}`;
      writeTree(many, Object.fromEntries(Array.from({ length: 30_000 }, (_, at) => [path(at), `${at}`])));
      await sandboxes.server.control.resetCalls();
      assert.equal((await large.push(sandbox)).files, 30_000);
      const calls = Object.values(await sandboxes.server.control.calls()).reduce((sum, count) => sum + count, 0);
      assert.ok(calls <= 3, `${calls} calls`);
      writeTree(many, { [path(7)]: 'changed' });
      assert.equal((await large.push(sandbox)).files, 1);
      assert.equal(await inSandbox(sandbox, 'cat d7/f7; find . -name "f*" | wc -l', '/dev/shm/many'), 'changed30000\n');
    } finally {
      rmSync(many, { recursive: true });
    }
  });

  it('sends few messages, and little more than the contents of the files', async () => {
    const [number, bytesEach] = [60, 210 * 1024];
    writeTree(root, Object.fromEntries(Array.from({ length: number }, (_, at) => [`f${at}`, randomBytes(bytesEach)])));
    await sandboxes.server.control.resetCalls();
    await engine.push(sandbox);
    const { messages, bytes } = (await sandboxes.server.control.messages()).TaskExecStdinWriteStream ?? {};
    assert.ok(messages && bytes, 'nothing was counted');
    assert.ok(messages <= bytes / (256 * 1024) + 4, `${messages} messages for ${bytes} bytes`);
    assert.ok(bytes >= number * bytesEach && bytes <= number * (bytesEach + 1024) + 32 * 1024, `${bytes} bytes`);
    await assertEqualTrees();
  });

  it('sends a file again that shrinks while it is being read', async () => {
    writeTree(root, { 'big.bin': Buffer.alloc(40_000_000, 1) });
    let changed = 0;
    await engine.push(sandbox, {
      onProgress: ({ stage }) => {
        if (stage !== 'sending' || changed > 0) return;
        changed += 1;
        truncateSync(join(root, 'big.bin'), 5_000_000);
      },
    });
    assert.equal(changed, 1);
    await assertEqualTrees();
  });

  it('reports its stages while sending and applying', async () => {
    writeTree(root, { 'big.bin': Buffer.alloc(3_000_000, 1), a: 'a' });
    const reports: SyncProgress[] = [];
    await engine.push(sandbox, { onProgress: (progress) => reports.push(progress) });
    const stages = reports.map(({ stage }) => stage).filter((stage, at, all) => stage !== all[at - 1]);
    assert.deepEqual(stages.slice(-2), ['sending', 'applying']);
    assert.deepEqual([reports.at(-1)?.files, reports.at(-1)?.bytes], [2, 3_000_001]);
  });

  it('supports any names for the local and the remote folder', async () => {
    const odd = join(temporaryFolder(), 'é x$(touch y)\'"`');
    mkdirSync(odd);
    writeTree(odd, { 'a b/c': 'c' });
    const other = ending(engineFor(odd, { remoteRoot: "/work dir/é'$x" }));
    await other.push(sandbox);
    assert.equal(await inSandbox(sandbox, 'cat "a b/c"', `'/work dir/é'"'"'$x'`), 'c');
    writeTree(odd, { 'a b/c': 'again' });
    const prepared = await other.prepareRun(sandbox);
    const process = await sandbox.exec(['sh', '-c', `${prepared.script}\ncat "/work dir/é'\\$x/a b/c"`]);
    assert.match(await process.stdout.readText(), /again$/);
    await prepared.settle({ kind: 'unknown' });
  });
});
