import { strict as assert } from 'node:assert';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quote } from '../../../src/base/shell.ts';
import { strings } from '../../../src/sandboxes/strings.ts';
import type { WarmTarget } from '../../../src/sandboxes/warm/pool.ts';
import { cleanCaches } from '../../../src/sandboxes/warm/pool-dependencies.ts';
import { WarmUps } from '../../../src/sandboxes/warm/warm-ups.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { Time } from '../../helpers/time.ts';
import { TestWindow } from '../../helpers/window.ts';

const signal = new AbortController().signal;

describe('Warm sandboxes on Local Modal', () => {
  let server: RunningLocalModal;
  let dir: string;
  let path: string;
  let ended: (() => Promise<unknown>)[];

  before(async () => {
    server = await startLocalModal();
  });
  after(() => server.stop());
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'warm-machine-'));
    path = await mkdtemp(join(tmpdir(), 'warm-folder-'));
    await writeFile(join(path, 'a.txt'), 'one\n');
    ended = [];
  });
  afterEach(async () => {
    for (const end of ended) await end();
    await Promise.all([dir, path].map((each) => rm(each, { recursive: true })));
  });

  function window(profile: object, id = 'window') {
    const made = new TestWindow({ url: server.url, machineDir: dir, path, profile, id });
    ended.push(() => made.close());
    return made;
  }

  const read = async (
    sandbox: { exec(argv: string[]): Promise<{ stdout: { readText(): Promise<string> } }> },
    script: string,
  ) => (await sandbox.exec(['sh', '-c', script])).stdout.readText();

  it('gives a run a warm sandbox with the workspace and the setup, and uses each only once', async () => {
    const { sessions, pool, target, folder } = window({ warm: { setup: ['cp a.txt /tmp/copied'] } });
    assert.equal(await pool.fill(target, signal), 1);
    assert.equal(await pool.fill(target, signal), 0, 'one exists already');
    const session = await sessions.acquire(folder);
    assert.equal(session.taken, 'warm');
    assert.equal(session.isNew, false);
    assert.equal(await read(session.sandbox, 'cat /tmp/copied'), 'one\n');
    assert.equal(pool.isEmpty, true);
    assert.equal((await sessions.acquire(folder)).sandbox, session.sandbox);
  });

  it('makes no calls until a profile is warm', async () => {
    const { pool, machine, sessions, target, syncs } = window({ warm: {} });
    const time = new Time(Date.now());
    let targets: WarmTarget[] = [];
    const warmUps = new WarmUps({
      pool,
      machine,
      clock: time,
      random: Math.random,
      targets: async () => targets,
      pauseReason: async () => undefined,
      refreshImage: async ({ folder, named }, refreshed) =>
        (await sessions.image(folder, named, { signal: refreshed })).image.imageId,
      cleanCaches,
      log: () => {},
    });
    ended.push(() => warmUps.dispose());
    await server.control.resetCalls();
    await warmUps.update();
    for (let minute = 0; minute < 10; minute += 1) {
      await time.pass(60_000);
      await warmUps.update();
      await warmUps.sync(target.folder);
    }
    assert.deepEqual(await server.control.calls(), {});
    assert.equal(syncs.isUsed(target.folder), false);
    targets = [target];
    await warmUps.update();
    assert.equal((await server.control.calls()).SandboxCreateV2, 1);
  });

  it('sends changes to waiting warm sandboxes', async () => {
    const { sessions, pool, target, folder } = window({ warm: {} });
    await pool.fill(target, signal);
    await writeFile(join(path, 'a.txt'), 'two\n');
    await pool.sync(folder);
    assert.equal(await read((await sessions.acquire(folder)).sandbox, 'cat /workspace/a.txt'), 'two\n');
  });

  it('stops a warm sandbox if its health check fails, with an error that quotes the check and its output', async () => {
    const { pool, target } = window({ warm: { healthcheck: 'echo no torch here; exit 3' } });
    await assert.rejects(
      pool.fill(target, signal),
      /health check “echo no torch.*” failed with exit code 3: no torch here/,
    );
    assert.deepEqual((await server.control.running()).sandboxes, []);
  });

  it('removes old files from the caches of the host volume, also with the find of BusyBox', async () => {
    const { pool, target } = window({ hostVolume: true, warm: { cacheMaxAgeDays: 10, cacheMaxMiB: 1 } });
    await pool.fill(target, signal);
    const sandbox = pool.peek(target);
    assert.ok(sandbox);
    const plainFind = `#!/bin/sh\ncase " $* " in *" -printf "*) exit 1 ;; esac\nexec /usr/bin/find "$@"\n`;
    await read(sandbox, `printf %s ${quote(plainFind)} > /usr/local/bin/find && chmod +x /usr/local/bin/find`);
    await read(
      sandbox,
      'cd /mnt/state/.cache && touch new && touch -d "20 days ago" old && head -c 700000 /dev/zero > "big 1" && head -c 700000 /dev/zero > big2 && touch -d "1 day ago" "big 1"',
    );
    assert.equal(await cleanCaches(sandbox, target, signal), strings.removedCacheFiles(2));
    assert.equal(await read(sandbox, 'ls /mnt/state/.cache'), 'big2\nnew\n');
  });

  it('takes over warm sandboxes of a closed window with the same folder, but not those of an open window', async () => {
    const lost = window({}, 'lost');
    const { sandbox } = await lost.sessions.acquire(lost.folder);
    const next = window({}, 'next');
    await Promise.all([lost.machine.join(), next.machine.join()]);
    const other = await next.sessions.acquire(next.folder);
    assert.equal(other.isNew, true, 'the other window is open');
    await lost.machine.leave();
    const third = window({}, 'third');
    const session = await third.sessions.acquire(third.folder);
    assert.equal(session.taken, 'left behind');
    assert.equal(session.sandbox.sandboxId, sandbox.sandboxId);
  });

  it('lets only one of two windows take over warm sandboxes', async () => {
    const lost = window({}, 'lost');
    await lost.sessions.acquire(lost.folder);
    const both = [window({}, 'one'), window({}, 'two')];
    await Promise.all(both.map(({ machine }) => machine.join()));
    const taken = await Promise.all(both.map(async ({ sessions, folder }) => (await sessions.acquire(folder)).taken));
    assert.equal(taken.filter((how) => how === 'left behind').length, 1);
  });

  it('reuses abandoned warm sandboxes before it starts others', async () => {
    const lost = window({ warm: {} }, 'lost');
    await lost.pool.fill(lost.target, signal);
    const { sandboxes } = await server.control.running();
    const next = window({ warm: {} }, 'next');
    await next.machine.join();
    await next.pool.fill(next.target, signal);
    assert.deepEqual(
      (await server.control.running()).sandboxes.map(({ id }) => id),
      sandboxes.map(({ id }) => id),
    );
    assert.equal((await next.sessions.acquire(next.folder)).taken, 'warm');
  });

  it('stops abandoned warm sandboxes that no longer match the profile', async () => {
    const lost = window({}, 'lost');
    await lost.sessions.acquire(lost.folder);
    const next = window({ cpu: 2 }, 'next');
    const session = await next.sessions.acquire(next.folder);
    assert.equal(session.isNew, true);
    const { sandboxes } = await server.control.running();
    assert.deepEqual(
      sandboxes.map(({ id }) => id),
      [session.sandbox.sandboxId],
    );
  });
});
