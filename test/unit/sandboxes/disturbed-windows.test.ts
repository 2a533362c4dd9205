import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { wallClock } from '../../../src/base/clock.ts';
import { Prices } from '../../../src/modal/prices.ts';
import { listSandboxes } from '../../../src/modal/sandbox-list.ts';
import { SpendRecord } from '../../../src/sandboxes/cost/spend.ts';
import { MachineState } from '../../../src/sandboxes/machine-state.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { TestWindow } from '../../helpers/window.ts';
import type { Disturbed } from './disturbed-windows.ts';

/** Set this variable to repeat what a failed run did. */
const SEED = Number(process.env.ROUNDS_SEED ?? Math.floor(Math.random() * 1_000_000));
const PROCESSES = 10;
const WINDOWS = 10;
const ROUNDS = 3;
const IDLE_MS = 5_000;
const PROGRAM = fileURLToPath(new URL('./disturbed-windows.ts', import.meta.url));

describe('Windows that are killed, disconnected, or signed out, and whose clock changes', function () {
  this.timeout(400_000);
  let server: RunningLocalModal;
  let dir: string;
  let machineDir: string;

  beforeEach(async () => {
    server = await startLocalModal();
    dir = await mkdtemp(join(tmpdir(), 'disturbed-'));
    machineDir = join(dir, 'machine');
  });
  afterEach(async () => {
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  });

  /** Runs a process of windows until it kills itself. */
  async function disturb(count: number): Promise<string> {
    const options: Disturbed = {
      url: server.url,
      machineDir,
      dir,
      name: `p${count}`,
      seed: SEED + count,
      windows: WINDOWS,
      rounds: ROUNDS,
      idleTimeoutMs: IDLE_MS,
      reopensAll: count === PROCESSES - 1,
    };
    const child = spawn(process.execPath, [PROGRAM, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe'] });
    const [output, errors, [, signal]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ]);
    assert.equal(signal, 'SIGKILL', errors);
    return output;
  }

  it(`leave nothing running beyond its idle timeout, and count what it costs, over ${PROCESSES * WINDOWS * ROUNDS} rounds of seed ${SEED}`, async () => {
    const since = new Date();
    let log = '';
    for (let count = 0; count < PROCESSES; count += 1) log += await disturb(count);
    // The next window ends what was starting, and the others reach their idle timeout.
    const next = new TestWindow({ url: server.url, machineDir, path: dir, id: 'next', isBilled: true });
    await next.machine.join();
    await next.sessions.connection();
    await waitFor(
      'all sandboxes to end',
      IDLE_MS + 90_000,
      async () => (await server.control.running()).sandboxes.map(({ id, execs }) => ({ id, execs })),
      (running) => running.length === 0,
    );
    await next.close();

    const kills = log.match(/: kill/g)?.length ?? 0;
    assert.equal(kills, PROCESSES * WINDOWS);
    const modal = server.client();
    const app = await modal.apps.fromName('tests', { createIfMissing: true });
    // Sandboxes in which a setup runs have a name, and aren't counted.
    const sandboxes = (await listSandboxes(modal, app, since)).filter(({ name }) => name === undefined);
    const livedMs = sandboxes.reduce((sum, each) => sum + (each.endedAt?.getTime() ?? 0) - each.createdAt.getTime(), 0);
    const anHourLater = { ...wallClock, now: () => Date.now() + 3_600_000 };
    const spent = await new SpendRecord(new MachineState(machineDir, 'auditor'), anHourLater).usdSince(0);
    const spentMs = (spent / (new Prices().perHourUsd({}) ?? 0)) * 3_600_000;
    // The end of a killed window's sandbox isn't seen, so it counts until its idle timeout.
    const mostMs = livedMs + kills * IDLE_MS;
    assert.ok(spentMs >= 0.75 * livedMs && spentMs <= mostMs, `${spentMs} ms recorded, ${livedMs} ms lived`);
  });
});
