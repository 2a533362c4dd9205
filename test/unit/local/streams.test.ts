import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { globSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { mock } from 'node:test';
import { InvalidError, type Sandbox } from 'modal';
import type { Channel } from 'nice-grpc';
import { HELPER_PATH as FILE_HELPER } from '../../../local/execs/files-api.ts';
import { MAX_KEPT_BYTES, Spool } from '../../../local/execs/spool.ts';
import type { ExecRef } from '../../../local/grpc/wire.ts';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { type RawRouter, rawRouter } from './raw-clients.ts';

const MiB = 1024 * 1024;

describe('Local Modal command streams', () => {
  let bench: Workbench;
  let sandbox: Sandbox;
  let router: RawRouter;
  let channel: Channel;
  let taskId: string;
  before(async () => {
    bench = await startWorkbench();
    sandbox = await bench.modal.sandboxes.create(bench.app, bench.image);
    taskId = (await bench.modal.cpClient.sandboxGetTaskIdV2({ sandboxId: sandbox.sandboxId })).taskId ?? '';
    const { jwt } = await bench.modal.cpClient.sandboxGetCommandRouterAccess({ sandboxId: sandbox.sandboxId });
    ({ router, channel } = await rawRouter(bench.server.url, jwt));
  });
  after(() => {
    channel.close();
    return bench.server.stop();
  });
  afterEach(() => bench.server.control.clearFaults());

  async function start(...commandArgs: string[]): Promise<{ taskId: string; execId: string }> {
    const ref = { taskId, execId: randomUUID() };
    await router.taskExecStart({ ...ref, commandArgs, stdoutConfig: 1, stderrConfig: 1 });
    return ref;
  }

  /** Returns the number of bytes of a command's output that are on the disk. */
  function keptOnDisk({ sandboxId }: Sandbox, execId: string): number {
    const files = globSync(path.join(bench.server.dataDir, 'sandboxes', sandboxId, '**', `${execId}.*`));
    return files.reduce((sum, file) => sum + statSync(file).size, 0);
  }

  async function read(ref: ExecRef, offset = 0): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    for await (const { data } of router.taskExecStdioRead({ ...ref, offset, fileDescriptor: 0 })) chunks.push(data);
    return Buffer.concat(chunks);
  }

  describe('stdin by offset', () => {
    it('ignores repeated stdin writes', async () => {
      const ref = await start('cat');
      await router.taskExecStdinWrite({ ...ref, offset: 0, data: Buffer.from('abc') });
      await router.taskExecStdinWrite({ ...ref, offset: 0, data: Buffer.from('abc') });
      await router.taskExecStdinWrite({ ...ref, offset: 2, data: Buffer.from('cde'), eof: true });
      await router.taskExecStdinWrite({ ...ref, offset: 2, data: Buffer.from('cde'), eof: true });
      assert.equal(String(await read(ref)), 'abcde');
    });

    it('rejects stdin writes beyond the current offset and after the end', async () => {
      const ref = await start('cat');
      await router.taskExecStdinWrite({ ...ref, offset: 0, data: Buffer.from('abc') });
      const ahead = router.taskExecStdinWrite({ ...ref, offset: 7, data: Buffer.from('x') });
      await assert.rejects(ahead, /FAILED_PRECONDITION/);
      await router.taskExecStdinWrite({ ...ref, offset: 0, data: new Uint8Array(), eof: true });
      const late = router.taskExecStdinWrite({ ...ref, offset: 3, data: Buffer.from('x') });
      await assert.rejects(late, /FAILED_PRECONDITION/);
    });
  });

  describe('stdin as a stream', () => {
    async function* messages(ref: ExecRef, offset: number, ...parts: (string | undefined)[]) {
      yield { start: { ...ref, offset } };
      for (const part of parts) yield part === undefined ? { end: {} } : { data: Buffer.from(part) };
    }

    it('keeps stdin open after an interrupted stream, which can be resumed', async () => {
      const ref = await start('cat');
      await router.taskExecStdinWriteStream(messages(ref, 0, 'one '));
      assert.deepEqual(await router.taskExecStdinStatus(ref), { numBytesWritten: 4, closed: false });
      const gap = router.taskExecStdinWriteStream(messages(ref, 9, 'x', undefined));
      await assert.rejects(gap, /FAILED_PRECONDITION/);
      await router.taskExecStdinWriteStream(messages(ref, 4, 'two', undefined));
      assert.equal(String(await read(ref)), 'one two');
      assert.deepEqual(await router.taskExecStdinStatus(ref), { numBytesWritten: 7, closed: true });
    });

    it('delivers stdin completely if the connection breaks several times', async () => {
      const content = randomBytes(6_000_000);
      await bench.server.control.addFault({ method: 'TaskExecStdinWriteStream', times: 3, cutAfterBytes: 1_000_000 });
      await sandbox.filesystem.writeBytes(content, '/resumed');
      const hash = createHash('sha256').update(content).digest('hex');
      assert.match(await bench.shell(sandbox, 'sha256sum /resumed'), new RegExp(hash));
    });

    it('delivers stdin only once if the last reply is lost', async () => {
      await bench.server.control.addFault({ method: 'TaskExecStdinWriteStream', times: 1, code: 14, when: 'after' });
      await sandbox.filesystem.writeText('once', '/once');
      assert.equal(await bench.shell(sandbox, 'cat /once'), 'once');
    });
  });

  describe('output', () => {
    it('provides output from any offset to several readers, both live and afterwards', async () => {
      const ref = await start('sh', '-c', 'for i in 0 1 2 3 4 5 6 7 8 9; do printf $i; sleep 0.05; done');
      const [all, part] = await Promise.all([read(ref), read(ref, 4)]);
      assert.deepEqual([String(all), String(part)], ['0123456789', '456789']);
      assert.equal(String(await read(ref, 8)), '89');
      assert.equal(String(await read(ref, 10)), '');
    });

    it('returns the same large output from disk as live', async () => {
      const ref = await start('sh', '-c', 'seq 1 5000000');
      const live = await read(ref);
      assert.equal(live.length, 38_888_896);
      assert.ok(live.equals(await read(ref)));
      assert.ok(live.subarray(1_234_567).equals(await read(ref, 1_234_567)));
    });

    it('resumes reading output after the connection breaks', async () => {
      await bench.server.control.addFault({ method: 'TaskExecStdioRead', times: 4, cutAfterBytes: 700_000 });
      const process = await sandbox.exec(['seq', '1', '1000000'], { mode: 'binary' });
      const output = Buffer.from(await process.stdout.readBytes());
      assert.equal(output.length, 6_888_896);
      assert.ok(output.toString().endsWith('999999\n1000000\n'));
    });

    it("lets a source wait that is far ahead of a reader, but not if that doesn't go on", async () => {
      const folder = await mkdtemp(path.join(tmpdir(), 'spool-'));
      const spool = new Spool(path.join(folder, 'out'));
      const startedAt = Date.now();
      // While time stands still, a reader that does so has just made progress.
      const clock = mock.method(Date, 'now', () => startedAt);
      try {
        spool.append(Buffer.alloc(MiB));
        const reader = spool.read(0, new AbortController().signal);
        await reader.next();
        await reader.next();
        const writing = (async () => {
          while (spool.keptBytes < 32 * MiB) await spool.append(Buffer.alloc(MiB));
        })();
        let seen: number[] = [];
        await waitFor(
          'the source to wait',
          30_000,
          async () => (seen = [...seen.slice(-9), spool.keptBytes]),
          ([first = 0, ...others]) => first > 4 * MiB && others.length === 9 && others.every((each) => each === first),
        );
        assert.ok(spool.keptBytes < 8 * MiB, `${spool.keptBytes} bytes`);
        clock.mock.restore();
        await writing;
        await reader.return(undefined);
      } finally {
        clock.mock.restore();
        await spool.dispose();
        await rm(folder, { recursive: true });
      }
    });

    it("doesn't block a command whose output isn't read", async () => {
      const process = await sandbox.exec(['sh', '-c', 'head -c 50000000 /dev/zero; exit 5']);
      assert.equal(await process.wait(), 5);
    });

    it('lets a command that writes without end wait until its output is read, as on a pipe', async () => {
      const ref = await start('sh', '-c', 'yes & echo $! > /yes; wait');
      const writtenBytes = async () => {
        const script = 'sed -n "s/^wchar: //p" "/proc/$(cat /yes)/io" || echo 0';
        return Number(await bench.shell(sandbox, `{ ${script}; } 2> /dev/null`));
      };
      // It has stopped writing when the same number is seen several times in a row.
      let seen: number[] = [];
      const settled = (leastBytes: number) =>
        waitFor(
          'the command to wait',
          60_000,
          async () => (seen = [...seen.slice(-4), await writtenBytes()]),
          ([one = 0, ...others]) => one >= leastBytes && others.length === 4 && others.every((each) => each === one),
        );
      const [first = 0] = await settled(MAX_KEPT_BYTES);
      assert.ok(first < MAX_KEPT_BYTES + 8 * MiB, `${first} bytes written`);
      let received = 0;
      for await (const { data } of router.taskExecStdioRead({ ...ref, offset: 0, fileDescriptor: 0 })) {
        received += data.length;
        if (received > 200 * MiB) break;
      }
      seen = [];
      const [second = 0] = await settled(200 * MiB);
      assert.ok(second < 360 * MiB, `${second} bytes written`);
      const kept = keptOnDisk(sandbox, ref.execId);
      assert.ok(kept > 64 * MiB && kept <= MAX_KEPT_BYTES + 24 * MiB, `${kept} bytes on the disk`);
      // What a reader got just before its connection broke can be read again, and what it got long ago can't.
      for await (const { data } of router.taskExecStdioRead({
        ...ref,
        offset: received - 8 * MiB,
        fileDescriptor: 0,
      })) {
        assert.match(Buffer.from(data.subarray(0, 10)).toString(), /^(y\n|\ny){5}$/);
        break;
      }
      await assert.rejects(read(ref), /OUT_OF_RANGE/);
      await bench.shell(sandbox, 'kill $(cat /yes)');
    }).timeout(120_000);

    it('keeps the output that was in the pipe when a command exited while it had to wait', async () => {
      const ref = await start('sh', '-c', `head -c ${MAX_KEPT_BYTES + 2 * MiB} /dev/zero & wait; echo; echo end`);
      assert.match((await read(ref)).subarray(-10).toString(), /\nend\n$/);
      await router.taskExecWait(ref);
    }).timeout(60_000);

    it('lets an entrypoint run on whose output is never read, and keeps only the latest of it', async () => {
      const total = MAX_KEPT_BYTES + 64 * MiB;
      const writer = await bench.modal.sandboxes.create(bench.app, bench.image, {
        command: ['sh', '-c', `head -c ${total} /dev/zero; echo; touch /done; sleep 1000`],
      });
      await waitFor(
        'the end of its output',
        60_000,
        () => bench.shell(writer, 'ls /done 2>/dev/null || true'),
        (listed) => listed !== '',
      );
      const kept = keptOnDisk(writer, 'entrypoint');
      assert.ok(kept > MiB && kept <= MAX_KEPT_BYTES + 24 * MiB, `${kept} bytes on the disk`);
      await writer.terminate({ wait: true });
    }).timeout(90_000);

    it('forgets the commands that exited first when there are many', async () => {
      const own = await bench.modal.sandboxes.create(bench.app, bench.image);
      const { taskId: ownTask = '' } = await bench.modal.cpClient.sandboxGetTaskIdV2({ sandboxId: own.sandboxId });
      const { jwt } = await bench.modal.cpClient.sandboxGetCommandRouterAccess({ sandboxId: own.sandboxId });
      const { router: ownRouter, channel: ownChannel } = await rawRouter(bench.server.url, jwt);
      const stat = [FILE_HELPER, JSON.stringify({ Stat: { path: '/' } })];
      const refs = Array.from({ length: 510 }, () => ({ taskId: ownTask, execId: randomUUID() }));
      for (const ref of refs) {
        await ownRouter.taskExecStart({ ...ref, commandArgs: stat, stdoutConfig: 1, stderrConfig: 1 });
        await ownRouter.taskExecWait(ref);
      }
      const polls = await Promise.allSettled(refs.map((ref) => ownRouter.taskExecPoll(ref)));
      ownChannel.close();
      const known = polls.map(({ status }) => status === 'fulfilled');
      assert.deepEqual(
        known,
        refs.map((_, at) => at >= 10),
      );
    }).timeout(60_000);

    it('uses a bounded amount of memory for output and input of any length', async () => {
      const length = 600_000_000;
      const out = await start('head', '-c', String(length), '/dev/zero');
      let received = 0;
      for await (const { data } of router.taskExecStdioRead({ ...out, offset: 0, fileDescriptor: 0 })) {
        received += data.length;
      }
      assert.equal(received, length);
      const into = await sandbox.exec(['wc', '-c'], { mode: 'binary' });
      const piece = Buffer.alloc(1_000_000);
      await into._stdinWriteStream({
        async *readFrom(offset: number) {
          for (let at = offset; at < length; at += piece.length) yield piece;
        },
      });
      assert.equal(String(Buffer.from(await into.stdout.readBytes())), `${length}\n`);
      const peakKiB = /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${bench.server.pid}/status`, 'utf8'))?.[1];
      // Node frees buffers late on a busy computer, but well before the bytes of one direction have come together.
      assert.ok(Number(peakKiB) < 520 * 1024, `peak memory: ${peakKiB} KiB`);
    }).timeout(60_000);

    it('ends the output when a command exits, even if a background process keeps the pipe open', async () => {
      const process = await sandbox.exec(['sh', '-c', 'sleep 300 & echo done']);
      assert.equal(await process.stdout.readText(), 'done\n');
      assert.equal(await process.wait(), 0);
    });

    it("discards output that isn't requested", async () => {
      const process = await sandbox.exec(['echo', 'unheard'], { stdout: 'ignore' });
      assert.equal(await process.wait(), 0);
      assert.equal(await process.stdout.readText(), '');
    });
  });

  it('starts a command only once for repeated requests', async () => {
    const ref = { taskId, execId: randomUUID() };
    const request = { ...ref, commandArgs: ['sh', '-c', 'echo x >> /starts'], stdoutConfig: 1, stderrConfig: 1 };
    await Promise.all([router.taskExecStart(request), router.taskExecStart(request)]);
    await router.taskExecWait(ref);
    await router.taskExecStart(request);
    assert.equal(await bench.shell(sandbox, 'cat /starts'), 'x\n');
  });

  it("rejects a working directory that doesn't exist, and an empty command", async () => {
    await assert.rejects(sandbox.exec(['true'], { workdir: '/no/such' }), /NOT_FOUND/);
    const empty = router.taskExecStart({ taskId, execId: randomUUID(), commandArgs: [] });
    await assert.rejects(empty, /INVALID_ARGUMENT/);
    await assert.rejects(sandbox.exec(['true'], { workdir: 'relative' }), (error: Error) => {
      assert.ok(error instanceof InvalidError || /INVALID_ARGUMENT/.test(error.message));
      return true;
    });
  });

  it('rejects a router token for another task, also in a stream of input', async () => {
    const other = await bench.modal.sandboxes.create(bench.app, bench.image);
    const { taskId: otherTask } = await bench.modal.cpClient.sandboxGetTaskIdV2({ sandboxId: other.sandboxId });
    const start = router.taskExecStart({ taskId: otherTask ?? '', execId: randomUUID(), commandArgs: ['true'] });
    await assert.rejects(start, /PERMISSION_DENIED/);
    const reading = await other.exec(['cat']);
    const { execId } = (await bench.server.control.running()).sandboxes
      .flatMap(({ id, execs }) => (id === other.sandboxId ? execs : []))
      .map(({ id }) => ({ execId: id }))[0] ?? { execId: '' };
    async function* input() {
      yield { start: { taskId: otherTask ?? '', execId, offset: 0 } };
      yield { data: Buffer.from('unasked') };
      yield { end: {} };
    }
    await assert.rejects(router.taskExecStdinWriteStream(input()), /PERMISSION_DENIED/);
    await reading.stdin.getWriter().close();
    assert.equal(await reading.stdout.readText(), '');
  });
});
