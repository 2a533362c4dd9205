import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Sandbox, SandboxExecParams } from 'modal';
import { limitedFilesystem } from '../../../src/modal/file-tools.ts';
import {
  contentOf,
  type RemoteChange,
  RemoteFileError,
  type RemoteFiles,
  readAll,
} from '../../../src/modal/remote-files.ts';
import { sandboxFiles } from '../../../src/modal/sandbox-files.ts';
import { SandboxWatch } from '../../../src/modal/sandbox-watch.ts';
import { strings } from '../../../src/modal/strings.ts';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { Time } from '../../helpers/time.ts';
import { waitFor } from '../../helpers/wait-for.ts';

const MiB = 1024 * 1024;
const problem = (expected: string) => (error: unknown) =>
  error instanceof RemoteFileError && error.problem === expected ? true : assert.fail(String(error));

describe('sandboxFiles', () => {
  let bench: Workbench;
  let sandbox: Sandbox;
  let files: RemoteFiles;
  before(async () => {
    bench = await startWorkbench();
    sandbox = await bench.modal.sandboxes.create(bench.app, bench.image);
    files = sandboxFiles(async () => sandbox);
  });
  after(() => bench.server.stop());

  const shell = (line: string) => bench.shell(sandbox, line);
  const write = (path: string, text: string) => files.write(path, contentOf(Buffer.from(text)));
  const read = async (path: string) => String(await readAll(files, path, 1024 * MiB));

  /** A running command keeps its sandbox awake. */
  const noReaderIsLeft = () =>
    waitFor(
      'the reader to end',
      10_000,
      async () => (await bench.server.control.running()).sandboxes.flatMap(({ execs }) => execs),
      (execs) => execs.length === 0,
    );

  it('reports sizes, times, types, permissions, and the targets of links', async () => {
    await shell(
      'mkdir -p /list/folder && cd /list && echo hello > file && ln -s file to-file && ln -s folder to-folder && ln -s nothing broken && ln -s to-folder twice && chmod 444 file && touch -d @1700000000 file && mkfifo pipe',
    );
    const found = await files.list('/list');
    assert.deepEqual(
      found.map(({ name, type, target }) => [name, type, target]),
      [
        ['broken', 'symlink', undefined],
        ['file', 'file', undefined],
        ['folder', 'directory', undefined],
        ['pipe', 'other', undefined],
        ['to-file', 'symlink', 'file'],
        ['to-folder', 'symlink', 'directory'],
        ['twice', 'symlink', 'directory'],
      ],
    );
    const file = await files.stat('/list/file');
    assert.deepEqual([file.bytes, file.modifiedMs, file.isReadOnly], [6, 1_700_000_000_000, true]);
    const link = await files.stat('/list/to-file');
    assert.deepEqual([link.type, link.target, link.bytes], ['symlink', 'file', 6]);
    assert.equal((await files.stat('/list/twice')).target, 'directory');
    assert.equal((await files.stat('/list/broken')).target, undefined);
  });

  it('refuses a listing that is too long', async () => {
    await shell('mkdir -p /many && cd /many && for at in $(seq 50); do : > "$at"; done');
    const limits = { maxBytes: 2_000, timeoutMs: 10_000 };
    const limited = await limitedFilesystem(sandbox, limits);
    await assert.rejects(limited.listFiles('/many'), { message: strings.answerTooLong('2.0 KB') });
    assert.equal((await limited.stat('/many')).type, 'directory');
  });

  it('has the sandbox stop each of its commands in time, in case the window is lost', async () => {
    const timeouts: (number | undefined)[] = [];
    const exec: Sandbox['exec'] = (argv: string[], params: SandboxExecParams = {}) => {
      timeouts.push(params.timeoutMs);
      return sandbox.exec(argv, params as SandboxExecParams & { mode: 'binary' }) as never;
    };
    const noted = sandboxFiles(async () => ({ exec }) as Sandbox);
    await noted.write('/noted/file', contentOf(Buffer.from('x')));
    await noted.list('/noted');
    await noted.stat('/noted/file');
    await readAll(noted, '/noted/file', 10);
    await noted.copy('/noted/file', '/noted/copy');
    await noted.rename('/noted/copy', '/noted/moved');
    await noted.makeDirectory('/noted/folder');
    await noted.remove('/noted');
    assert.equal(timeouts.length, 8);
    for (const timeoutMs of timeouts) assert.ok((timeoutMs ?? Number.POSITIVE_INFINITY) <= 600_000, `${timeouts}`);
  });

  it('reads, writes, renames, copies, and removes files', async () => {
    await write('/work/a/b.txt', 'one');
    await files.copy('/work/a', '/work/copied');
    await files.rename('/work/a', '/work/moved');
    assert.deepEqual([await read('/work/copied/b.txt'), await read('/work/moved/b.txt')], ['one', 'one']);
    await files.remove('/work/copied');
    await assert.rejects(files.stat('/work/copied'), problem('notFound'));
    await files.makeDirectory('/work/new/below');
    assert.deepEqual(await files.list('/work/new/below'), []);
  });

  it('streams large files and keeps their permissions', async () => {
    const bytes = randomBytes(20 * MiB);
    await shell('echo before > /large.bin && chmod 750 /large.bin');
    let sent = 0;
    await files.write('/large.bin', contentOf(bytes), { onSent: (count) => (sent += count) });
    assert.equal(sent, bytes.length);
    assert.equal((await shell('stat -c %a /large.bin; ls -a / | grep modal-upload || true')).trim(), '750');
    let largest = 0;
    const parts: Uint8Array[] = [];
    for await (const part of files.read('/large.bin', { maxBytes: bytes.length })) {
      largest = Math.max(largest, part.length);
      parts.push(part);
    }
    assert.ok(Buffer.concat(parts).equals(bytes));
    assert.ok(largest <= 4 * MiB, `${largest} bytes at once`);
    await assert.rejects(readAll(files, '/large.bin', 10 * MiB), {
      message: strings.tooLargeToRead('/large.bin', 10),
    });
  });

  it('keeps the old file, and no temporary one, if writing is canceled', async () => {
    await write('/kept.bin', 'old');
    const cancel = new AbortController();
    const options = { signal: cancel.signal, onSent: () => cancel.abort() };
    await assert.rejects(files.write('/kept.bin', contentOf(randomBytes(20 * MiB)), options), { name: 'AbortError' });
    await waitFor(
      'the temporary file to be removed',
      10_000,
      () => shell('ls -a / | grep modal-upload || true'),
      (text) => text === '',
    );
    assert.equal(await read('/kept.bin'), 'old');
  });

  it('reports the kind of each problem', async () => {
    await write('/wrong/file', 'x');
    await assert.rejects(read('/nothing'), problem('notFound'));
    await assert.rejects(read('/wrong'), problem('isDirectory'));
    await assert.rejects(files.list('/wrong/file'), problem('notDirectory'));
    await assert.rejects(files.list('/nothing'), problem('notFound'));
    await assert.rejects(write('/wrong', 'x'), problem('isDirectory'));
    await assert.rejects(files.write('/wrong', contentOf(Buffer.alloc(9 * MiB))), problem('isDirectory'));
    await assert.rejects(files.rename('/nothing', '/else'), problem('notFound'));
  });

  it('refuses pipes and devices, also through a link, and leaves no reader behind', async () => {
    await shell('mkdir /odd && cd /odd && mkfifo pipe && ln -s pipe to-pipe');
    for (const path of ['/odd/pipe', '/odd/to-pipe', '/dev/zero'])
      await assert.rejects(read(path), { problem: 'unavailable', message: strings.notRegularFile(path) });
    await noReaderIsLeft();
  });

  it('ends the reader in the sandbox when nobody reads any more', async () => {
    await shell('head -c 50000000 /dev/zero > /zeros');
    for await (const _ of files.read('/zeros', { maxBytes: 50_000_000 })) break;
    const cancel = new AbortController();
    await assert.rejects(
      async () => {
        for await (const _ of files.read('/zeros', { signal: cancel.signal, maxBytes: 50_000_000 })) cancel.abort();
      },
      { name: 'AbortError' },
    );
    await noReaderIsLeft();
  });

  it('gives up on a sandbox that sends nothing, and ends its reader', async () => {
    const silent = await bench.modal.sandboxes.create(bench.app, bench.image);
    await bench.shell(
      silent,
      "printf '#!/bin/sh\\nexec sleep 1000\\n' > /usr/local/bin/cat && chmod +x /usr/local/bin/cat",
    );
    const time = new Time();
    const reading = readAll(
      sandboxFiles(async () => silent, time),
      '/etc/passwd',
      MiB,
    );
    const refused = assert.rejects(reading, { message: strings.stoppedSending('/etc/passwd') });
    await waitFor(
      'the reader to wait',
      10_000,
      async () => time.next(),
      (waiting) => waiting.length > 0,
    );
    await time.pass(60_000);
    await refused;
    await noReaderIsLeft();
  });

  for (const name of ['two words', 'it’s "quoted" \'x\'', '🚀 rocket', 'two\nlines', '-rf', 'a*[b]$HOME`id`']) {
    it(`handles the name ${JSON.stringify(name)}`, async () => {
      await write(`/names/${name}`, name);
      assert.equal(await read(`/names/${name}`), name);
      await files.copy(`/names/${name}`, `/names/${name}.copy`);
      await files.rename(`/names/${name}.copy`, `/names/${name}.moved`);
      assert.equal(await read(`/names/${name}.moved`), name);
      assert.ok((await files.list('/names')).some((entry) => entry.name === name));
      await files.remove('/names');
    });
  }

  it('reports that the sandbox has stopped', async () => {
    const ended = await bench.modal.sandboxes.create(bench.app, bench.image);
    const gone = sandboxFiles(async () => ended);
    await gone.write('/a', contentOf(Buffer.from('x')));
    await ended.terminate({ wait: true });
    for (const work of [
      () => gone.stat('/a'),
      () => gone.list('/'),
      () => readAll(gone, '/a', MiB),
      () => gone.write('/a', contentOf(new Uint8Array())),
      () => gone.rename('/a', '/b'),
    ]) {
      await assert.rejects(work, (error: Error) => {
        assert.ok(problem('gone')(error));
        assert.equal(error.message, strings.sandboxFilesGone());
        return true;
      });
    }
  });

  describe('SandboxWatch', () => {
    /** A user who leaves and returns when the test says so. */
    class FakeUser {
      isAwake = true;
      #listeners = new Set<() => void>();
      onDidChange = (listener: () => void) => {
        this.#listeners.add(listener);
        return { dispose: () => this.#listeners.delete(listener) };
      };
      set(isAwake: boolean): void {
        this.isAwake = isAwake;
        for (const listener of this.#listeners) listener();
      }
    }

    let user: FakeUser;
    let watch: SandboxWatch;
    let changes: string[];
    const record = (reported: RemoteChange[]) => {
      for (const { kind, path } of reported) changes.push(`${kind} ${path}`);
    };
    const reported = (expected: string) =>
      waitFor(
        expected,
        10_000,
        async () => changes,
        (all) => all.includes(expected),
      );
    /**
     * Starts another watch, whose command comes after all earlier ones, and checks how many commands there are then.
     */
    const anotherWatches = async (commands: number) => {
      const other = new SandboxWatch({ sandbox: async () => sandbox, attention: new FakeUser() });
      const watching = other.watch('/watched', true, () => {});
      const started = async () => (await bench.server.control.calls()).TaskExecStart ?? 0;
      await waitFor('the commands to start', 10_000, started, (count) => count >= commands);
      assert.equal(await started(), commands);
      watching.stop();
    };
    beforeEach(async () => {
      user = new FakeUser();
      watch = new SandboxWatch({ sandbox: async () => sandbox, attention: user });
      changes = [];
      await shell('rm -rf /watched && mkdir -p /watched/below');
    });

    it('reports created, changed, renamed, and removed files at any depth', async () => {
      const watching = watch.watch('/watched', true, record);
      await waitFor(
        'a first change',
        10_000,
        async () => {
          await shell('date > /watched/first');
          return changes;
        },
        (all) => all.length > 0,
      );
      await shell('echo 1 > /watched/below/new');
      await reported('created /watched/below/new');
      await shell('mv /watched/below/new /watched/below/renamed');
      await reported('deleted /watched/below/new');
      await reported('created /watched/below/renamed');
      await shell('echo 2 >> /watched/below/renamed');
      await reported('changed /watched/below/renamed');
      await shell('mv /watched/below/renamed /tmp/outside');
      await reported('deleted /watched/below/renamed');
      await shell('rm /watched/first');
      await reported('deleted /watched/first');
      watching.stop();
    });

    it('needs one command for a folder and everything watched inside it', async () => {
      await bench.server.control.resetCalls();
      const all = [
        watch.watch('/watched', true, record),
        watch.watch('/watched/below', false, record),
        watch.watch('/watched/below/a', false, record),
        watch.watch('/watched', false, record),
        watch.watch('/watched', true, record),
      ];
      await anotherWatches(2);
      for (const each of all) each.stop();
    });

    it('reports once that the sandbox has stopped', async () => {
      const other = await bench.modal.sandboxes.create(bench.app, bench.image);
      let gone = 0;
      const ended = new SandboxWatch({
        sandbox: () => bench.modal.sandboxes.fromId(other.sandboxId),
        attention: user,
        onGone: () => (gone += 1),
      });
      const watching = ended.watch('/etc', false, record);
      await other.terminate({ wait: true });
      await waitFor(
        'the report',
        10_000,
        async () => gone,
        (times) => times > 0,
      );
      const ofEnded = sandboxFiles(() => bench.modal.sandboxes.fromId(other.sandboxId));
      await assert.rejects(ofEnded.list('/'), problem('gone'));
      watching.stop();
      assert.equal(gone, 1);
    });

    it('pauses while the user is away, and then reports the watched path as changed', async () => {
      user.isAwake = false;
      await bench.server.control.resetCalls();
      const watching = watch.watch('/watched', true, record);
      await anotherWatches(1);
      user.set(true);
      user.set(false);
      user.set(true);
      assert.ok(changes.includes('changed /watched'));
      watching.stop();
    });
  });
});
