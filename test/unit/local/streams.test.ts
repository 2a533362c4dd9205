import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { InvalidError, type Sandbox } from 'modal';
import type { Channel } from 'nice-grpc';
import type { ExecRef } from '../../../local/grpc/wire.ts';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { type RawRouter, rawRouter } from './raw-clients.ts';

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

    it("doesn't block a command whose output isn't read", async () => {
      const process = await sandbox.exec(['sh', '-c', 'head -c 50000000 /dev/zero; exit 5']);
      assert.equal(await process.wait(), 5);
    });

    it('uses a bounded amount of memory for output and input of any length', async () => {
      const out = await sandbox.exec(['head', '-c', '600000000', '/dev/zero']);
      assert.equal(await out.wait(), 0);
      const into = await sandbox.exec(['wc', '-c'], { mode: 'binary' });
      const piece = Buffer.alloc(1_000_000);
      await into._stdinWriteStream({
        async *readFrom(offset: number) {
          for (let at = offset; at < 600_000_000; at += piece.length) yield piece;
        },
      });
      assert.equal(String(Buffer.from(await into.stdout.readBytes())), '600000000\n');
      const peakKiB = /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${bench.server.pid}/status`, 'utf8'))?.[1];
      assert.ok(Number(peakKiB) < 400 * 1024, `peak memory: ${peakKiB} KiB`);
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
