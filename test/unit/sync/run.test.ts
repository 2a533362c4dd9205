import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { PushResult } from '../../../src/sync/engine.ts';
import { RunMarkReader } from '../../../src/sync/push/run-preamble.ts';
import { engineFor, inSandbox, localTree, remoteTree } from './sandboxes.ts';
import { engine, root, sandbox, sandboxes, withEach } from './setup.ts';
import { writeTree } from './temporary.ts';

describe('SyncEngine.prepareRun', () => {
  withEach(() => {
    writeTree(root, { 'main.sh': 'cat data', data: 'one' });
  });

  /** Does what the executor does: prepares, runs with the script first, removes the mark, and settles. */
  async function run(command: string[], pty = false): Promise<{ output: string; attempts: number; files: number }> {
    for (let attempts = 1; ; attempts += 1) {
      const prepared = await engine.prepareRun(sandbox);
      const script = `${prepared.script}\nexec "$@"`;
      const process = await sandbox.exec(['sh', '-c', script, 'run', ...command], {
        mode: 'binary',
        pty,
        workdir: '/workspace',
      });
      const mark = new RunMarkReader();
      const parts: Uint8Array[] = [];
      let settled: Promise<PushResult | undefined> | undefined;
      for await (const chunk of process.stdout as AsyncIterable<Uint8Array>) {
        parts.push(mark.feed(chunk));
        if (mark.outcome) settled ??= prepared.settle(mark.outcome);
      }
      parts.push(mark.end());
      const synced = await (settled ?? prepared.settle(mark.outcome ?? { kind: 'unknown' }));
      if (synced) return { output: Buffer.concat(parts).toString(), attempts, files: synced.files };
      assert.ok(attempts < 5, 'the run never starts');
    }
  }

  async function callsOf(work: () => Promise<unknown>): Promise<Record<string, number>> {
    await sandboxes.server.control.resetCalls();
    await work();
    return sandboxes.server.control.calls();
  }

  it('sends a new folder before the run', async () => {
    assert.deepEqual(await run(['sh', 'main.sh']), { output: 'one', attempts: 1, files: 2 });
  });

  it('makes no requests of its own for small changes or none', async () => {
    await run(['sh', 'main.sh']);
    const bare = await callsOf(async () => {
      const process = await sandbox.exec(['cat', '/workspace/data'], { mode: 'binary' });
      for await (const _ of process.stdout as AsyncIterable<Uint8Array>);
    });
    assert.deepEqual(await callsOf(() => run(['sh', 'main.sh'])), bare);
    writeTree(root, { data: 'two', 'sub/new.txt': 'new' });
    rmSync(join(root, 'main.sh'));
    writeTree(root, { 'other.sh': 'cat data sub/new.txt' });
    let output = '';
    const calls = await callsOf(async () => {
      ({ output } = await run(['sh', 'other.sh']));
    });
    assert.deepEqual(calls, bare);
    assert.equal(output, 'twonew');
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
  });

  it("doesn't affect the program's arguments, input, and terminal", async () => {
    await run(['true']);
    writeTree(root, { data: 'again' });
    const { output } = await run(
      ['sh', '-c', 'printf "%s|" "$@"; test -t 0 && test -t 1 && cat data', 'x', 'a b', '', '$HOME'],
      true,
    );
    assert.equal(output, 'a b||$HOME|again');
  });

  it("pushes first if the change is too large for the run's command", async () => {
    await run(['true']);
    writeTree(root, { 'random.bin': randomBytes(100_000) });
    assert.deepEqual(await run(['sh', '-c', 'wc -c < random.bin']), { output: '100000\n', attempts: 1, files: 1 });
  });

  it('notices a sandbox at another generation before the program starts', async () => {
    await run(['true']);
    const other = engineFor(root);
    writeTree(root, { data: 'two' });
    await other.push(sandbox);
    writeTree(root, { data: 'three' });
    await other.push(sandbox);
    await other.dispose();
    writeTree(root, { extra: 'x' });
    const { output, attempts } = await run(['cat', 'data', 'extra']);
    assert.deepEqual([output, attempts], ['threex', 2]);
    assert.deepEqual(await run(['cat', 'data']), { output: 'three', attempts: 1, files: 0 });
  });

  it("sends the change again if the run's output didn't report an outcome", async () => {
    await run(['true']);
    writeTree(root, { data: 'two' });
    const prepared = await engine.prepareRun(sandbox);
    assert.equal(await prepared.settle({ kind: 'unknown' }), undefined);
    rmSync(join(root, 'main.sh'));
    assert.equal((await run(['cat', 'data'])).output, 'two');
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
  });

  it("overwrites a program's changes only if allowed, and asks once", async () => {
    await run(['true']);
    await inSandbox(sandbox, 'echo theirs > data');
    await engine.remoteChanges(sandbox);
    writeTree(root, { more: 'm' });
    const kept = await engine.prepareRun(sandbox, { onRemoteChange: 'keep' });
    const process = await sandbox.exec(['sh', '-c', `${kept.script}\ncat /workspace/data /workspace/more`]);
    assert.match(await process.stdout.readText(), /theirs\nm$/);
    await kept.settle({ kind: 'ok', tools: [], writtenThrough: [], movedAside: [] });
    let asked = 0;
    const ask = () => {
      asked += 1;
      return true;
    };
    writeTree(root, { 'random.bin': randomBytes(100_000) });
    const replaced = await engine.prepareRun(sandbox, { onRemoteChange: 'ask', ask });
    const settled = await replaced.settle({ kind: 'same' });
    assert.deepEqual([asked, settled?.replaced], [1, ['data']]);
    assert.equal((await run(['cat', 'data'])).output, 'one');
  });

  it('reports a link that was written through', async () => {
    await run(['true']);
    await inSandbox(sandbox, 'mkdir /tmp/real; ln -s /tmp/real sub');
    writeTree(root, { 'sub/x': 'x' });
    const prepared = await engine.prepareRun(sandbox);
    const process = await sandbox.exec(['sh', '-c', prepared.script], { mode: 'binary' });
    const mark = new RunMarkReader();
    for await (const chunk of process.stdout as AsyncIterable<Uint8Array>) mark.feed(chunk);
    assert.deepEqual((await prepared.settle(mark.outcome ?? { kind: 'unknown' }))?.writtenThrough, ['sub']);
    assert.equal(await inSandbox(sandbox, 'cat /tmp/real/x'), 'x');
  });

  it('waits for earlier runs and pushes', async () => {
    await run(['true']);
    writeTree(root, { data: 'two' });
    const [first, pushed, second] = await Promise.all([
      run(['cat', 'data']),
      engine.push(sandbox),
      run(['cat', 'data']),
    ]);
    assert.deepEqual([first.output, pushed.files, second.output], ['two', 0, 'two']);
  });

  it('recovers when the script fails in the sandbox', async () => {
    await run(['true']);
    writeTree(root, { data: 'two' });
    const before = await engine.prepareRun(sandbox);
    const broken = await sandbox.exec(['sh', '-c', `PATH=/nowhere\n${before.script}\necho started`], {
      mode: 'binary',
    });
    const mark = new RunMarkReader();
    for await (const chunk of broken.stdout as AsyncIterable<Uint8Array>) mark.feed(chunk);
    assert.equal(mark.outcome?.kind, 'failed');
    assert.equal(await before.settle(mark.outcome ?? { kind: 'unknown' }), undefined);
    assert.equal((await run(['cat', 'data'])).output, 'two');
    assert.equal(await inSandbox(sandbox, 'ls .modal-sync'), 'gen\nm\nstamp\n');
  });
});

describe('RunMarkReader', () => {
  it('removes only the mark, however its bytes are split', () => {
    const bytes = Buffer.from('\u001b]7770;sync;OK 00000002.abc  gzip\u0007\u001b]0;title\u0007hello');
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const reader = new RunMarkReader();
      const output = Buffer.concat([
        reader.feed(bytes.subarray(0, cut)),
        reader.feed(bytes.subarray(cut)),
        reader.end(),
      ]);
      assert.equal(output.toString(), '\u001b]0;title\u0007hello');
      assert.equal(reader.outcome?.kind, 'ok');
    }
  });

  it("doesn't wait for the mark after output of the program", () => {
    const reader = new RunMarkReader();
    assert.equal(
      Buffer.from(reader.feed(Buffer.from('\u001b]7770;no-program\u0007'))).toString(),
      '\u001b]7770;no-program\u0007',
    );
    assert.equal(reader.outcome?.kind, 'unknown');
  });
});
