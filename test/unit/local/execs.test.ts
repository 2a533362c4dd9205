import assert from 'node:assert/strict';
import type { App, Image, ModalClient, Sandbox } from 'modal';
import { onGvisor, type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { skipUnless } from '../../helpers/skip.ts';

describe('Local Modal execs', () => {
  let server: RunningLocalModal;
  let modal: ModalClient;
  let app: App;
  let image: Image;
  let sandbox: Sandbox;

  before(async () => {
    server = await startLocalModal();
    modal = server.client();
    app = await modal.apps.fromName('execs', { createIfMissing: true });
    image = await modal.images.fromRegistry('debian:12-slim').build(app);
    sandbox = await modal.sandboxes.create(app, image);
  });
  after(() => server.stop());

  it('runs a command, and returns its output and exit code', async () => {
    const process = await sandbox.exec(['sh', '-c', 'echo out; echo err >&2; exit 7']);
    assert.equal(await process.stdout.readText(), 'out\n');
    assert.equal(await process.stderr.readText(), 'err\n');
    assert.equal(await process.wait(), 7);
  });

  it("reports an exec killed by a signal as 128 plus the signal's number", async () => {
    const process = await sandbox.exec(['sh', '-c', 'kill -TERM $$']);
    assert.equal(await process.wait(), 143);
  });

  it("exits with 127 if the program doesn't exist", async () => {
    const process = await sandbox.exec(['no-such-program']);
    assert.equal(await process.wait(), 127);
    assert.match(await process.stderr.readText(), /no-such-program/);
  });

  it('passes on all of a long line of Python with a buffer or a pipe in the sandbox', async () => {
    const print = 'print("x" * 1_000_000)';
    const own = 'import sys; sys.stdout = open(1, "w", 1, closefd=False)';
    // In gVisor, a pipe that is full takes a part of a write, and Python without a buffer drops the rest.
    for (const command of [
      `PYTHONUNBUFFERED= python3 -c '${print}'`,
      `python3 -u -c '${print}' | cat`,
      `python3 -u -c '${own}; ${print}'`,
    ]) {
      const process = await sandbox.exec(['sh', '-c', command]);
      assert.equal((await process.stdout.readText()).trimEnd().length, 1_000_000, command);
      assert.equal(await process.wait(), 0);
    }
  });

  it('passes writes to the stdin of an exec, and closes it', async () => {
    const process = await sandbox.exec(['sha256sum'], { mode: 'binary' });
    const writer = process.stdin.getWriter();
    for (let i = 0; i < 100; i++) await writer.write(Buffer.alloc(10_000, i));
    await writer.close();
    const { createHash } = await import('node:crypto');
    const hash = createHash('sha256');
    for (let i = 0; i < 100; i++) hash.update(Buffer.alloc(10_000, i));
    assert.equal(Buffer.from(await process.stdout.readBytes()).toString(), `${hash.digest('hex')}  -\n`);
  });

  it("runs an exec in its working directory, with its variables overriding the sandbox's", async () => {
    const process = await sandbox.exec(['sh', '-c', 'pwd; echo $GREETING $HOME'], {
      workdir: '/usr/lib',
      env: { GREETING: 'hello' },
    });
    assert.equal(await process.stdout.readText(), '/usr/lib\nhello /root\n');
  });

  it("starts a program by its full path if PATH doesn't contain it, with and without a terminal", async () => {
    for (const pty of [false, true]) {
      const process = await sandbox.exec(['/bin/pwd'], { env: { PATH: '/nowhere' }, workdir: '/usr/lib', pty });
      assert.equal((await process.stdout.readText()).trim(), '/usr/lib');
      assert.equal(await process.wait(), 0);
    }
    const unknown = await sandbox.exec(['pwd'], { env: { PATH: '/nowhere' } });
    assert.equal(await unknown.wait(), 127);
  });

  it('sets the variables of ephemeral secrets in an exec', async () => {
    const secret = await modal.secrets.fromObject({ TOKEN: 'abc' });
    const process = await sandbox.exec(['printenv', 'TOKEN'], { secrets: [secret] });
    assert.equal(await process.stdout.readText(), 'abc\n');
  });

  it('lets programs reopen /dev/stdin, /dev/stdout, and /dev/stderr', async () => {
    const process = await sandbox.exec(['sh', '-c', 'echo one > /dev/stdout; cat /dev/stdin > /dev/stderr']);
    await process.stdin.getWriter().write('two');
    await process.closeStdin();
    assert.equal(await process.stdout.readText(), 'one\n');
    assert.equal(await process.stderr.readText(), 'two');
  });

  it('kills the whole process group when an exec times out', async () => {
    const process = await sandbox.exec(['sh', '-c', 'sleep 4321 & sleep 4321'], { timeoutMs: 1000 });
    await process.wait().catch(() => {});
    const left = await sandbox.exec(['sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" " "']);
    assert.doesNotMatch(await left.stdout.readText(), /sleep 4321/);
  });

  it('gives a terminal its size, echo, and end of input', async () => {
    const process = await sandbox.exec(['sh', '-c', 'stty size; tty; cat; echo done'], { pty: true });
    const writer = process.stdin.getWriter();
    await writer.write('typed\n');
    await writer.close();
    const output = await process.stdout.readText();
    assert.match(output, /24 80\r\n/);
    assert.match(output, /\/dev\/pts\/\d+\r\n/);
    assert.equal(output.match(/typed\r\n/g)?.length, 2);
    assert.match(output, /done\r\n$/);
    assert.equal(await process.wait(), 0);
  });

  it('lets one exec resize the terminal of another', async function () {
    skipUnless(this, !onGvisor, 'A change of size sends no signal in gVisor before June 2026.');
    const process = await sandbox.exec(
      ['sh', '-c', 'trap "stty size; exit 3" WINCH; tty; while :; do sleep 0.05; done'],
      {
        pty: true,
      },
    );
    const reader = process.stdout.getReader();
    let seen = '';
    while (!seen.includes('\n')) seen += (await reader.read()).value ?? '';
    const resize = await sandbox.exec(['stty', '-F', seen.trim(), 'rows', '50', 'cols', '132']);
    assert.equal(await resize.wait(), 0);
    for (let part = await reader.read(); !part.done; part = await reader.read()) seen += part.value;
    assert.match(seen, /50 132/);
    assert.equal(await process.wait(), 3);
  });

  it('interrupts a program in a terminal on Ctrl+C', async () => {
    const process = await sandbox.exec(['sleep', '1000'], { pty: true });
    await process.stdin.getWriter().write('\x03');
    assert.equal(await process.wait(), 130);
  });

  it('accepts a large paste into a terminal without blocking', async () => {
    const process = await sandbox.exec(['sh', '-c', 'stty raw -echo; echo ready; head -c 1000000 | wc -c'], {
      pty: true,
    });
    const reader = process.stdout.getReader();
    let seen = '';
    while (!seen.includes('ready')) seen += (await reader.read()).value ?? '';
    const writer = process.stdin.getWriter();
    for (let i = 0; i < 10; i++) await writer.write('x'.repeat(100_000));
    for (let part = await reader.read(); !part.done; part = await reader.read()) seen += part.value;
    assert.match(seen, /1000000/);
  });
});
