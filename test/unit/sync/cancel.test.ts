import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { Sandbox } from 'modal';
import type { Source } from '../../../src/modal/exec.ts';
import { WorkerClient } from '../../../src/sync/worker/client.ts';
import { Core } from '../../../src/sync/worker/core.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { inSandbox, localTree, remoteTree } from './sandboxes.ts';
import { ending, engine, root, sandbox, sandboxes, withEach } from './setup.ts';
import { removeTemporary, temporaryFolder, writeTree } from './temporary.ts';

/** Blocks whatever reaches it until it is opened. */
class Gate {
  readonly reached: Promise<void>;
  open!: () => void;
  #reach!: () => void;
  readonly #opened = new Promise<void>((resolve) => (this.open = resolve));

  constructor() {
    this.reached = new Promise((resolve) => (this.#reach = resolve));
  }

  pass(): Promise<void> {
    this.#reach();
    return this.#opened;
  }
}

type Stage = 'starting' | 'sending' | 'applying';

/**
 * Wraps a sandbox so that its processes stop at a gate. `piecesAfter` counts the pieces sent after the one that was
 * blocked.
 */
function gated(sandbox: Sandbox, stage: Stage, gate: Gate): { sandbox: Sandbox; piecesAfter: () => number } {
  let after = 0;
  async function* pieces(source: Source, offset: number): AsyncGenerator<Uint8Array> {
    let sent = 0;
    for await (const piece of source.readFrom(offset)) {
      sent += 1;
      if (stage === 'sending' && sent === 2) await gate.pass();
      if (sent > 2) after += 1;
      yield piece;
    }
  }
  const exec = async (argv: string[], options: { readonly mode: 'binary' }) => {
    if (stage === 'starting') await gate.pass();
    const process = await sandbox.exec(argv, options);
    const stdout = new ReadableStream<Uint8Array>({
      async start(controller) {
        if (stage === 'applying') await gate.pass();
        for await (const chunk of process.stdout as AsyncIterable<Uint8Array>) controller.enqueue(chunk);
        controller.close();
      },
    });
    const _stdinWriteStream = (source: Source) =>
      process._stdinWriteStream({ readFrom: (offset) => pieces(source, offset) });
    return { stdout, closeStdin: () => process.closeStdin(), _stdinWriteStream };
  };
  return { sandbox: { sandboxId: sandbox.sandboxId, exec } as unknown as Sandbox, piecesAfter: () => after };
}

describe('SyncEngine.push when canceled', () => {
  withEach(() => {
    writeTree(root, { 'a.bin': randomBytes(6_000_000), 'b/c': 'c', 'b/d': 'd' });
  });

  /** Checks that the next push makes the sandbox equal, and that nothing is left of the canceled one. */
  async function assertHealed(): Promise<void> {
    await engine.push(sandbox);
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
    const expected = '/workspace\n.gitignore\ngen\nm\nstamp\n';
    const list = async () =>
      (await inSandbox(sandbox, 'ls -d /workspace*; ls -A .modal-sync')).replace(/stamp\..*\n/g, '');
    // A process that started late cleans up after itself.
    await waitFor('what the sandbox should have', 15_000, list, (seen) => seen === expected);
  }

  for (const [when, isFirst] of [
    ['a first', true],
    ['a later', false],
  ] as const)
    for (const stage of ['starting', 'sending', 'applying'] as const)
      it(`cancels ${when} push blocked while ${stage}, sends nothing more, and recovers with the next push`, async () => {
        if (!isFirst) {
          await engine.push(sandbox);
          writeTree(root, { 'a.bin': randomBytes(6_000_000), 'b/c': 'changed' });
          rmSync(join(root, 'b/d'));
        }
        const cancel = new AbortController();
        const gate = new Gate();
        const held = gated(sandbox, stage, gate);
        const pushing = engine.push(held.sandbox, { signal: cancel.signal, fresh: isFirst });
        await gate.reached;
        cancel.abort();
        await assert.rejects(pushing, { name: 'AbortError' });
        gate.open();
        await assertHealed();
        assert.equal(held.piecesAfter(), 0);
      });

  it('cancels a push during the scan without waiting for the thread', async () => {
    const cancel = new AbortController();
    const pushing = engine.push(sandbox, { signal: cancel.signal, fresh: true });
    let isAnswered = false;
    // The thread answers one call after another.
    const explained = Promise.resolve().then(() => engine.explain(['a.bin']));
    const answered = explained.then(() => (isAnswered = true));
    await Promise.resolve();
    cancel.abort();
    await assert.rejects(pushing, { name: 'AbortError' });
    assert.equal(isAnswered, false);
    await answered;
    await assertHealed();
  });

  it('cancels a push that waits for an earlier one, so that it never starts', async () => {
    const gate = new Gate();
    const first = engine.push(gated(sandbox, 'applying', gate).sandbox);
    await gate.reached;
    const cancel = new AbortController();
    const never = {
      sandboxId: sandbox.sandboxId,
      exec: () => assert.fail('the canceled push was started'),
    } as unknown as Sandbox;
    const second = engine.push(never, { signal: cancel.signal });
    cancel.abort();
    await assert.rejects(second, { name: 'AbortError' });
    gate.open();
    await first;
    await assertHealed();
  });

  it("doesn't cancel a push to another sandbox", async () => {
    const other = ending(await sandboxes.create());
    const gate = new Gate();
    const pushing = engine.push(gated(other, 'sending', gate).sandbox);
    await gate.reached;
    const cancel = new AbortController();
    const canceled = engine.push(sandbox, { signal: cancel.signal });
    gate.open();
    cancel.abort();
    await assert.rejects(canceled, { name: 'AbortError' });
    await pushing;
    assert.deepEqual(await remoteTree(other), localTree(root));
    await assertHealed();
  });
});

describe("A scan in the engine's thread", () => {
  after(removeTemporary);

  it('continues when a later scan is canceled', async () => {
    const root = writeTree(temporaryFolder(), { a: 'a', 'b/c': 'c' });
    const worker = new WorkerClient({ root, storageDir: temporaryFolder(), remoteRoot: '/workspace', rules: {} });
    const cancel = new AbortController();
    // The thread hasn't started when both are requested.
    const first = worker.sandbox('one').survey({ fresh: true });
    const second = worker.sandbox('two').survey({ fresh: true }, { signal: cancel.signal });
    cancel.abort();
    await assert.rejects(second, { name: 'AbortError' });
    assert.equal((await first).puts, 2);
    await worker.dispose();
  });

  it('checks for cancellation in every folder and between the parts of a large file', () => {
    const folders = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`d${at}/f`, 'x']));
    const root = writeTree(temporaryFolder(), { ...folders, 'big.bin': Buffer.alloc(20_000_000, 1) });
    let checks = 0;
    const core = new Core({ root, storageDir: temporaryFolder(), remoteRoot: '/workspace', rules: {} }, () => {
      checks += 1;
    });
    core.prepare({ sandboxId: 's', fresh: true });
    assert.ok(checks >= 20, `${checks}`);
    const { next } = core.open('s');
    while (core.next('s', next, 'raw').bytes);
    core.commit('s');
    checks = 0;
    utimesSync(join(root, 'big.bin'), 1, 1);
    core.prepare({ sandboxId: 's', fresh: false });
    assert.ok(checks >= 20 + 4, `${checks}`);
  });
});
