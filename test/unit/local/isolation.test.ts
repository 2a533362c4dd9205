import assert from 'node:assert/strict';
import { chownSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Sandbox } from 'modal';
import { startLocalModal, startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { skipUnless } from '../../helpers/skip.ts';
import { waitFor } from '../../helpers/wait-for.ts';

/** Returns the IDs of the host's processes whose command line, or another file in their folder of `/proc`, contains `text`. */
function processesWith(text: string, file: 'cmdline' | 'mounts' = 'cmdline'): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        return pid > 0 && readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(text);
      } catch {
        return false;
      }
    });
}

async function until(what: string, holds: () => boolean): Promise<void> {
  await waitFor(what, 15_000, async () => holds(), Boolean);
}

/** A server stops within two seconds; the rest is for a busy computer. Copying the large file would take minutes. */
const STOPPED_MS = 5_000;

describe('Local Modal isolation', () => {
  let bench: Workbench;

  before(async () => {
    bench = await startWorkbench();
  });
  after(() => bench.server.stop());

  it('shows a sandbox only its own processes, root, /tmp, and /dev', async () => {
    const mark = path.join(tmpdir(), `mark-${process.pid}`);
    await writeFile(mark, 'outside');
    const [one, two] = await Promise.all([
      bench.modal.sandboxes.create(bench.app, bench.image),
      bench.modal.sandboxes.create(bench.app, bench.image),
    ]);
    await bench.shell(one, 'echo 1 > /tmp/own; echo 1 > /usr/bin/own; echo 1 > /etc/own');
    await assert.rejects(bench.shell(two, 'ls /tmp/own || ls /usr/bin/own || ls /etc/own'));
    await assert.rejects(bench.shell(one, `cat ${mark}`));
    await rm(mark);
    const processes = (await bench.shell(one, 'ls /proc')).split('\n').filter((name) => /^\d+$/.test(name));
    assert.ok(processes.length <= 4, `more than its own processes: ${processes}`);
    const devices = (await bench.shell(one, 'ls /dev')).split('\n');
    assert.deepEqual(
      devices.filter((name) => /^(sd|vd|nvme|loop|mem|kmsg)/.test(name)),
      [],
    );
    await assert.rejects(bench.shell(one, 'test -s /etc/shadow'));
  });

  it('shares PIDs, terminals, and mounts between the commands of a sandbox', async () => {
    const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image);
    const sleeper = await sandbox.exec(['sleep', '1000']);
    await bench.shell(sandbox, 'mount -t tmpfs none /mnt; kill -TERM $(pidof sleep)');
    assert.equal(await sleeper.wait(), 143);
    assert.match(await bench.shell(sandbox, 'cat /proc/mounts'), / \/mnt tmpfs /);
  });

  it('isolates a sandbox with a blocked network, but still runs commands in it', async () => {
    const listener = createServer((socket) => socket.end('hello'));
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const address = listener.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const dial = `exec 3<>/dev/tcp/127.0.0.1/${port}; cat <&3`;
    const [open, blocked] = await Promise.all([
      bench.modal.sandboxes.create(bench.app, bench.image),
      bench.modal.sandboxes.create(bench.app, bench.image, { blockNetwork: true, encryptedPorts: [9000] }),
    ]);
    assert.equal(await (await open.exec(['bash', '-c', dial])).stdout.readText(), 'hello');
    const refused = await blocked.exec(['bash', '-c', dial]);
    assert.notEqual(await refused.wait(), 0);
    assert.equal(await bench.shell(blocked, 'cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d " \\n"'), 'lo');
    listener.close();
  });

  it('leaves no process behind after SIGTERM, not even a daemon', async () => {
    const name = `daemon-${process.pid}-term`;
    const other = await startWorkbench();
    const sandbox = await other.modal.sandboxes.create(other.app, other.image);
    await other.shell(sandbox, `setsid sh -c 'exec -a ${name} sleep 987' >/dev/null 2>&1 &`).catch(() => {});
    await other.shell(sandbox, `(bash -c 'exec -a ${name} sleep 987' >/dev/null 2>&1 &)`);
    await other.shell(sandbox, `until pgrep -f "^${name} "; do sleep 0.05; done`);
    const { sandboxes } = await other.server.control.running();
    const pids = sandboxes.flatMap((each) => each.pids);
    assert.ok(pids.length > 0);
    await other.server.stop();
    await until('the daemon to exit', () => processesWith(name).length === 0);
    await until('every helper to exit', () => processesWith(other.server.dataDir).length === 0);
    for (const pid of pids) assert.throws(() => process.kill(pid, 0), `process ${pid} is gone`);
  });

  it('leaves no process behind after SIGKILL', async () => {
    const name = `daemon-${process.pid}-kill`;
    const other = await startWorkbench();
    const sandbox = await other.modal.sandboxes.create(other.app, other.image, { command: ['sleep', '876'] });
    await sandbox.exec(['bash', '-c', `exec -a ${name} sleep 987`], { pty: true });
    await other.shell(sandbox, `(setsid bash -c 'exec -a ${name} sleep 987' >/dev/null 2>&1 &)`);
    await other.shell(sandbox, `until [ $(pgrep -cf '^${name} ') = 2 ]; do sleep 0.05; done`);
    const pids = (await other.server.control.running()).sandboxes.flatMap((each) => each.pids);
    await other.server.kill();
    await until('all processes to exit', () => processesWith(name).length === 0);
    await until('all helpers to exit', () => processesWith(other.server.dataDir).length === 0);
    await until('all PIDs to be gone', () => pids.every((pid) => !readdirSync('/proc').includes(String(pid))));
    await rm(other.server.dataDir, { recursive: true, force: true });
  });

  it('ends a command that has stopped itself, and its mounts, with its sandbox, and also when the server is killed', async () => {
    const other = await startWorkbench();
    const [limited, terminated, left] = await Promise.all(
      [1, 2, 3].map(() => other.modal.sandboxes.create(other.app, other.image)),
    );
    assert.ok(limited && terminated && left);
    const stop = async (sandbox: Sandbox, timeoutMs?: number) => {
      const process = await sandbox.exec(['bash', '-c', 'kill -STOP $$'], { timeoutMs });
      await other.shell(sandbox, "until grep -q '^State:.T' /proc/[0-9]*/status; do sleep 0.05; done");
      return process;
    };
    assert.equal(await (await stop(limited, 2000)).wait(), 137);
    await stop(terminated);
    assert.ok(processesWith(terminated.sandboxId, 'mounts').length > 0);
    await terminated.terminate({ wait: true });
    assert.deepEqual(processesWith(terminated.sandboxId, 'mounts'), []);
    await stop(left);
    assert.ok(processesWith(other.server.dataDir).length > 0);
    await other.server.kill();
    await until('every helper to exit', () => processesWith(other.server.dataDir).length === 0);
    await until('every command to exit', () => processesWith('kill -STOP $$').length === 0);
    await until('every mount to be gone', () => processesWith(left.sandboxId, 'mounts').length === 0);
    await rm(other.server.dataDir, { recursive: true, force: true });
  }).timeout(40_000);

  it('stops within seconds of SIGTERM while sandboxes are running', async () => {
    const other = await startWorkbench();
    await Promise.all(Array.from({ length: 10 }, () => other.modal.sandboxes.create(other.app, other.image)));
    const before = performance.now();
    await other.server.stop();
    assert.ok(performance.now() - before < STOPPED_MS);
  });

  it('stops within seconds of SIGTERM while a large file is being copied to a volume', async () => {
    const other = await startWorkbench();
    const volume = await other.modal.volumes.fromName('large', { createIfMissing: true });
    const sandbox = await other.modal.sandboxes.create(other.app, other.image, { volumes: { '/data': volume } });
    // The file takes no space here, and minutes to copy.
    await other.shell(sandbox, 'truncate -s 500G /data/large');
    sandbox.reloadVolumes().catch(() => {});
    await until(
      'the copy of the file to start',
      () => readdirSync(`${other.server.dataDir}/volumes/incoming`).length > 0,
    );
    const before = performance.now();
    process.kill(other.server.pid, 'SIGTERM');
    await other.server.ended;
    assert.ok(performance.now() - before < STOPPED_MS);
    await other.server.stop();
  });

  it("works for an ordinary user with a user's PATH, also for changes to /usr", async function () {
    skipUnless(this, process.getuid?.() === 0, 'The other tests already run as an ordinary user.');
    const nobody = 65534;
    const dataDir = mkdtempSync(path.join(tmpdir(), 'ordinary-'));
    chownSync(dataDir, nobody, nobody);
    const server = await startLocalModal({ dataDir, uid: nobody, env: { PATH: '/usr/local/bin:/usr/bin:/bin' } });
    const modal = server.client();
    const app = await modal.apps.fromName('ordinary', { createIfMissing: true });
    const image = await modal.images.fromRegistry('debian').dockerfileCommands(['RUN touch /usr/lib/built']).build(app);
    const sandbox = await modal.sandboxes.create(app, image);
    const script = 'test -e /usr/lib/built && touch /usr/bin/mine && rm /usr/bin/yes && id -u';
    const run = await sandbox.exec(['sh', '-c', script], { pty: true });
    assert.equal(await run.stdout.readText(), '0\r\n');
    await sandbox.filesystem.writeText('text', '/root/new/file');
    const copy = await modal.sandboxes.create(app, await sandbox.snapshotFilesystem());
    assert.equal(await copy.filesystem.readText('/root/new/file'), 'text');
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }).timeout(30_000);
});
