import assert from 'node:assert/strict';
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type Header, pack } from 'tar-stream';
import { pullReport } from '../../../src/run/sync-report.ts';
import type { SyncProgress } from '../../../src/sync/engine.ts';
import { PullReceiver, type Received } from '../../../src/sync/pull/pull-receiver.ts';
import { PullSize } from '../../../src/sync/pull/pull-size.ts';
import type { PullResult } from '../../../src/sync/pull/puller.ts';
import { type SyncQuestion, SyncStopped } from '../../../src/sync/push/questions.ts';
import { strings } from '../../../src/sync/strings.ts';
import { Core } from '../../../src/sync/worker/core.ts';
import { inSandbox } from './sandboxes.ts';
import { engine, root, sandbox, sandboxes, withEach } from './setup.ts';
import { removeTemporary, temporaryFolder, writeTree } from './temporary.ts';

describe('SyncEngine.pull', () => {
  withEach(async () => {
    writeTree(root, { 'a.txt': 'a', 'b/c.txt': 'c' });
    await engine.push(sandbox);
  });

  it('pulls files and folders by path, with their modes and links', async () => {
    await inSandbox(
      sandbox,
      'mkdir -p out/deep; echo 1 > out/deep/x; echo 2 > "out/-y\nz"; chmod +x out/deep/x; ln -s deep/x out/l; echo no > other',
    );
    const result = await engine.pull(sandbox, { paths: ['out', 'missing'] });
    assert.equal(readFileSync(join(root, 'out/deep/x'), 'utf8'), '1\n');
    assert.equal(readFileSync(join(root, 'out/-y\nz'), 'utf8'), '2\n');
    assert.ok((lstatSync(join(root, 'out/deep/x')).mode & 0o100) !== 0);
    assert.ok(lstatSync(join(root, 'out/l')).isSymbolicLink());
    assert.deepEqual([existsSync(join(root, 'other')), result.missing], [false, ['missing']]);
  });

  it('reports its progress', async () => {
    await inSandbox(sandbox, 'mkdir r; head -c 300000 /dev/zero > r/x; echo 2 > r/y');
    const reports: SyncProgress[] = [];
    await engine.pull(sandbox, { paths: ['r'], onProgress: (progress) => reports.push(progress) });
    const last = reports.at(-1);
    assert.ok(last?.stage === 'receiving' && last.files > 0 && last.bytes >= 300_000 && last.path.startsWith('r/'));
  });

  it('pulls files by pattern', async () => {
    await inSandbox(sandbox, 'mkdir -p r/s; echo 1 > r/s/x.csv; echo 2 > y.csv; echo 3 > r/z.txt');
    const result = await engine.pull(sandbox, { patterns: ['*.csv', '!y.csv'] });
    assert.deepEqual(result.written, ['r/s/x.csv']);
  });

  it('pulls what patterns name as paths: below ".", in the sandbox, with brackets, or with backslashes', async () => {
    await inSandbox(
      sandbox,
      'mkdir -p r/s; for f in "r/[1].csv" r/2.csv r/s/3.csv 4.csv no.csv; do echo 1 > "$f"; done',
    );
    const patterns = ['/workspace/r/[1].csv', './r/2.csv', 'r\\s\\3.csv', './4.csv'];
    const result = await engine.pull(sandbox, { patterns });
    assert.deepEqual([...result.written].sort(), ['4.csv', 'r/2.csv', 'r/[1].csv', 'r/s/3.csv']);
    assert.deepEqual(result.unmatched, []);
  });

  it('names the patterns that match nothing', async () => {
    await inSandbox(sandbox, 'echo 1 > x.csv; mkdir empty');
    const patterns = ['*.csv', 'x.csv', 'y.csv', '!z.csv', 'empty/', 'b/*.csv', '../x.csv'];
    const result = await engine.pull(sandbox, { patterns });
    assert.deepEqual([result.written, result.unmatched], [['x.csv'], ['y.csv', 'empty/', 'b/*.csv', '../x.csv']]);
    assert.equal(
      pullReport(result),
      'Pulled 1 file; nothing in the sandbox matches y.csv, empty/, b/*.csv, and 1 more.',
    );
  });

  it('leaves out names that are not UTF-8, and says so', async () => {
    await inSandbox(
      sandbox,
      `mkdir out out/$(printf 'd\\351'); cd out; for f in "$(printf 'caf\\351')" "$(printf 'caf\\350')" "$(printf 'd\\351/x')" ü; do echo 1 > "$f.csv"; done; ln -s "$(printf '\\351')" link`,
    );
    const names = (result: PullResult) => ({
      written: result.written,
      missing: result.missing,
      refused: result.refused.map(({ path, reason }) => [path, reason]).sort(),
    });
    const refused = ['out/caf\ufffd.csv', 'out/caf\ufffd.csv', 'out/d\ufffd/x.csv'].map((path) => [
      path,
      strings.notUtf8(),
    ]);
    const byPattern = await engine.pull(sandbox, { patterns: ['*.csv'] });
    assert.deepEqual(names(byPattern), { written: ['out/ü.csv'], missing: [], refused });
    const byFolder = names(await engine.pull(sandbox, { paths: ['out'] }));
    assert.deepEqual(
      byFolder.refused.map(([path]) => path),
      ['out/caf\ufffd.csv', 'out/caf\ufffd.csv', 'out/d\ufffd', 'out/d\ufffd/x.csv', 'out/link'],
    );
    const { created } = await engine.remoteChanges(sandbox);
    const changes = names(await engine.pull(sandbox, { paths: created }));
    assert.deepEqual(
      [changes.missing, [...new Set(changes.refused.map(([path]) => path))]],
      [[], ['out/caf\ufffd.csv', 'out/d\ufffd/x.csv', 'out/link']],
    );
  });

  it("pulls files that programs changed, and doesn't send them back", async () => {
    await inSandbox(sandbox, 'echo theirs > a.txt; echo out > out.txt');
    const { modified, created } = await engine.remoteChanges(sandbox);
    const result = await engine.pull(sandbox, { paths: [...modified, ...created] });
    assert.deepEqual([...result.written].sort(), ['a.txt', 'out.txt']);
    assert.equal(readFileSync(join(root, 'a.txt'), 'utf8'), 'theirs\n');
    assert.equal((await engine.push(sandbox)).files, 0);
  });

  it("never overwrites a local change, but saves the sandbox's version next to it", async () => {
    writeTree(root, { 'a.txt': 'ours', 'new.txt': 'ours' });
    rmSync(join(root, 'b/c.txt'));
    await inSandbox(sandbox, 'echo theirs | tee a.txt new.txt b/c.txt b/d.txt');
    writeTree(root, { 'b/d.txt': 'theirs\n' });
    const result = await engine.pull(sandbox, { paths: ['a.txt', 'new.txt', 'b'] });
    assert.deepEqual(result.conflicts.map(({ path }) => path).sort(), ['a.txt', 'b/c.txt', 'new.txt']);
    assert.deepEqual(result.same, ['b/d.txt']);
    assert.equal(readFileSync(join(root, 'a.txt'), 'utf8'), 'ours');
    assert.equal(readFileSync(join(root, 'a.txt.remote'), 'utf8'), 'theirs\n');
    assert.equal(existsSync(join(root, 'b/c.txt')), false);
  });

  it("doesn't overwrite a file with unsaved changes", async () => {
    await inSandbox(sandbox, 'echo theirs > a.txt');
    const { conflicts } = await engine.pull(sandbox, { paths: ['a.txt'], dirty: ['a.txt'] });
    assert.deepEqual(conflicts, [{ path: 'a.txt', copy: 'a.txt.remote' }]);
    assert.equal(readFileSync(join(root, 'a.txt'), 'utf8'), 'a');
  });

  it('asks before it writes files that affect what local programs run', async () => {
    await inSandbox(
      sandbox,
      'mkdir -p p/.vscode p/.git/hooks; echo x > p/.vscode/tasks.json; echo x > p/.git/hooks/pre-commit; echo x > p/.envrc',
    );
    const refused = await engine.pull(sandbox, { paths: ['p'], ask: () => false });
    assert.deepEqual([...refused.sensitive].sort(), ['p/.envrc', 'p/.git/hooks/pre-commit', 'p/.vscode/tasks.json']);
    assert.equal(existsSync(join(root, 'p/.envrc')), false);
    const asked: string[] = [];
    await engine.pull(sandbox, { paths: ['p/.vscode'], ask: (question) => asked.push(question.kind) > 0 });
    assert.deepEqual(asked, ['sensitive-pull']);
    assert.equal(readFileSync(join(root, 'p/.vscode/tasks.json'), 'utf8'), 'x\n');
  });

  it('names each file that affects what local programs run, and writes none that comes after a no', async () => {
    await inSandbox(sandbox, 'mkdir -p p/.vscode; for at in $(seq 10 40); do echo x > p/.vscode/$at.json; done');
    const asked: string[][] = [];
    const { sensitive } = await engine.pull(sandbox, {
      paths: ['p'],
      ask: (question) => question.kind === 'sensitive-pull' && asked.push([...question.paths]) < 3,
    });
    assert.deepEqual([asked.map(({ length }) => length), asked.flat().length], [[12, 12, 7], 31]);
    assert.deepEqual(
      readdirSync(join(root, 'p/.vscode')).sort(),
      asked
        .slice(0, 2)
        .flat()
        .map((path) => basename(path))
        .sort(),
    );
    assert.deepEqual(sensitive, asked[2]);
  });

  it('asks before it receives more than 200 MB, and keeps what came if the answer is no', async () => {
    await inSandbox(sandbox, 'mkdir big; echo 1 > big/a; truncate -s 205M big/b');
    const asked: SyncQuestion[] = [];
    const ask = (question: SyncQuestion) => asked.push(question) < 0;
    await assert.rejects(engine.pull(sandbox, { paths: ['big/a', 'big/b'], ask }), SyncStopped);
    const [question] = asked;
    assert.ok(question?.kind === 'huge-pull' && question.bytes > 200_000_000 && question.bytes < 216_000_000);
    assert.deepEqual([existsSync(join(root, 'big/a')), existsSync(join(root, 'big/b'))], [true, false]);
  });

  it("doesn't write through a local link to another folder", async () => {
    const outside = temporaryFolder();
    await inSandbox(sandbox, 'mkdir d; echo x > d/x');
    symlinkSync(outside, join(root, 'd'));
    const { refused, written } = await engine.pull(sandbox, { paths: ['d'] });
    assert.deepEqual(
      refused.map(({ path }) => path.replace(/^\.\/|\/$/g, '')),
      ['d', 'd/x'],
    );
    assert.deepEqual(written, []);
    assert.equal(existsSync(join(outside, 'x')), false);
  });

  it('rejects paths outside the folder', async () => {
    for (const path of ['../x', '/etc/passwd', 'a/../../x'])
      await assert.rejects(engine.pull(sandbox, { paths: [path] }), /outside/);
  });

  it('pulls the rest after its stream was cut', async () => {
    await inSandbox(sandbox, 'mkdir big; for i in 1 2 3 4 5 6; do head -c 300000 /dev/urandom > big/$i; done');
    await sandboxes.server.control.addFault({
      method: 'TaskExecStdioRead',
      cutAfterBytes: 700_000,
      code: 9,
      times: 1,
      when: 'after',
    });
    await engine.pull(sandbox, { paths: ['big'] }).catch(() => {});
    await sandboxes.server.control.clearFaults();
    await engine.pull(sandbox, { paths: ['big'] });
    const sums = await inSandbox(sandbox, 'cat big/* | sha256sum');
    const { execSync } = await import('node:child_process');
    assert.equal(execSync('cat big/[1-6] | sha256sum', { cwd: root, encoding: 'utf8' }), sums);
  });
});

describe('PullSize', () => {
  it('asks once, as soon as all archives of a pull together are huge', async () => {
    const asked: SyncQuestion[] = [];
    const size = new PullSize((question) => asked.push(question) > 0);
    await size.check({ files: 15_000, bytes: 1 });
    size.add({ files: 15_000, bytes: 1 });
    await size.check({ files: 5_000, bytes: 1 });
    assert.deepEqual(asked, []);
    await size.check({ files: 5_001, bytes: 1 });
    await size.check({ files: 6_000, bytes: 900_000_000 });
    assert.deepEqual(asked, [{ kind: 'huge-pull', files: 20_001, bytes: 2 }]);
  });
});

describe('PullReceiver', () => {
  let root: string;

  beforeEach(() => {
    root = temporaryFolder();
  });
  after(removeTemporary);

  async function receive(
    entries: readonly (Partial<Header> & { name: string; content?: string })[],
    paths = [''],
  ): Promise<Received> {
    const archive = pack();
    for (const { content, ...header } of entries) archive.entry(header, content ?? '');
    archive.finalize();
    const receiver = new PullReceiver(
      new Core({ root, storageDir: temporaryFolder(), remoteRoot: '/workspace', rules: {} }),
    );
    receiver.begin({ sandboxId: 's', paths, dirty: [], allowed: [] });
    for await (const part of archive as AsyncIterable<Buffer>) await receiver.take(part);
    return receiver.end();
  }

  it('refuses paths that point outside the folder', async () => {
    const names = ['../x', '/etc/x', 'C:x', 'a/../../x', 'a//b', './../x', 'a/./b', 'back\\slash', '.modal-sync/gen'];
    const result = await receive(names.map((name) => ({ name, content: 'x' })));
    assert.deepEqual([result.written, result.refused.length], [[], names.length]);
  });

  it("refuses paths that weren't requested", async () => {
    const result = await receive(
      [
        { name: 'asked/x', content: 'x' },
        { name: 'asked-not', content: 'x' },
      ],
      ['asked'],
    );
    assert.deepEqual([result.written, result.refused.map(({ path }) => path)], [['asked/x'], ['asked-not']]);
  });

  it('refuses devices, hard links, and links that point outside the folder', async () => {
    const result = await receive([
      { name: 'a', type: 'link', linkname: '/etc/passwd' },
      { name: 'b', type: 'symlink', linkname: '/etc/passwd' },
      { name: 'c', type: 'symlink', linkname: '../../x' },
      { name: 'd', type: 'fifo' },
      { name: 'e', type: 'character-device', devmajor: 1, devminor: 3 },
    ]);
    assert.deepEqual([result.written, result.refused.length], [[], 5]);
  });

  it("doesn't write through a link from the same archive", async () => {
    const result = await receive([
      { name: 'real/x', content: 'mine' },
      { name: 'l', type: 'symlink', linkname: 'real' },
      { name: 'l/x', content: 'theirs' },
    ]);
    assert.equal(readFileSync(join(root, 'real/x'), 'utf8'), 'mine');
    assert.deepEqual(
      result.refused.map(({ path }) => path),
      ['l/x'],
    );
  });

  /** Returns true if a path in the folder leads out of it. One that leads nowhere doesn't. */
  function leadsOut(path: string): boolean {
    try {
      return relative(realpathSync(root), realpathSync(join(root, path))).startsWith('..');
    } catch {
      return false;
    }
  }

  it('refuses links that lead outside only together, in any order', async () => {
    const link = (name: string, linkname: string) => ({ name, type: 'symlink', linkname }) as const;
    const chains = [
      [link('sub/up', '..'), link('out', 'sub/up/..')],
      [link('a/b/up', '../..'), link('out', 'a/b/up/../x')],
      [link('sub/one', '../two/..'), link('two', 'sub/..')],
      [link('out', 'later/..'), link('later', '.')],
      [link('a/one', '../b/two'), link('b/two', '../..')],
      [link('one', 'two/../..'), link('two', 'three'), link('three', 'sub')],
      [link('sub/x/up', '../..'), link('sub/y', 'x/up/../z')],
      [link('here', './/sub/./'), link('out', 'here/../..')],
    ];
    for (const chain of chains)
      for (const entries of [chain, chain.toReversed()]) {
        const { refused, written } = await receive([{ name: 'sub/file', content: 'x' }, ...entries]);
        assert.deepEqual(written.filter(leadsOut), []);
        assert.ok(refused.length > 0, JSON.stringify(entries));
        for (const { name } of entries) rmSync(join(root, name), { force: true });
      }
  });

  it("refuses links that lead outside through the folder's own links", async () => {
    symlinkSync(temporaryFolder(), join(root, 'data'));
    const { written } = await receive([
      { name: 'direct', type: 'symlink', linkname: 'data/x' },
      { name: 'early', type: 'symlink', linkname: 'late/data/x' },
      { name: 'late', type: 'symlink', linkname: '.' },
      { name: 'deep/fine', type: 'symlink', linkname: '../deep/x' },
    ]);
    assert.deepEqual(written, ['late', 'deep/fine']);
    assert.equal(existsSync(join(root, 'early')), false);
  });

  it('reports a link that is here already as up to date, whatever it points to', async () => {
    symlinkSync('not-here/../x', join(root, 'own'));
    const { same, refused } = await receive([{ name: 'own', type: 'symlink', linkname: 'not-here/../x' }]);
    assert.deepEqual([same, refused], [['own'], []]);
  });

  it('refuses sizes that are no numbers, sparse files, and unknown types', async () => {
    const bytesOf = async (entry: Header, change: (header: Buffer) => void = () => {}) => {
      const archive = pack();
      archive.entry(entry, 'content');
      archive.finalize();
      const bytes = await buffer(archive);
      change(bytes);
      bytes.fill(' ', 148, 156);
      const sum = bytes.subarray(0, 512).reduce((all, byte) => all + byte, 0);
      bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
      return bytes.subarray(0, entry.pax ? 2048 : 1024);
    };
    const header = (name: string): Header =>
      ({ name, mode: 0o644, mtime: new Date(0), type: 'file', size: 7 }) as Header;
    const refused = [
      await bytesOf(header('letters'), (bytes) => bytes.write('7abc\0\0\0\0\0\0\0\0', 124)),
      await bytesOf(header('negative'), (bytes) => bytes.write('00000000007-', 124)),
      await bytesOf(header('old-sparse'), (bytes) => bytes.write('S', 156)),
      await bytesOf({ ...header('new-sparse'), pax: { 'GNU.sparse.major': '1' } }),
      await bytesOf(header('unknown'), (bytes) => bytes.write('Z', 156)),
    ];
    const fine = await bytesOf(header('fine'), (bytes) => bytes.write('     7 \0\0\0\0\0', 124));
    const receiver = new PullReceiver(
      new Core({ root, storageDir: temporaryFolder(), remoteRoot: '/workspace', rules: {} }),
    );
    receiver.begin({ sandboxId: 's', paths: [''], dirty: [], allowed: [] });
    await receiver.take(Buffer.concat([...refused, fine, Buffer.alloc(1024)]));
    const result = await receiver.end();
    assert.deepEqual(result.written, ['fine']);
    assert.deepEqual(
      result.refused,
      ['letters', 'negative', 'old-sparse', 'new-sparse', 'unknown'].map((path) => ({
        path,
        reason: strings.unsupportedFormat(),
      })),
    );
  });

  it('stops at more entries than anyone wants, and keeps what came before', async () => {
    const archive = pack();
    for (let at = 0; at < 5; at += 1) archive.entry({ name: `many/${at}` }, 'content');
    archive.finalize();
    const core = new Core({ root, storageDir: temporaryFolder(), remoteRoot: '/workspace', rules: {} });
    const receiver = new PullReceiver(core, 3);
    receiver.begin({ sandboxId: 's', paths: [''], dirty: [], allowed: [] });
    await receiver.take(await buffer(archive)).catch(() => {});
    await assert.rejects(receiver.end(), { message: strings.tooManyEntries(3) });
    assert.deepEqual(readdirSync(join(root, 'many')), ['0', '1', '2']);
  });

  it('takes nothing after the end of the archive, also behind long names', async () => {
    const bytesOf = async (entries: { name: string }[]) => {
      const archive = pack();
      for (const entry of entries) archive.entry(entry, 'content');
      archive.finalize();
      return buffer(archive);
    };
    const long = (letter: string) => ({ name: `${letter.repeat(90)}/${letter.repeat(90)}` });
    const [before, after] = [
      [{ name: 'a' }, long('b'), { name: 'c' }],
      [{ name: 'd' }, long('e'), { name: 'f' }],
    ];
    const receiver = new PullReceiver(
      new Core({ root, storageDir: temporaryFolder(), remoteRoot: '/workspace', rules: {} }),
    );
    receiver.begin({ sandboxId: 's', paths: [''], dirty: [], allowed: [] });
    const bytes = Buffer.concat([await bytesOf(before), await bytesOf(after)]);
    for (let at = 0; at < bytes.length; at += 700) await receiver.take(bytes.subarray(at, at + 700));
    const { written, refused } = await receiver.end();
    assert.deepEqual(
      written,
      before.map(({ name }) => name),
    );
    assert.deepEqual(
      refused,
      after.map(({ name }) => ({ path: name, reason: strings.afterEnd() })),
    );
  });

  it('takes each name only once', async () => {
    const result = await receive([
      { name: 'x', content: 'first' },
      { name: 'x', content: 'second' },
    ]);
    assert.equal(readFileSync(join(root, 'x'), 'utf8'), 'first');
    assert.equal(result.refused.length, 1);
  });

  it("says that what was sent isn't an archive", async () => {
    const receiver = new PullReceiver(
      new Core({ root, storageDir: temporaryFolder(), remoteRoot: '/workspace', rules: {} }),
    );
    receiver.begin({ sandboxId: 's', paths: [''], dirty: [], allowed: [] });
    const notArchive = { message: strings.notArchive() };
    // More than what is taken in without waiting.
    await assert.rejects(async () => {
      for (let piece = 0; piece < 100; piece += 1) await receiver.take(Buffer.alloc(65_536, 'x'));
    }, notArchive);
    await assert.rejects(receiver.end(), notArchive);
  });
});
