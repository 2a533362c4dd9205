import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EndedDetachedRun } from '../../../src/run/detached/detached-runs.ts';
import { resultOf } from '../../../src/run/detached/detached-runs.ts';
import type { RunRecord } from '../../../src/run/records/record.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { TestWindow, type WindowOptions } from '../../helpers/window.ts';

describe('A detached run', function () {
  this.timeout(60_000);
  let server: RunningLocalModal;
  let parent: string;
  let windows: TestWindow[];
  const program = fileURLToPath(new URL('../sandboxes/window-to-kill.ts', import.meta.url));

  before(async () => {
    server = await startLocalModal();
  });
  after(() => server.stop());
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'detached-'));
    await mkdir(join(parent, 'folder'));
    windows = [];
  });
  afterEach(async () => {
    for (const window of windows) {
      await Promise.all((await window.detached.all()).map((run) => window.detached.finish(run.id, undefined)));
      await window.close();
    }
    await rm(parent, { recursive: true });
  });

  const options = (id: string, profile: object = {}): WindowOptions => ({
    url: server.url,
    machineDir: join(parent, 'machine'),
    path: join(parent, 'folder'),
    profile: { hostVolume: true, ...profile },
    id,
    isBilled: true,
  });
  const open = async (id: string, profile?: object) => {
    const window = new TestWindow(options(id, profile));
    await window.machine.join();
    windows.push(window);
    return window;
  };
  const shows = (window: { shown: () => string }, text: string) =>
    waitFor(
      text,
      30_000,
      async () => window.shown(),
      (shown) => shown.includes(text),
    );
  /** Lets a window follow what others left, and returns what it notifies about. */
  const sweep = async (window: TestWindow) => {
    const ended: EndedDetachedRun[] = [];
    window.detached.onDidEnd((each) => ended.push(each));
    await window.detached.sweep();
    return ended;
  };
  const notifies = (ended: readonly EndedDetachedRun[][]) =>
    waitFor(
      'a notification of the end',
      30_000,
      async () => ended.flat(),
      ({ length }) => length > 0,
    );
  const isEmpty = (window: TestWindow) =>
    waitFor(
      'the end of all runs',
      30_000,
      () => window.detached.all(),
      (all) => all.length === 0,
    );
  const outputOf = async (window: TestWindow, record: RunRecord) => String((await window.records.output(record))?.head);

  it('keeps its output, exit code, and cost if its window is killed and its sandbox ends', async () => {
    const line = 'echo $API_KEY; for i in 1 2 3 4 5 6 7 8 9 10; do echo line $i >&2; sleep 0.1; done; exit 3';
    const child = spawn(process.execPath, [program, 'detach', JSON.stringify(options('killed')), line]);
    let shown = '';
    child.stdout.on('data', (data) => (shown += data));
    child.stderr.pipe(process.stderr);
    await shows({ shown: () => shown }, 'line 3');
    const killed = once(child, 'exit');
    child.kill('SIGKILL');
    await killed;

    const window = await open('next');
    const [run] = await window.detached.all();
    assert.ok(run);
    const [running] = await window.records.latest(1, () => true);
    assert.equal(running?.end, undefined);
    const { client } = await window.sessions.connection();
    const sandbox = await client.sandboxes.fromId(run.sandboxId);
    // Another window shows it from its beginning.
    let viewed = '';
    const output = (bytes: Uint8Array) => (viewed += Buffer.from(bytes).toString());
    const signal = AbortSignal.timeout(30_000);
    const end = await window.detached.view(run, { signal, output, gap: () => assert.fail('a gap') });
    assert.match(viewed, /^planted-in-task\nline 1\nline 2\n.*\nline 10\n$/s);
    assert.equal(resultOf(run, end).exitCode, 3);

    await sandbox.terminate({ wait: true });
    const ended = await sweep(window);
    await notifies([ended]);
    const [record] = await window.records.latest(1, () => true);
    assert.ok(record?.end);
    assert.equal(await outputOf(window, record), viewed.replace('planted-in-task', '***'));
    const { exitCode, outcome, costUsd = 0, pricePerHourUsd = 0, durationMs } = record.end;
    assert.deepEqual([exitCode, outcome, ended.length], [3, 'exited', 1]);
    assert.ok(durationMs > 500 && Math.abs(costUsd - (pricePerHourUsd * durationMs) / 3_600_000) < 1e-9);
    assert.ok(costUsd > 0);
    assert.deepEqual(await sweep(await open('later')), []);
  });

  it('keeps its output and exit code if it was started like any other, and then kept, and its window is killed', async () => {
    const line = 'printf "line 1\\n"; sleep 1; printf "line 2 of %s\\n" $(tty); exit 5';
    const child = spawn(process.execPath, [program, 'keep', JSON.stringify(options('keeping')), line]);
    let shown = '';
    child.stdout.on('data', (data) => (shown += data));
    child.stderr.pipe(process.stderr);
    await shows({ shown: () => shown }, 'kept');
    const killed = once(child, 'exit');
    child.kill('SIGKILL');
    await killed;
    const window = await open('next');
    const [run] = await window.detached.all();
    const ended = await sweep(window);
    await notifies([ended]);
    const [record] = await window.records.latest(1, () => true);
    assert.ok(record && run);
    assert.deepEqual([record.id, record.end?.exitCode, ended.length], [run.id, 5, 1]);
    assert.match(await outputOf(window, record), /^line 1\r\nline 2 of \/dev\/\S+\r\n$/);
  });

  it('outlives the close of its window, is followed by one other window, and can be stopped from there', async () => {
    const first = await open('first');
    const started = first.startDetached('trap "echo bye; exit 4" INT; echo hello; sleep 60 & wait');
    await shows(started, 'hello');
    const [run] = await first.detached.all();
    assert.ok(run);
    assert.deepEqual(await sweep(await open('second')), [], 'the first window follows it');
    await first.close();
    await first.detached.finish(run.id, undefined);
    const [second, third] = [windows[1] as TestWindow, await open('third')];
    const ended = [await sweep(second), await sweep(third)];
    const programs = async () => [second, third].flatMap(({ commands }) => commands.in(run.sandboxId));
    await waitFor('a window that follows it', 30_000, programs, ({ length }) => length > 0);
    assert.equal((await programs()).length, 1);
    await third.detached.stop(run);
    await notifies(ended);
    await isEmpty(third);
    assert.equal(ended.flat().length, 1);
    const [record] = await third.records.latest(1, () => true);
    assert.ok(record);
    assert.deepEqual([record.end?.exitCode, await outputOf(third, record)], [4, 'hello\nbye\n']);
    assert.equal((await started.run.done).exitCode, 4);
  });

  it('keeps the start and the end of a long output, and tells where a part is missing', async () => {
    const window = await open('one', { hostVolume: false });
    const { run } = window.startDetached('head -c 60000000 /dev/zero | tr "\\0" x; echo end');
    const { exitCode, sandboxId = '' } = await run.done;
    assert.equal(exitCode, 0);
    await window.records.flush();
    const [record] = await window.records.latest(1, () => true);
    assert.ok(record?.end);
    assert.equal(record.end.output.bytes, 60_000_004);
    assert.equal((await window.records.output(record))?.tail.subarray(-5).toString(), 'xend\n');
    const facts = { id: run.id, at: 0, accountId: '', sandboxId, preparedMs: 0 };
    let [read, missing] = [0, 0];
    const end = await window.detached.view(facts, {
      signal: AbortSignal.timeout(30_000),
      output: (bytes) => (read += bytes.length),
      gap: (bytes) => (missing += bytes),
    });
    assert.ok(read < 30_000_000 && missing > 0, `${read} read, ${missing} missing`);
    assert.deepEqual([read + missing, resultOf(facts, end).exitCode], [60_000_004, 0]);
  });

  it('reports a missing program, and stops if it is canceled', async () => {
    const window = await open('one');
    const missing = await window.startDetached('', { programs: [{ argv: ['no-such-program'] }] }).run.done;
    assert.match(missing.error ?? '', /no-such-program/);
    const { run, shown } = window.startDetached('echo started; sleep 60');
    await shows({ shown }, 'started');
    run.cancel();
    assert.equal((await run.done).exitCode, 130);
    await isEmpty(window);
  });
});
