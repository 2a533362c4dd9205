import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Sandbox } from 'modal';
import { Tag } from '../../../src/modal/sandboxes.ts';
import { dropIfEnded } from '../../../src/sandboxes/drop-ended.ts';
import { KeptRecords } from '../../../src/sandboxes/kept/records.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { TestWindow, type WindowOptions } from '../../helpers/window.ts';

const DOCKERFILE = { image: { dockerfile: 'Dockerfile' } };

/** Writes a counter, and prints each value once it is on the disk. */
const COUNTER = `i=0; while :; do i=$((i+1)); echo $i > /c.part; sync /c.part; mv /c.part /counter; echo $i; sleep 0.02; done`;

describe('Files of sandboxes that have ended', function () {
  this.timeout(60_000);
  let server: RunningLocalModal;
  let dir: string;
  let windows: TestWindow[];

  before(async () => {
    server = await startLocalModal();
  });
  after(() => server.stop());
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'kept-'));
    await mkdir(join(dir, 'folder'));
    windows = [];
  });
  afterEach(async () => {
    await Promise.all(windows.map((each) => each.close()));
    await rm(dir, { recursive: true });
    assert.deepEqual((await server.control.running()).sandboxes, []);
  });

  async function open(options: Partial<WindowOptions> = {}): Promise<TestWindow> {
    const id = `window-${windows.length}`;
    const [machineDir, path] = [join(dir, 'machine'), join(dir, 'folder')];
    const window = new TestWindow({ url: server.url, machineDir, path, id, ...options });
    await window.machine.join();
    windows.push(window);
    return window;
  }

  async function shell(sandbox: Sandbox, line: string): Promise<string> {
    return (await sandbox.exec(['sh', '-c', line])).stdout.readText();
  }

  /** Starts the counter, and resolves with a function that returns its last value on the disk. */
  async function count(sandbox: Sandbox): Promise<() => Promise<number>> {
    const counter = await sandbox.exec(['sh', '-c', COUNTER]);
    let last = 0;
    const reading = (async () => {
      let text = '';
      for await (const part of counter.stdout) {
        text += part;
        last = Number(text.split('\n').at(-2) ?? 0);
      }
    })().catch(() => {});
    await waitFor(
      'the counter',
      10_000,
      async () => last,
      (value) => value > 2,
    );
    return async () => {
      await reading;
      return last;
    };
  }

  /** Starts the counter as a program that keeps no sandbox from being idle. Resolves with a value that is on the disk. */
  async function countInBackground(sandbox: Sandbox): Promise<number> {
    await shell(sandbox, `(${COUNTER}) >/dev/null 2>&1 &`);
    const read = async () => Number(await shell(sandbox, 'cat /counter 2>/dev/null || echo 0'));
    return waitFor('the counter', 10_000, read, (value) => value > 2);
  }

  const valueIn = async (sandbox: Sandbox) => Number(await shell(sandbox, 'cat /counter'));

  /** Waits until the window knows that its sandbox has ended. */
  async function knowsEnd({ sessions, folder }: TestWindow, sandbox: Sandbox): Promise<void> {
    const find = async () => {
      await dropIfEnded(sessions, sandbox);
      return sessions.sandboxOf(folder, 'default');
    };
    await waitFor('the end of the sandbox', 15_000, find, (found) => found === undefined);
  }

  /** Starts a sandbox, writes its files, and ends it. */
  async function ended(window: TestWindow, line = 'echo kept > /kept'): Promise<Sandbox> {
    const { sandbox } = await window.sessions.acquire(window.folder);
    await shell(sandbox, line);
    await sandbox.terminate();
    await knowsEnd(window, sandbox);
    return sandbox;
  }

  const ends = {
    'its window closes': async (window) => window.close(),
    'it is terminated from elsewhere': async (_, sandbox) => sandbox.terminate(),
    'it is preempted': async (_, { sandboxId }) => server.control.preempt(sandboxId),
    'its lifetime ends': async () => {},
  } satisfies Record<string, (window: TestWindow, sandbox: Sandbox) => Promise<unknown>>;

  for (const [end, make] of Object.entries(ends)) {
    it(`come back in the next run if ${end} while a program writes`, async () => {
      const profile = end === 'its lifetime ends' ? { timeoutMs: 4_000 } : {};
      const first = await open({ profile });
      const { sandbox, isNew } = await first.sessions.acquire(first.folder);
      assert.ok(isNew);
      const lastValue = await count(sandbox);
      await make(first, sandbox);
      const last = await lastValue();
      const next = end === 'its window closes' ? await open({ profile }) : first;
      await knowsEnd(next, sandbox);
      const session = await next.sessions.acquire(next.folder);
      assert.equal(session.taken, 'resumed');
      assert.notEqual(session.sandbox.sandboxId, sandbox.sandboxId);
      const value = await valueIn(session.sandbox);
      assert.ok(value === last || value === last + 1, `${value} after ${last}`);
      assert.equal((await server.control.running()).sandboxes.length, 1, 'nothing else is billed');
    });
  }

  it('come back if its idle timeout ends while a program writes, also a second time', async () => {
    const window = await open({ profile: { idleTimeoutMs: 1_000 } });
    const { sandbox } = await window.sessions.acquire(window.folder);
    const first = await countInBackground(sandbox);
    await knowsEnd(window, sandbox);
    const again = await window.sessions.acquire(window.folder);
    const second = await valueIn(again.sandbox);
    assert.ok(second >= first, `${second} after ${first}`);
    await shell(again.sandbox, 'echo 1000000 > /counter');
    await knowsEnd(window, again.sandbox);
    const third = await window.sessions.acquire(window.folder);
    assert.equal(third.taken, 'resumed');
    assert.equal(await valueIn(third.sandbox), 1_000_000);
  });

  for (const isAdopted of [true, false])
    it(`come back if the process of its window is killed, ${isAdopted ? 'before' : 'after'} its idle timeout`, async () => {
      const profile = { idleTimeoutMs: isAdopted ? 60_000 : 1_000 };
      const options = { url: server.url, machineDir: join(dir, 'machine'), path: join(dir, 'folder'), profile };
      const program = fileURLToPath(new URL('./window-to-kill.ts', import.meta.url));
      const args = [program, 'hold', JSON.stringify({ ...options, id: 'killed' })];
      const process = spawn(execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const exited = once(process, 'exit');
      const [sandboxId] = String((await once(process.stdout, 'data'))[0]).split('\n');
      assert.ok(sandboxId);
      const sandbox = await server.client().sandboxes.fromId(sandboxId);
      const first = await countInBackground(sandbox);
      process.kill('SIGKILL');
      await exited;
      if (!isAdopted)
        await waitFor(
          'the idle timeout',
          15_000,
          () => sandbox.poll(),
          (code) => code !== null,
        );
      const next = await open({ profile });
      const session = await next.sessions.acquire(next.folder);
      assert.equal(session.taken, isAdopted ? 'left behind' : 'resumed');
      assert.equal(session.sandbox.sandboxId === sandboxId, isAdopted);
      const value = await valueIn(session.sandbox);
      assert.ok(value >= first, `${value} after ${first}`);
      assert.equal((await server.control.running()).sandboxes.length, 1, 'nothing else is billed');
    });

  it('take at most two round trips more than a fresh start, and come with the name, ports, and tags', async () => {
    const calls = async ({ sessions, folder, starter }: TestWindow) => {
      // What is done in the background is counted, too.
      await Promise.all([sessions.connection(), starter.kept?.settled()]);
      await starter.endings?.sweep();
      await server.control.resetCalls();
      const { sandbox } = await sessions.acquire(folder);
      await starter.kept?.settled();
      const counts = Object.values(await server.control.calls());
      return { sandbox, count: counts.reduce((sum, count) => sum + count, 0) };
    };
    const first = await open({ profile: { ports: [8000] } });
    const fresh = await calls(first);
    await fresh.sandbox.setTags({ ...(await fresh.sandbox.getTags()), [Tag.label]: 'my name', mine: 'yes' });
    await first.close();
    const resumed = await calls(await open({ profile: { ports: [8000] } }));
    const tags = await resumed.sandbox.getTags();
    assert.deepEqual([tags[Tag.label], tags.mine, tags[Tag.window]], ['my name', 'yes', 'window-1']);
    assert.ok((await resumed.sandbox.tunnels())[8000]);
    assert.ok(resumed.count <= fresh.count + 2, `${resumed.count} calls, and ${fresh.count} for a fresh start`);
  });

  it('are deleted once newer ones are saved, and if they are too old or discarded', async () => {
    const window = await open();
    const images = async () => {
      await window.starter.kept?.settled();
      const records = await new KeptRecords(window.machine).all();
      return records.flatMap(({ saved, before }) => [saved?.imageId, before?.imageId]).filter((id) => id !== undefined);
    };
    const modal = server.client();
    const exists = (id: string) =>
      modal.images.fromId(id).then(
        () => true,
        () => false,
      );
    await ended(window);
    const [first = ''] = await images();
    await window.sessions.acquire(window.folder);
    assert.deepEqual(await images(), [first], 'it is the only copy while the sandbox runs');
    assert.ok(await exists(first));
    await ended(window);
    const [second = '', ...others] = await images();
    assert.notEqual(second, first);
    assert.deepEqual([others, await exists(first), await exists(second)], [[], false, true]);

    await window.sessions.acquire(window.folder);
    assert.ok(await window.sessions.startAfresh(window.folder, 'default'));
    const { isNew, resumption } = await window.sessions.acquire(window.folder);
    assert.deepEqual([isNew, resumption], [true, undefined]);
    await window.starter.kept?.settled();
    assert.deepEqual([await images(), await exists(second)], [[], false]);

    const { sandboxId } = await ended(window);
    const [third = ''] = await images();
    const eightDaysAgo = Date.now() - 8 * 86_400_000;
    await new KeptRecords(window.machine).change(sandboxId, { saved: { imageId: third, savedAt: eightDaysAgo } });
    assert.equal((await window.sessions.acquire(window.folder)).isNew, true);
    await window.starter.kept?.settled();
    assert.equal(await exists(third), false);
  });

  it('are deleted if the user terminates the sandbox', async () => {
    const window = await open();
    await ended(window);
    const sandbox = await ended(window);
    await window.sessions.noteTermination(sandbox.sandboxId);
    const { isNew, resumption } = await window.sessions.acquire(window.folder);
    assert.deepEqual([isNew, resumption], [true, undefined]);
    await window.starter.kept?.settled();
    const records = (await new KeptRecords(window.machine).all()).map(({ sandboxId }) => sandboxId);
    assert.equal(records.includes(sandbox.sandboxId), false);
  });

  const changes: Record<string, { before?: object; after?: object; refusal: string }> = {
    'the profile': { after: { cpu: 2 }, refusal: 'profile' },
    'its public ports': { after: { ports: [8000] }, refusal: 'profile' },
    'its environment file': { before: { envFile: 'my.env' }, refusal: 'profile' },
    'the Dockerfile of its image': { before: DOCKERFILE, after: DOCKERFILE, refusal: 'image' },
  };
  for (const [what, { before = {}, after = {}, refusal }] of Object.entries(changes))
    it(`don't come back after a change of ${what}, and the run is told so`, async () => {
      await writeFile(join(dir, 'folder', 'Dockerfile'), 'FROM python:3.13-slim\nRUN echo one > /version\n');
      await writeFile(join(dir, 'folder', 'my.env'), 'A=1\n');
      const first = await open({ profile: before });
      await ended(first);
      await writeFile(join(dir, 'folder', 'Dockerfile'), 'FROM python:3.13-slim\nRUN echo two > /version\n');
      const next = await open({ profile: after });
      await first.close();
      const { isNew, resumption, sandbox } = await next.sessions.acquire(next.folder);
      assert.deepEqual([isNew, resumption], [true, { refusal }]);
      assert.equal(await shell(sandbox, 'cat /kept 2>/dev/null || echo none'), 'none\n');
    });

  it("don't come back in another folder, account, or window that is still open", async () => {
    const window = await open();
    const sandbox = await ended(window);
    await mkdir(join(dir, 'other'));
    const others = [await open({ path: join(dir, 'other') }), await open({ isBilled: true }), await open()];
    for (const other of others) assert.equal((await other.sessions.acquire(other.folder)).isNew, true);
    assert.equal((await window.sessions.acquire(window.folder)).taken, 'resumed', sandbox.sandboxId);
  });

  it('are saved by the window before it ends the sandbox itself if the account has no exit snapshots', async () => {
    await server.control.addFault({ method: 'SandboxGetExitSnapshotV2', code: 12, times: 100 });
    try {
      const window = await open();
      const { sandbox } = await window.sessions.acquire(window.folder);
      await window.starter.kept?.settled();
      await shell(sandbox, 'echo kept > /kept');
      await window.close();
      const next = await open();
      const session = await next.sessions.acquire(next.folder);
      assert.equal(session.taken, 'resumed');
      assert.equal(await shell(session.sandbox, 'cat /kept'), 'kept\n');
      await next.starter.kept?.settled();
      await session.sandbox.terminate();
      await knowsEnd(next, session.sandbox);
      const again = await next.sessions.acquire(next.folder);
      assert.equal(await shell(again.sandbox, 'cat /kept'), 'kept\n', 'the older files are better than none');
    } finally {
      await server.control.clearFaults();
    }
  });

  it('are reported as lost if they were deleted elsewhere', async () => {
    const window = await open();
    await ended(window);
    await window.starter.kept?.settled();
    const [kept] = await new KeptRecords(window.machine).all();
    await server.client().images.delete(kept?.saved?.imageId ?? '');
    const { isNew, resumption } = await window.sessions.acquire(window.folder);
    assert.deepEqual([isNew, resumption], [true, { refusal: 'lost' }]);
  });

  it('are given up if no sandbox can be started with them', async () => {
    const window = await open();
    await ended(window);
    await server.control.addFault({ method: 'SandboxCreateV2', code: 9, times: 1 });
    const { isNew, resumption, sandbox } = await window.sessions.acquire(window.folder);
    assert.deepEqual([isNew, resumption], [true, { refusal: 'refused' }]);
    assert.equal(await shell(sandbox, 'cat /kept 2>/dev/null || echo none'), 'none\n');
  });

  it("aren't kept if the profile says so", async () => {
    const window = await open({ profile: { keep: 'never' } });
    await ended(window);
    assert.deepEqual(await new KeptRecords(window.machine).all(), []);
    assert.equal((await window.sessions.acquire(window.folder)).isNew, true);
  });
});
