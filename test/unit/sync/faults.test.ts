import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs, { readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { mock } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Sandbox } from 'modal';
import { isSandboxGone } from '../../../src/modal/errors.ts';
import type { Source } from '../../../src/modal/exec.ts';
import { explain } from '../../../src/modal/explain/explain.ts';
import { APPLY_SCRIPT, parseReply } from '../../../src/sync/push/apply-script.ts';
import { strings } from '../../../src/sync/strings.ts';
import { Core } from '../../../src/sync/worker/core.ts';
import { engineFor, inSandbox, localTree, remoteTree } from './sandboxes.ts';
import { engine, root, sandbox, sandboxes, withEach } from './setup.ts';
import { removeTemporary, temporaryFolder, writeTree } from './temporary.ts';

describe('SyncEngine.push with a failing connection', () => {
  withEach();

  it('resumes where the connection was cut, however often that happens', async () => {
    writeTree(root, { 'a.bin': randomBytes(3_000_000), 'b/c.bin': randomBytes(2_000_000) });
    for (const bytes of [1, 100_000, 777_777])
      await sandboxes.server.control.addFault({ method: 'TaskExecStdinWriteStream', times: 1, cutAfterBytes: bytes });
    await engine.push(sandbox);
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
  });

  it("throws if the connection doesn't come back, and recovers with the next push", async () => {
    writeTree(root, { a: 'a', b: 'b' });
    await engine.push(sandbox);
    writeTree(root, { a: 'changed', 'new/c': 'c', 'big.bin': randomBytes(500_000) });
    rmSync(join(root, 'b'));
    await sandboxes.server.control.addFault({ method: 'TaskExecStdinWriteStream', code: 9 });
    await assert.rejects(engine.push(sandbox));
    assert.equal(await inSandbox(sandbox, 'cat a b; ls .modal-sync'), 'abgen\nm\nstamp\n');
    await sandboxes.server.control.clearFaults();
    rmSync(join(root, 'new'), { recursive: true });
    await engine.push(sandbox);
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
  });

  it('recovers with the next push when only the reply was lost', async () => {
    writeTree(root, { a: 'a' });
    await engine.push(sandbox);
    writeTree(root, { a: 'b', c: 'c' });
    await sandboxes.server.control.addFault({ method: 'TaskExecStdioRead', code: 9 });
    await assert.rejects(engine.push(sandbox));
    await sandboxes.server.control.clearFaults();
    rmSync(join(root, 'c'));
    await engine.push(sandbox);
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
  });

  it('reports that the sandbox has stopped', async () => {
    writeTree(root, { a: 'a' });
    await sandbox.terminate();
    await assert.rejects(engine.push(sandbox), isSandboxGone);
  });

  it("changes nothing if the folder can't be written, and names the folder", async () => {
    writeTree(root, { a: 'a' });
    const elsewhere = engineFor(root, { remoteRoot: '/proc/nowhere' });
    await assert.rejects(elsewhere.push(sandbox), /\/proc\/nowhere/);
    await elsewhere.dispose();
    const onFile = engineFor(root, { remoteRoot: '/etc/passwd' });
    await assert.rejects(onFile.push(sandbox), /\/etc\/passwd isn't a folder/);
    await onFile.dispose();
  });

  it("changes nothing if the sandbox's disk is full, says so, and succeeds once there is room", async () => {
    await inSandbox(sandbox, 'mkdir /small && mount -t tmpfs -o size=2m tmpfs /small', '/');
    const small = engineFor(root, { remoteRoot: '/small/root' });
    writeTree(root, { a: 'old', gone: 'x' });
    await small.push(sandbox);
    const before = await inSandbox(sandbox, 'ls -A . .modal-sync', '/small/root');
    await inSandbox(sandbox, 'head -c 4m /dev/zero > /small/filler; true', '/');
    writeTree(root, { a: 'new', 'big.bin': randomBytes(300_000) });
    rmSync(join(root, 'gone'));
    await assert.rejects(small.push(sandbox), { message: strings.sandboxDiskFull() });
    assert.equal(await inSandbox(sandbox, 'cat a; ls -A . .modal-sync', '/small/root'), `old${before}`);
    await inSandbox(sandbox, 'rm /small/filler', '/');
    await small.push(sandbox);
    assert.deepEqual(await remoteTree(sandbox, '/small/root'), localTree(root));
    await small.dispose();
  });

  it('starts over, and forgets nothing, when the connection resumes at a point that is no longer kept', async () => {
    writeTree(root, { 'a.bin': randomBytes(12_000_000), b: 'b', c: 'c' });
    await engine.push(sandbox);
    await inSandbox(sandbox, 'echo own > own');
    writeTree(root, { 'a.bin': randomBytes(12_000_000), c: 'changed' });
    rmSync(join(root, 'b'));
    const { sandbox: losing, execs } = resumedTooLate(sandbox);
    const { files, deleted } = await engine.mirror(losing, ['own']);
    assert.deepEqual([files, deleted, execs()], [2, 2, 2]);
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
    rmSync(join(root, 'c'));
    assert.equal((await engine.push(sandbox)).deleted, 1);
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
  });

  it('completes over a slow and unreliable network', async () => {
    writeTree(root, { 'a.bin': randomBytes(400_000), b: 'b' });
    await sandboxes.server.control.addFault({ method: '*', delayMs: 100, jitterMs: 50 });
    await sandboxes.server.control.addFault({ method: 'TaskExecStdinWriteStream', times: 2, cutAfterBytes: 150_000 });
    let reports = 0;
    await engine.push(sandbox, { onProgress: () => (reports += 1) });
    assert.ok(reports > 0);
    await sandboxes.server.control.clearFaults();
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
  });
});

/** Wraps a sandbox so that the first connection is cut at its end and resumes at its very beginning. */
function resumedTooLate(sandbox: Sandbox): { sandbox: Sandbox; execs: () => number } {
  let execs = 0;
  const exec = async (argv: string[], options: { readonly mode: 'binary' }) => {
    const process = await sandbox.exec(argv, options);
    execs += 1;
    if (execs > 1) return process;
    const _stdinWriteStream = async (source: Source) => {
      for (const offset of [0, 1]) for await (const _ of source.readFrom(offset));
    };
    return { stdout: process.stdout, closeStdin: () => process.closeStdin(), _stdinWriteStream };
  };
  return { sandbox: { sandboxId: sandbox.sandboxId, exec } as unknown as Sandbox, execs: () => execs };
}

describe('A folder on a network drive', () => {
  let stale: string | undefined;
  before(() => {
    for (const name of ['lstatSync', 'readdirSync', 'openSync'] as const) {
      const original = fs[name] as (...args: unknown[]) => unknown;
      const failing = (path: string, ...rest: unknown[]) => {
        if (path !== stale) return original(path, ...rest);
        throw Object.assign(new Error('ESTALE: stale NFS file handle'), { code: 'ESTALE', path });
      };
      mock.method(fs, name, failing as never);
    }
    syncBuiltinESMExports();
  });
  after(() => {
    mock.restoreAll();
    syncBuiltinESMExports();
    removeTemporary();
  });

  it('that is gone, or parts of which are, is left as it is in the sandbox, with a sentence', () => {
    const local = temporaryFolder();
    writeTree(local, { 'a.txt': 'a', 'sub/b.txt': 'b', 'sub/c.txt': 'c' });
    const core = new Core({ root: local, storageDir: temporaryFolder(), remoteRoot: '/workspace', rules: {} });
    const prepare = (fresh: boolean) => core.prepare({ sandboxId: 's', fresh });
    prepare(true);
    const { next } = core.open('s');
    while (core.next('s', next, 'raw').bytes);
    core.commit('s');
    stale = local;
    const { message, actions } = explain(thrownBy(() => prepare(false)));
    assert.equal(message, `The network drive is no longer connected (${local}). Reconnect it, and then try again.`);
    assert.deepEqual(actions, ['retry']);
    for (const path of ['sub', 'a.txt']) {
      stale = join(local, path);
      const { isEmpty, skipped } = prepare(false);
      assert.equal(isEmpty, true);
      assert.deepEqual(skipped, [{ path, reason: strings.driveDisconnected() }]);
    }
    stale = undefined;
    writeTree(local, { 'a.txt': 'new' });
    const { puts, deletes, skipped } = prepare(false);
    assert.deepEqual([puts, deletes, skipped], [1, 0, []]);
  });
});

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return assert.fail('nothing failed');
}

describe('The apply script', () => {
  after(removeTemporary);

  /** Returns a push by the core for a sandbox that holds `before`. */
  function pushOf(setup: {
    before: Record<string, string>;
    after: Record<string, string>;
    without: readonly string[];
  }) {
    const local = temporaryFolder();
    const remote = join(temporaryFolder(), 'root');
    const core = new Core({ root: local, storageDir: temporaryFolder(), remoteRoot: remote, rules: {} });
    const next = () => {
      core.prepare({ sandboxId: 's', fresh: true });
      const opened = core.open('s');
      const parts: Uint8Array[] = [];
      const piece = () => core.next('s', opened.next, 'raw').bytes;
      for (let bytes = piece(); bytes; bytes = piece()) parts.push(bytes);
      return { ...opened, archive: Buffer.concat(parts) };
    };
    writeTree(local, setup.before);
    const first = next();
    assert.equal(parseReply(apply(remote, first, first.archive, 'raw')).kind, 'ok');
    core.commit('s');
    writeTree(local, setup.after);
    for (const path of setup.without) rmSync(join(local, path));
    return { local, remote, core, push: next() };
  }

  function apply(
    remote: string,
    { next, accept }: { next: string; accept: readonly string[] },
    input: Buffer,
    how: string,
    shell: readonly string[] = ['sh'],
    env = process.env,
  ): string {
    const [program = 'sh', ...rest] = shell;
    const args = [...rest, '-c', APPLY_SCRIPT, 'modal-sync', remote, next, '0', ...accept];
    return spawnSync(program, args, { input: Buffer.concat([Buffer.from(`${how}\n`), input]), encoding: 'utf8', env })
      .stdout;
  }

  const setup = {
    before: { 'a.txt': 'old', 'sub/b.txt': 'old', 'gone.txt': 'x' },
    after: { 'a.txt': 'new', 'sub/b.txt': 'new', 'sub/c.txt': 'new', 'more/d.txt': 'new' },
    without: ['gone.txt'],
  };

  for (const how of ['raw', 'gzip'] as const)
    it(`changes nothing and reports it when a ${how} stream is cut anywhere, and succeeds when sent again`, () => {
      const { local, remote, push } = pushOf(setup);
      const whole = how === 'gzip' ? gzipSync(push.archive, { level: 1 }) : push.archive;
      const before = localTree(remote).filter((line) => !line.includes('.modal-sync'));
      // A tar archive ends with zeros. Cutting those has no effect.
      const end = how === 'gzip' ? whole.length - 1 : push.archive.lastIndexOf('ustar') + 512;
      for (let cut = 0; cut < end; cut += how === 'gzip' ? 41 : 512) {
        const reply = parseReply(apply(remote, push, whole.subarray(0, cut), how));
        assert.ok(['cut', 'failed'].includes(reply.kind), `cut at ${cut}: ${JSON.stringify(reply)}`);
        const left = localTree(remote).filter((line) => !line.includes('.modal-sync'));
        assert.deepEqual(left, before, `cut at ${cut}`);
      }
      assert.equal(parseReply(apply(remote, push, whole, how)).kind, 'ok');
      assert.deepEqual(localTree(remote), localTree(local));
      assert.equal(readFileSync(join(remote, '.modal-sync/gen'), 'utf8'), `${push.next}\n`);
    });

  const shells = [['dash'], ['bash'], ['busybox', 'sh']].filter(
    ([program]) => !spawnSync(program as string, ['-c', ':']).error,
  );

  it('renames what is in the way in dash, bash, and BusyBox', () => {
    for (const shell of shells) {
      const { remote, push } = pushOf({ ...setup, after: { ...setup.after, 'x\ny/z': 'new', 'file\n': 'new' } });
      writeTree(remote, { more: 'own', 'x\ny': 'own', 'file\n/own': 'own' });
      const reply = parseReply(apply(remote, push, push.archive, 'raw', shell));
      assert.ok(reply.kind === 'ok', JSON.stringify(reply));
      assert.deepEqual(
        [...reply.movedAside].sort(),
        ['file\n.sandbox', 'more.sandbox', 'x\ny.sandbox'],
        shell.join(' '),
      );
      assert.equal(readFileSync(join(remote, 'file\n.sandbox/own'), 'utf8'), 'own');
      assert.equal(readFileSync(join(remote, 'x\ny/z'), 'utf8'), 'new');
    }
  });

  it('renames what is in the way, whatever its name means to a shell', () => {
    const names = ['-rf', "it's $(x)", 'a\\b "c" *'];
    for (const shell of shells) {
      const added = Object.fromEntries(names.map((name, at) => [at === 1 ? `${name}/z` : name, 'new']));
      const { local, remote, push } = pushOf({ ...setup, after: added });
      for (const [at, name] of names.entries()) writeTree(remote, { [at === 1 ? name : `${name}/own`]: 'own' });
      const reply = parseReply(apply(remote, push, push.archive, 'raw', shell));
      assert.ok(reply.kind === 'ok', JSON.stringify(reply));
      const aside = names.map((name) => `${name}.sandbox`);
      assert.deepEqual([...reply.movedAside].sort(), aside.sort(), shell.join(' '));
      for (const name of aside) rmSync(join(remote, name), { recursive: true });
      assert.deepEqual(localTree(remote), localTree(local));
    }
  });

  it('has the same result in dash, bash, and BusyBox', () => {
    assert.ok(shells.length >= 2);
    for (const shell of shells) {
      const { local, remote, push } = pushOf(setup);
      assert.equal(parseReply(apply(remote, push, push.archive, 'raw', shell)).kind, 'ok', shell.join(' '));
      assert.deepEqual(localTree(remote), localTree(local));
    }
  });

  it('refuses to start from another generation', () => {
    const { remote, push } = pushOf(setup);
    const reply = parseReply(apply(remote, { ...push, accept: ['00000009.abcdef'] }, push.archive, 'raw'));
    assert.equal(reply.kind, 'drift');
  });

  it('refuses to start with too little free space, and reports how much there is', () => {
    const { remote, push } = pushOf(setup);
    const args = ['-c', APPLY_SCRIPT, 'modal-sync', remote, push.next, String(2 ** 50), ...push.accept];
    const reply = parseReply(spawnSync('sh', args, { input: push.archive, encoding: 'utf8' }).stdout);
    assert.equal(reply.kind, 'room');
    assert.ok(reply.kind === 'room' && reply.freeBytes > 0 && reply.neededBytes === 2 ** 60);
  });

  it('reads line breaks in the names of a reply', () => {
    for (const kind of ['conflict', 'link'] as const)
      assert.deepEqual(parseReply(`${kind.toUpperCase()} a b//c/d//`), { kind, path: 'a b\nc/d\n' });
    assert.deepEqual(parseReply('ASIDE x//y\nTHROUGH //z\nOK g gzip\n'), {
      kind: 'ok',
      tools: ['gzip'],
      writtenThrough: ['\nz'],
      movedAside: ['x\ny'],
    });
  });

  it('names a tool that the image lacks', () => {
    const { remote, push } = pushOf(setup);
    const args = ['-c', APPLY_SCRIPT, 'modal-sync', remote, push.next, '0', ...push.accept];
    const { stdout } = spawnSync('/bin/sh', args, { input: '', encoding: 'utf8', env: { PATH: '/nowhere' } });
    assert.deepEqual(parseReply(stdout), { kind: 'no-tool', tool: 'tar' });
  });

  const interpreters: Record<string, Record<string, string>> = {
    perl: { perl: programOf('perl', '-e', 'print $^X') },
    'no perl': {},
    'a broken perl': { perl: '/bin/false' },
  };
  for (const [name, programs] of Object.entries(interpreters))
    it(`has the same result for few and many files, and through links, with ${name}`, () => {
      const tools = pathWith(programs);
      for (const number of [10, 200]) {
        const names = Array.from({ length: number }, (_, at) => `d${at % 7}/e/f ${at}\n`);
        const { local, remote, push } = pushOf({
          before: Object.fromEntries(names.map((name) => [name, 'old'])),
          after: Object.fromEntries(names.map((name) => [name, `new ${name}`])),
          without: [names[3] as string],
        });
        renameSync(join(remote, 'd5'), join(remote, '../elsewhere'));
        symlinkSync('../elsewhere', join(remote, 'd5'));
        const said = apply(remote, push, push.archive, 'raw', ['/bin/sh'], { PATH: tools });
        const expected = { kind: 'ok', tools: name === 'perl' ? ['perl'] : [], writtenThrough: ['d5'], movedAside: [] };
        assert.deepEqual(parseReply(said), expected);
        rmSync(join(remote, 'd5'));
        renameSync(join(remote, '../elsewhere'), join(remote, 'd5'));
        assert.deepEqual(localTree(remote), localTree(local));
      }
    });
});

/** Returns the path of a program as it reports it, because the one on PATH may be a shell script. */
function programOf(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8' }).trim();
}

/** Returns a folder with the script's required tools and these programs. */
function pathWith(programs: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const name of [
    'tar',
    'xargs',
    'mv',
    'rm',
    'rmdir',
    'mkdir',
    'cat',
    'ln',
    'readlink',
    'find',
    'sleep',
    'tail',
    'head',
    'sort',
    'sh',
  ])
    symlinkSync(programOf('sh', '-c', `command -v ${name}`), join(folder, name));
  for (const [name, program] of Object.entries(programs)) symlinkSync(program, join(folder, name));
  return folder;
}
