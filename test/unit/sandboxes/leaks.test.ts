import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { wallClock } from '../../../src/base/clock.ts';
import { Prices } from '../../../src/modal/prices.ts';
import { listSandboxes } from '../../../src/modal/sandbox-list.ts';
import { SpendRecord } from '../../../src/sandboxes/cost/spend.ts';
import { MachineState } from '../../../src/sandboxes/machine-state.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { TestWindow, type WindowOptions } from '../../helpers/window.ts';

/** For each way in which a window ends. */
const ROUNDS = 25;
const PARALLEL_WINDOWS = 5;
const IDLE_MS = 10_000;
const PROFILE = { idleTimeoutMs: IDLE_MS, timeoutMs: 60_000 };
/** Marks the command lines of processes that outlive their run. */
const MARK = `leak-${process.pid}`;
/** Prints, and leaves a daemon behind that only the end of its sandbox stops. */
const LINE = `(setsid sh -c 'sleep 999; : ${MARK}' >/dev/null 2>&1 &); echo ran`;
const WINDOW_PROCESS = fileURLToPath(new URL('../../helpers/window-process.ts', import.meta.url));

describe('Sandboxes of windows', () => {
  let server: RunningLocalModal;
  let dir: string;
  let count = 0;

  beforeEach(async () => {
    server = await startLocalModal();
    dir = await mkdtemp(join(tmpdir(), 'leaks-'));
  });
  afterEach(async () => {
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  });

  /** The options of a window, by default on a new folder. Every other window keeps a sandbox warm. */
  async function optionsOf(path?: string): Promise<WindowOptions> {
    const id = `w${++count}`;
    const folder = path ?? join(dir, `folder-${id}`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'a.txt'), id);
    const profile = { ...PROFILE, ...(count % 2 === 0 && { warm: {} }) };
    return { url: server.url, machineDir: join(dir, 'machine'), path: folder, profile, id, isBilled: true };
  }

  async function open(path?: string): Promise<TestWindow> {
    const window = new TestWindow(await optionsOf(path));
    await window.machine.join();
    return window;
  }

  async function use(window: TestWindow): Promise<void> {
    if (window.target.warm) await window.pool.fill(window.target, AbortSignal.timeout(30_000));
    const { exitCode, error } = await window.run(LINE);
    assert.equal(exitCode, 0, error);
  }

  async function rounds(round: () => Promise<void>): Promise<void> {
    for (let done = 0; done < ROUNDS; done += PARALLEL_WINDOWS)
      await Promise.all(Array.from({ length: PARALLEL_WINDOWS }, round));
  }

  /** Starts a process with several windows that have run something. It waits to be killed. */
  async function windowProcess(): Promise<{ child: ChildProcess; windows: WindowOptions[] }> {
    const windows = await Promise.all(Array.from({ length: PARALLEL_WINDOWS }, () => optionsOf()));
    const child = spawn(process.execPath, [WINDOW_PROCESS, JSON.stringify(windows), LINE], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface({ input: child.stdout })) if (line === 'ready') break;
    return { child, windows };
  }

  async function nothingRuns(): Promise<void> {
    await waitFor(
      'the sandboxes to end',
      IDLE_MS + 15_000,
      async () => (await server.control.running()).sandboxes.length,
      (running) => running === 0,
    );
    await waitFor(
      'their processes to end',
      15_000,
      async () => processesWith(MARK),
      (pids) => pids.length === 0,
    );
  }

  /** The sandbox hours that the server has recorded. */
  async function livedHours(since: Date): Promise<{ sandboxes: number; hours: number }> {
    const modal = server.client();
    const app = await modal.apps.fromName('tests', { createIfMissing: true });
    const sandboxes = await listSandboxes(modal, app, since);
    const lives = sandboxes.map(({ createdAt, endedAt }) => (endedAt?.getTime() ?? 0) - createdAt.getTime());
    return { sandboxes: sandboxes.length, hours: lives.reduce((sum, ms) => sum + ms, 0) / 3_600_000 };
  }

  /** The sandbox hours in the spend record an hour later. */
  const spentHours = async (since: Date) => {
    const clock = { ...wallClock, now: () => Date.now() + 3_600_000 };
    const auditor = new SpendRecord(new MachineState(join(dir, 'machine'), 'auditor'), clock);
    return (await auditor.usdSince(since.getTime())) / (new Prices().perHourUsd({}) ?? 0);
  };

  it('stops and records the sandboxes of windows that are closed, reloaded, or killed, over 75 rounds', async function () {
    this.timeout(300_000);
    const since = new Date();
    await rounds(async () => {
      const window = await open();
      await use(window);
      await window.close();
    });
    await rounds(async () => {
      const before = await open();
      await use(before);
      const closing = before.close();
      const after = await open(before.folder.path);
      await use(after);
      await closing;
      await after.close();
    });
    assert.deepEqual((await server.control.running()).sandboxes, [], 'windows that close stop their sandboxes');
    for (let killed = 0; killed < ROUNDS; killed += PARALLEL_WINDOWS) {
      const { child, windows } = await windowProcess();
      assert.ok((await server.control.running()).sandboxes.length >= PARALLEL_WINDOWS);
      child.kill('SIGKILL');
      await once(child, 'exit');
      // One of the folders is opened again at once.
      const next = await open(windows[0]?.path);
      const { taken } = await next.sessions.acquire(next.folder);
      assert.equal(taken, 'left behind');
      await next.close();
    }
    await nothingRuns();
    const { sandboxes, hours } = await livedHours(since);
    assert.ok(sandboxes >= 3 * ROUNDS);
    const share = (await spentHours(since)) / hours;
    assert.ok(share > 0.75 && share < 1.25, `recorded ${share} of the hours on the server`);
  });

  it('stops sandboxes with a killed server, and counts their cost at most until their idle timeout, over 25 rounds', async function () {
    this.timeout(180_000);
    const since = new Date();
    const windows: TestWindow[] = [];
    await rounds(async () => {
      const window = await open();
      windows.push(window);
      await use(window);
    });
    const pids = (await server.control.running()).sandboxes.flatMap((each) => each.pids);
    assert.ok(pids.length >= ROUNDS);
    await server.kill();
    const killedAt = Date.now();
    await waitFor(
      'the processes to end',
      10_000,
      async () => [...processesWith(MARK), ...pids.filter((pid) => readdirSync('/proc').includes(String(pid)))],
      (left) => left.length === 0,
    );
    await Promise.all(windows.map((window) => window.close()));
    const most = ((killedAt - since.getTime() + IDLE_MS) / 3_600_000) * 2 * ROUNDS;
    const spent = await spentHours(since);
    assert.ok(spent > 0 && spent <= most, `${spent} of at most ${most} hours`);
    server = await startLocalModal({ dataDir: server.dataDir });
    assert.deepEqual((await server.control.running()).sandboxes, []);
  });
});

/** Returns the IDs of processes whose command line contains a text. */
function processesWith(text: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) && pid !== String(process.pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text)
      );
    } catch {
      return false;
    }
  });
}
