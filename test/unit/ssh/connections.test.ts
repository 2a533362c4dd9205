import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Sandbox, SandboxCreateParams } from 'modal';
import { execWith } from '../../../src/modal/exec.ts';
import { openConnections } from '../../../src/ssh/connections.ts';
import type { NewHost } from '../../../src/ssh/hosts.ts';
import { closedPort } from '../../helpers/closed-port.ts';
import { onGvisor, startWorkbench, useProfileOf, type Workbench } from '../../helpers/local-modal.ts';
import { hasOpenSsh, serverFiles, sshEnv } from '../../helpers/openssh.ts';
import { skipUnless } from '../../helpers/skip.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { run, type SshClient, sshClient } from './ssh-client.ts';

/** Prints a line for each process of the SSH server in the sandbox, and for each file in memory. */
const LEFT = 'grep -lsz modal-ss[h] /proc/[0-9]*/cmdline; grep -l "^Name:.sshd" /proc/[0-9]*/status; ls /dev/shm';

describe('SSH to a sandbox without network access', () => {
  let workbench: Workbench;
  let sandbox: Sandbox;
  let client: SshClient;
  let host: NewHost;
  let name: string;
  let folder: string;
  let restore: () => void;

  before(async function () {
    skipUnless(this, hasOpenSsh(), 'OpenSSH or rsync is not installed');
    workbench = await startWorkbench();
    restore = useProfileOf(workbench.server);
    client = await sshClient();
    folder = await mkdtemp(join(tmpdir(), 'ssh-files-'));
    const env = { QUOTED: `a "b" 'c' \\d é`, LINES: 'one\ntwo', SLASH: 'ends with \\', PATH_OF_MINE: '/opt/x/bin' };
    const params = { timeoutMs: 600_000, blockNetwork: true, env };
    sandbox = await create(params);
    const { sandboxId } = sandbox;
    host = { title: 'Hello', account: 'profile:main', app: 'tests', sandboxId, user: 'root', aliveSeconds: 1 };
    name = await client.put('Héllo World', host);
  });
  after(async () => {
    restore?.();
    await Promise.all([workbench?.server.stop(), client?.dispose(), folder && rm(folder, { recursive: true })]);
  });

  /** Creates a sandbox with an SSH server. */
  async function create(params: SandboxCreateParams): Promise<Sandbox> {
    const created = await workbench.modal.sandboxes.create(workbench.app, workbench.image, params);
    await execWith(created, ['tar', '-x', '-C', '/'], {
      source: () => ({
        readFrom: async function* (offset) {
          yield serverFiles().subarray(offset);
        },
      }),
      maxBytes: 1024,
      timeoutMs: 20_000,
    });
    return created;
  }

  const ssh = (...args: string[]) => client.ssh([...args]);
  const shell = (line: string) => workbench.shell(sandbox, line);
  const config = () => ['-F', client.folder.config()];
  /** Options with which several programs share one connection. */
  const sharing = () => ['ControlMaster=auto', `ControlPath=${join(folder, 'shared')}`, 'ControlPersist=yes'];
  const shared = () => [...config(), ...sharing().flatMap((option) => ['-o', option])];
  const sharedCommand = () => `ssh -F "${client.folder.config()}" -o ${sharing().join(' -o ')}`;
  const left = () => shell(`(${LEFT}) 2>/dev/null || true`);

  /** Starts ssh, which forwards a port of this computer, and waits until it listens. */
  async function forwarding(...args: string[]): Promise<ChildProcess> {
    const child = spawn('ssh', [...config(), '-v', '-N', ...args, name], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      said += part;
    });
    await waitFor(
      'ssh to listen',
      30_000,
      async () => said,
      (all) => /Entering interactive session/.test(all),
    );
    return child;
  }

  it('has a name of letters, digits, and hyphens in lower case', () => {
    assert.equal(name, 'modal-hello-world');
  });

  it('runs a command, and passes on its streams and exit code', async () => {
    const { code, stdout, stderr } = await client.ssh([name, 'cat; echo problem >&2; exit 7'], 'typed\n');
    assert.deepEqual([code, stdout.toString(), stderr], [7, 'typed\n', 'problem\n']);
  });

  it("gives programs the sandbox's variables, and UTF-8", async () => {
    const { stdout } = await ssh(name, 'echo "$QUOTED|$LINES|$SLASH|$PATH_OF_MINE|$LANG|$MODAL_SANDBOX_ID"');
    const expected = `a "b" 'c' \\d é|||/opt/x/bin|C.UTF-8|${sandbox.sandboxId}\n`;
    assert.equal(stdout.toString(), expected);
  });

  it('copies bytes unchanged both ways with scp, sftp, and rsync', async () => {
    const bytes = randomBytes(3_000_000);
    const file = join(folder, 'bytes');
    await writeFile(file, bytes);
    const steps: [string, string[], string?][] = [
      ['scp', [...shared(), file, `${name}:/tmp/by-scp`]],
      ['scp', [...shared(), `${name}:/tmp/by-scp`, `${file}.scp`]],
      ['sftp', [...shared(), '-b', '-', name], `put ${file} /tmp/by-sftp\nget /tmp/by-sftp ${file}.sftp\n`],
      ['rsync', ['-e', sharedCommand(), file, `${name}:/tmp/by-rsync`]],
      ['rsync', ['-e', sharedCommand(), `${name}:/tmp/by-rsync`, `${file}.rsync`]],
    ];
    for (const [program, args, input] of steps) {
      const { code, stderr } = await run(program, args, input);
      assert.equal(code, 0, `${program}: ${stderr}`);
    }
    for (const way of ['scp', 'sftp', 'rsync']) assert.ok(bytes.equals(await readFile(`${file}.${way}`)), way);
  });

  it('clones a git repository of the sandbox, and pushes to it', async () => {
    await shell(`set -e; git init -q -b main /root/repo; cd /root/repo; git config receive.denyCurrentBranch ignore
      git config user.name A; git config user.email a@b.c; echo one > file; git add file; git commit -qm One`);
    const to = join(folder, 'clone');
    const git = (...args: string[]) =>
      run('git', ['-c', `core.sshCommand=${sharedCommand()}`, '-c', 'user.name=B', ...args]);
    assert.equal((await git('clone', '-q', `${name}:/root/repo`, to)).code, 0);
    assert.equal(await readFile(join(to, 'file'), 'utf8'), 'one\n');
    const commit = ['-C', to, '-c', 'user.email=b@c.d', 'commit', '-q', '--allow-empty', '-m', 'Two'];
    assert.equal((await git(...commit)).code, 0);
    assert.equal((await git('-C', to, 'push', '-q')).code, 0);
    assert.equal(await shell('git -C /root/repo log --format=%s main'), 'Two\nOne\n');
    assert.equal((await run('ssh', [...shared(), '-O', 'exit', name])).code, 0);
  });

  it('forwards a port with -L, and any with -D', async () => {
    const server = await sandbox.exec(['python3', '-c', SERVER]);
    const remote = Number((await server.stdout.getReader().read()).value);
    const [local, socks] = [await closedPort(), await closedPort()];
    const child = await forwarding('-L', `${local}:127.0.0.1:${remote}`, '-D', `127.0.0.1:${socks}`);
    try {
      assert.equal(await text(connect(local, '127.0.0.1')), 'from the sandbox');
      assert.equal(await text(await throughSocks(socks, remote)), 'from the sandbox');
    } finally {
      child.kill();
      await once(child, 'exit');
      await server.closeStdin();
    }
  });

  it('gives a terminal that follows the size of the window', async () => {
    // gVisor sends no signal for a new size before mid-2026, so programs see it when they ask for it.
    const command = onGvisor
      ? 'while stty size; do sleep 0.2; done'
      : `trap "stty size; exit" WINCH; stty size; ${FOREVER}`;
    const { code, stdout, stderr } = await run('python3', ['-c', TERMINAL, client.folder.config(), name, command]);
    assert.equal(code, 0, stderr);
    assert.deepEqual([...new Set(stdout.toString().match(/\d+ \d+/g))], ['31 101', '40 120']);
  });

  it('serves several connections at once with the same host key', async () => {
    const all = await Promise.all([1, 2, 3].map((each) => ssh(name, `echo ${each}`)));
    assert.deepEqual(
      all.map(({ stdout }) => stdout.toString()),
      ['1\n', '2\n', '3\n'],
    );
  });

  it('refuses a server that has another host key than the sandbox named', async () => {
    const keys = '/workspace/.modal-sync/ssh/host';
    await shell(
      `cd ${keys}; cp key.pub kept; ssh-keygen -q -t ed25519 -N '' -C '' -f /tmp/other; cp /tmp/other.pub key.pub`,
    );
    try {
      const { code, stdout, stderr } = await ssh(name, 'echo reached');
      assert.deepEqual([code, stdout.toString()], [255, '']);
      assert.match(stderr, /REMOTE HOST IDENTIFICATION HAS CHANGED/);
    } finally {
      await shell(`cd ${keys}; mv kept key.pub`);
    }
  });

  it('refuses a client with another key', async () => {
    const other = join(folder, 'other');
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', other]);
    const own = await readFile(client.folder.config(), 'utf8');
    await writeFile(`${other}.config`, own.replace(/IdentityFile .*/g, `IdentityFile ${other}`));
    const { code, stderr } = await run('ssh', ['-F', `${other}.config`, name, 'true']);
    assert.equal(code, 255);
    assert.match(stderr, /Permission denied \(publickey\)/);
  });

  it('leaves nothing in the sandbox after a connection, nor after its relay was killed', async () => {
    await waitFor('the servers to end', 30_000, left, (found) => found === '');
    const child = spawn('ssh', [...config(), '-tt', name, 'echo ready; sleep 1000'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    await once(child.stdout, 'data');
    assert.notEqual(await left(), '');
    const connected = async () => (await openConnections(client.folder)).map((each) => [each.sandboxId, each.host]);
    assert.deepEqual(await connected(), [[sandbox.sandboxId, name]]);
    const [relay] = (await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')).split(' ');
    process.kill(Number(relay), 'SIGKILL');
    await once(child, 'exit');
    await waitFor('no connection', 10_000, connected, ({ length }) => length === 0);
    await waitFor('the server to end', 20_000, left, (found) => found === '');
    // gVisor sends no signal to the programs of a terminal that is gone.
    if (!onGvisor) assert.equal(await shell('grep -lsz 100[0] /proc/[0-9]*/cmdline || true'), '');
  });

  it('ends a connection that is not used for as long as its sandbox may be idle, unless a program runs in it', async () => {
    const unused = await client.put('unused', { ...host, sandboxId: sandbox.sandboxId, tags: {}, idleTimeoutMs: 500 });
    const connect = (...args: string[]) =>
      spawn('ssh', [...config(), ...args], { stdio: ['pipe', 'pipe', 'pipe'], env: sshEnv() });
    const [shell, program] = [connect('-tt', unused), connect(unused, 'cat')];
    assert.match(await text(shell.stderr), /^The SSH connection was closed, because it had not been used for/);
    program.stdin.end('still there');
    assert.equal(await text(program.stdout), 'still there');
    await client.folder.remove(unused);
  });

  it('says what to do if the sandbox has no SSH server, has stopped, or is unknown', async () => {
    const other = await workbench.modal.sandboxes.create(workbench.app, workbench.image, { timeoutMs: 600_000 });
    const otherName = await client.put('other', { ...host, sandboxId: other.sandboxId });
    await workbench.shell(other, 'rm -f /usr/sbin/sshd');
    assert.match((await ssh(otherName, 'true')).stderr, /^The sandbox's image has no SSH server\. Add `"ssh": true`/);
    await other.terminate();
    assert.match((await ssh(otherName, 'true')).stderr, /^No sandbox is running for “Hello”\./);
    await client.folder.remove(otherName);
    assert.match((await ssh(otherName, 'true')).stderr, /^“modal-other” isn't a sandbox that SSH is set up for\./);
  });

  it('connects to the newest sandbox with the tags of a host if its last one has stopped', async () => {
    const tags = { folder: 'one' };
    const params = { timeoutMs: 600_000, tags };
    const [first, second] = [await create(params), await create(params)];
    const tagged = await client.put('tagged', { ...host, tags, sandboxId: first.sandboxId });
    const id = async () => (await ssh(tagged, 'echo $MODAL_SANDBOX_ID')).stdout.toString().trim();
    assert.equal(await id(), first.sandboxId);
    await first.terminate();
    assert.equal(await id(), second.sandboxId);
  });
});

/** Listens on a port of 127.0.0.1, prints it, and greets whoever connects. */
const SERVER = `
import socket, sys, threading
listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
def serve():
    while True:
        connection = listener.accept()[0]
        connection.sendall(b'from the sandbox')
        connection.close()
threading.Thread(target=serve, daemon=True).start()
sys.stdin.read()`;

const FOREVER = 'while :; do sleep 0.05; done';
/** Runs ssh in a terminal, changes its size when the first one was printed, and ends the terminal after the second one. */
const TERMINAL = `
import fcntl, os, pty, signal, struct, sys, termios
def size(rows, columns): fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
ready, go = os.pipe()
pid, terminal = pty.fork()
if pid == 0:
    os.read(ready, 1)
    os.execvp('ssh', ['ssh', '-F', sys.argv[1], '-t', sys.argv[2], sys.argv[3]])
size(31, 101)
os.write(go, b'x')
said = b''
while b'40 120' not in said:
    try: part = os.read(terminal, 1024)
    except OSError: break
    if not part: break
    if b'31 101' in part: size(40, 120)
    said += part
sys.stdout.buffer.write(said)
os.close(terminal)
os.waitpid(pid, 0)`;

/** Connects to a port of the sandbox through a SOCKS proxy. */
async function throughSocks(proxy: number, port: number): Promise<Socket> {
  const socket = connect(proxy, '127.0.0.1');
  socket.write(Buffer.from([5, 1, 0]));
  assert.deepEqual([...((await once(socket, 'data'))[0] as Buffer)], [5, 0]);
  socket.write(Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255]));
  // The reply takes ten bytes, and what the server says may follow at once.
  socket.pause();
  await once(socket, 'readable');
  const reply: Buffer = socket.read(10);
  assert.equal(reply[1], 0);
  return socket;
}
