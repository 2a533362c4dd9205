import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Sandbox, Volume } from 'modal';
import { readServerFile } from '../../../local/server/shared.ts';
import { onGvisor, startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { launcherFor } from '../../helpers/local-modal-launcher.ts';
import { skipUnless } from '../../helpers/skip.ts';
import { waitFor } from '../../helpers/wait-for.ts';

/** A web server that replies with the environments and command lines of all processes that it sees. */
const processList = `
import glob, http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b""
        for file in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
            try: body += open(file, "rb").read().replace(b"\\0", b"\\n")
            except OSError: pass
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
http.server.HTTPServer(("127.0.0.1", 8130), Handler).serve_forever()
`;

/** Replaces the programs that could be used to end a sandbox. Each one notes that it ran, and never exits. */
const REPLACE_PROGRAMS = `
set -e
cp /usr/bin/bash /usr/local/bin/real-bash; cp /usr/bin/tail /usr/local/bin/real-tail
printf '#!/usr/local/bin/real-bash\\necho ran >> /data/ran\\nexec -a "$0" real-tail -f /dev/null\\n' > /tmp/replacement
chmod 755 /tmp/replacement
for name in bash dash sh kill sleep env setsid perl umount nsenter; do
  real-bash -c "cp --remove-destination /tmp/replacement /usr/bin/$name"
done
`;

describe('The border of a sandbox on Local Modal', () => {
  const secret = `planted-${process.pid}-${Date.now()}`;
  let outside: string;
  let bench: Workbench;

  before(async () => {
    bench = await startWorkbench({ env: { ...process.env, PLANTED_SECRET: secret } as Record<string, string> });
  });
  after(() => bench.server.stop());
  beforeEach(() => {
    outside = mkdtempSync(path.join(tmpdir(), 'outside-'));
    chmodSync(outside, 0o777);
  });
  afterEach(() => rmSync(outside, { recursive: true }));

  it("shows no process in a sandbox the server's variables, not even for a moment", async () => {
    const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image);
    const watch = 'while [ ! -e /tmp/stop ]; do cat /proc/[0-9]*/environ; done 2>/dev/null > /tmp/seen; true';
    const watching = bench.shell(sandbox, watch);
    for (let round = 0; round < 3; round++) await bench.shell(sandbox, 'true');
    const terminal = await sandbox.exec(['true'], { pty: true });
    await terminal.wait();
    await bench.shell(sandbox, 'touch /tmp/stop');
    await watching;
    const seen = await sandbox.filesystem.readText('/tmp/seen');
    assert.match(seen, /MODAL_SANDBOX_ID=/);
    assert.doesNotMatch(seen, new RegExp(secret));
  });

  it("doesn't take the server's variables along when a tunnel enters a sandbox without a network", async () => {
    const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image, {
      command: ['python3', '-c', processList],
      blockNetwork: true,
      unencryptedPorts: [8130],
    });
    const [host, port] = (await sandbox.tunnels())[8130]?.tcpSocket ?? [];
    const reply = () =>
      fetch(`http://${host}:${port}/`).then(
        (response) => response.text(),
        () => '',
      );
    const seen = await waitFor('the web server to reply', 15_000, reply, Boolean);
    assert.match(seen, /PF_INET/, 'the relay is one of the processes');
    assert.doesNotMatch(seen, new RegExp(secret));
  });

  it("ends a sandbox whose programs were replaced, without running them, and commits its volume's last changes", async () => {
    async function hostile(name: string, params: object): Promise<{ sandbox: Sandbox; volume: Volume }> {
      const volume = await bench.modal.volumes.fromName(name, { createIfMissing: true });
      const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image, {
        volumes: { '/data': volume },
        ...params,
      });
      await bench.shell(sandbox, `${REPLACE_PROGRAMS} echo last > /data/last`);
      return { sandbox, volume };
    }
    const ends = [
      hostile('ended-by-lifetime', { timeoutMs: onGvisor ? 15_000 : 4000 }),
      hostile('ended-by-idleness', { idleTimeoutMs: 1000 }),
      hostile('ended-by-terminate', {}).then(async (ended) => {
        // Its own commands run the replaced programs.
        const command = await ended.sandbox.exec(['sleep', '1']);
        const ran = () => ended.sandbox.filesystem.readText('/data/ran').catch(() => '');
        await waitFor('the replaced program to run', 15_000, ran, Boolean);
        await ended.sandbox.terminate({ wait: true });
        assert.notEqual(await command.wait(), 0);
        return ended;
      }),
    ];
    const expected = ['last\n', 'last\n', 'last\nran\n'];
    for (const { sandbox, volume } of await Promise.all(ends)) {
      await waitFor(
        'the sandbox to end',
        20_000,
        () => sandbox.poll(),
        (code) => code !== null,
      );
      const reader = await bench.modal.sandboxes.create(bench.app, bench.image, { volumes: { '/data': volume } });
      assert.equal(await bench.shell(reader, 'cat /data/last; cat /data/ran 2>/dev/null || true'), expected.shift());
    }
  }).timeout(60_000);

  it("keeps a command's loader variables inside the sandbox", async () => {
    const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image, { memoryMiB: 32, memoryLimitMiB: 512 });
    await bench.shell(sandbox, `mkdir -p ${outside}`);
    const env = { LD_DEBUG: 'statistics', LD_DEBUG_OUTPUT: `${outside}/loaded` };
    for (const pty of [false, true]) {
      const command = await sandbox.exec(['true'], { env, pty });
      assert.equal(await command.wait(), 0);
    }
    assert.match(await bench.shell(sandbox, `ls ${outside}`), /loaded/, 'they act inside');
    assert.deepEqual(readdirSync(outside), []);
  });

  it("looks up no program of its own in a command's PATH", async () => {
    for (const name of ['sh', 'nsenter', 'env', 'setsid', 'unshare']) {
      writeFileSync(path.join(outside, name), `#!/bin/sh\necho ran > ${outside}/ran-${name}\nexit 1\n`, {
        mode: 0o755,
      });
    }
    const env = { PATH: `${outside}:/usr/bin:/bin`, BASH_ENV: `${outside}/sh`, ENV: `${outside}/sh` };
    for (const limits of [{}, { memoryMiB: 32, memoryLimitMiB: 512 }]) {
      const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image, { env, ...limits });
      const command = await sandbox.exec(['sh', '-c', 'echo $PATH'], { env });
      assert.equal(await command.stdout.readText(), `${env.PATH}\n`);
      await sandbox.terminate({ wait: true });
    }
    assert.deepEqual(
      readdirSync(outside).filter((name) => name.startsWith('ran')),
      [],
    );
  });

  it('gives a command its variables as they are, and no others', async () => {
    const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image);
    const env = {
      EMPTY: '',
      LINES: 'one\ntwo\n',
      QUOTES: `'"\\$HOME \${PATH} #`,
      V0: 'same',
      UID: '7',
      lower_case: 'x',
    };
    const print = 'for (sort keys %ENV) { print "$_=$ENV{$_}\\0" }';
    const command = await sandbox.exec(['perl', '-e', print], { env });
    const lines = (await command.stdout.readText()).split('\0');
    for (const [name, value] of Object.entries(env)) assert.ok(lines.includes(`${name}=${value}`), `${name}: ${lines}`);
    const names = lines.map((line) => line.split('=')[0] ?? '').filter((name) => name && !(name in env));
    assert.deepEqual(
      names.filter((name) => !/^(HOME|PATH|MODAL_\w+)$/.test(name)),
      [],
    );
  });

  it("doesn't let a sandbox open the kernel's settings for writing, not even after mounting them again", async function () {
    skipUnless(this, !onGvisor, 'In gVisor, the settings are those of its own kernel.');
    const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image);
    await bench.shell(
      sandbox,
      `mkdir /tmp/proc; umount /proc/sys; mount -o remount,rw /proc/sys; mount -o remount,rw /proc; mount -t proc proc /tmp/proc
      true`,
    );
    // Opening for appending writes nothing.
    const files =
      'for file in /proc /tmp/proc; do echo $file/sys/kernel/panic $file/sys/vm/overcommit_memory $file/sysrq-trigger; done';
    const opened = await bench.shell(
      sandbox,
      `for file in $(${files}); do (: >> $file) 2>/dev/null && echo $file; done; true`,
    );
    assert.equal(opened, '');
  });

  it('copies only what everybody may read from /etc', async () => {
    const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image);
    const copied = (await bench.shell(sandbox, 'find /etc -type f')).trim().split('\n');
    assert.ok(copied.includes('/etc/passwd'));
    const readable = (file: string) => (statSync(file, { throwIfNoEntry: false })?.mode ?? 0o004) & 0o004;
    assert.deepEqual(
      copied.filter((file) => !readable(file)),
      [],
    );
  });

  it("doesn't let a sandbox without a network reach the computer's abstract sockets", async function () {
    skipUnless(this, process.platform === 'linux', 'Only Linux has abstract sockets.');
    const name = `outside-${process.pid}`;
    const listener = createServer((socket) => socket.end('hello'));
    await once(listener.listen(`\0${name}`), 'listening');
    const script = `import socket; s = socket.socket(socket.AF_UNIX); s.connect("\\0${name}"); print(s.recv(9).decode())`;
    const reach = async (blockNetwork: boolean) => {
      const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image, { blockNetwork });
      return (await sandbox.exec(['python3', '-c', script])).stdout.readText();
    };
    assert.equal(await reach(false), onGvisor ? '' : 'hello\n', 'with the network, as documented');
    assert.equal(await reach(true), '');
    listener.close();
  });

  it('starts the server for the extension without the secrets of the editor', async function () {
    skipUnless(this, process.platform === 'linux', 'Only Linux shows the environment of another process.');
    process.env.PLANTED_SECRET = secret;
    const dataDir = path.join(outside, 'data');
    const launcher = launcherFor(dataDir);
    try {
      await launcher.account();
      const pid = (await readServerFile(dataDir))?.pid;
      const names = readFileSync(`/proc/${pid}/environ`, 'utf8').match(/^\w+(?==)|(?<=\0)\w+(?==)/g);
      const allowed = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LC_ALL', 'LC_CTYPE', 'ELECTRON_RUN_AS_NODE'];
      assert.deepEqual(
        names?.filter((name) => !allowed.includes(name)),
        [],
      );
      process.kill(pid ?? 0, 'SIGTERM');
      await waitFor(
        'the server to stop',
        10_000,
        () => readServerFile(dataDir),
        (file) => file === undefined,
      );
    } finally {
      launcher.dispose();
      delete process.env.PLANTED_SECRET;
    }
  });
});

describe('Local Modal started as root', () => {
  const uidsOf = (pid: number) => /^Uid:\t(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]?.split('\t');

  before(function () {
    skipUnless(this, process.getuid?.() === 0, 'The tests do not run as root.');
  });

  it("runs itself and its sandboxes as users of the computer without root's rights or its files, and keeps owners on disk", async () => {
    const bench = await startWorkbench();
    const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image);
    await bench.shell(sandbox, 'touch /srv/own; chown 1000:2000 /srv/own; chown 5 /usr/bin/true');
    const { sandboxes } = await bench.server.control.running();
    const pids = [bench.server.pid, ...sandboxes.flatMap((each) => each.pids)];
    assert.ok(pids.length > 1);
    for (const pid of pids)
      assert.ok(
        uidsOf(pid)?.every((uid) => Number(uid) > 65536),
        `${pid}: ${uidsOf(pid)}`,
      );
    const up = path.join(bench.server.dataDir, 'sandboxes', sandbox.sandboxId, 'up');
    const { uid, gid } = statSync(path.join(up, 'root/srv/own'));
    assert.deepEqual({ uid, gid }, { uid: 1000, gid: 2000 });
    assert.equal(statSync(path.join(bench.server.dataDir, 'state.json')).uid, 0);
    const enter = ['--target', String(bench.server.pid), '--user', '--mount'];
    const isWritable = (file: string) => spawnSync('nsenter', [...enter, 'test', '-w', file]).status === 0;
    assert.ok(isWritable(path.join(bench.server.dataDir, 'state.json')));
    for (const file of ['/usr/bin/nsenter', '/etc/passwd', process.execPath]) assert.ok(!isWritable(file), file);
    assert.equal(await bench.shell(sandbox, 'stat -c %u /usr/bin/sh /usr/bin/true /etc/passwd'), '0\n5\n0\n');
    await bench.server.stop();
  });

  it("refuses sandboxes where it can't give up root's rights, unless that is allowed", async () => {
    // Root of a namespace whose ID is root's own cannot map the IDs of the computer's file systems.
    const through = ['unshare', '--user', '--map-root-user'];
    const refusing = await startWorkbench({ through });
    const creating = refusing.modal.sandboxes.create(refusing.app, refusing.image);
    await assert.rejects(creating, /FAILED_PRECONDITION: Local Modal runs as root, and can't keep root's rights/);
    await refusing.server.stop();
    const allowing = await startWorkbench({ through, args: ['--allow-unisolated'] });
    const sandbox = await allowing.modal.sandboxes.create(allowing.app, allowing.image);
    assert.equal(await allowing.shell(sandbox, 'id -u'), '0\n');
    await allowing.server.stop();
  });
});
