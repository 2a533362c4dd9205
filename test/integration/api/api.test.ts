import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import * as vscode from 'vscode';
import type { SandboxesApi, SandboxHandle } from '../../../src/api/api.ts';
import { activate, writeWorkspaceFile } from '../extension-under-test.ts';

describe('The API: execute', () => {
  let api: SandboxesApi;
  before(async () => {
    api = await activate();
  });

  it('runs Python code in the synced folder, and keeps stdout and stderr separate', async () => {
    await writeWorkspaceFile('data.txt', 'from the folder');
    const pieces: string[] = [];
    const result = await api.execute(
      'import sys; print(open("data.txt").read()); print("wrong", file=sys.stderr); sys.exit(3)',
      {
        onStdout: (text) => pieces.push(text),
      },
    );
    assert.deepEqual([result.returncode, result.stdout, result.stderr], [3, 'from the folder\n', 'wrong\n']);
    assert.equal(pieces.join(''), result.stdout);
    assert.match(result.sandboxId ?? '', /^sb-/);
    assert.deepEqual([result.timedOut, result.truncated], [false, false]);
    assert.ok(result.durationSecs > 0);
  });

  it('runs an argument vector unchanged, with its variables and folder, without input', async () => {
    const { stdout } = await api.execute(['sh', '-c', 'cat; printf "%s|" "$PWD" "$A" "$1"', 'sh', 'it’s $x'], {
      cwd: '/tmp',
      env: { A: 'b c' },
    });
    assert.equal(stdout, '/tmp|b c|it’s $x|');
  });

  it('reports a timeout in the result, and leaves nothing running', async () => {
    const late = await api.execute(['sh', '-c', 'echo begun; sleep 1000'], { timeoutMs: 1_500 });
    assert.deepEqual([late.timedOut, late.returncode, late.stdout], [true, 124, 'begun\n']);
    const { stdout } = await api.execute(['sh', '-c', 'ps ax -o args | grep -c "[s]leep 1000"']);
    assert.equal(stdout, '0\n');
  });

  it("rejects with the signal's reason when it is canceled", async () => {
    const cancel = new AbortController();
    const running = api.execute(['sh', '-c', 'echo begun; sleep 1000'], {
      signal: cancel.signal,
      onStdout: () => cancel.abort(new Error('enough')),
    });
    await assert.rejects(running, /enough/);
  });

  it("rejects with a message for code that can't be started", async () => {
    await assert.rejects(
      api.execute(['no-such-program']),
      /^UserError: no-such-program isn't installed in the sandbox's image\./,
    );
    await assert.rejects(api.execute([]), /The command is empty/);
    await assert.rejects(api.execute('x'.repeat(70_000)), /more than 60000 characters/);
  });
});

describe('Another extension', () => {
  it('gets the API from activate() and runs code with it', async () => {
    const result = await vscode.commands.executeCommand('apiUser.run', 'print(6 * 7)');
    assert.deepEqual(result, { version: 1, returncode: 0, stdout: '42\n' });
  });
});

describe('The API: sandboxes', () => {
  let api: SandboxesApi;
  let sandbox: SandboxHandle;
  before(async () => {
    api = await activate();
    sandbox = await api.sandboxes.create({ ports: [8123], env: { FROM: 'create' } });
  });
  after(() => sandbox.kill());

  it('runs commands as shell text or as arguments', async () => {
    const { stdout } = await sandbox.commands.run('echo "$FROM" | tr a-z A-Z');
    assert.equal(stdout, 'CREATE\n');
    assert.equal((await sandbox.commands.run(['printf', '%s', '$FROM'])).stdout, '$FROM');
  });

  it('spawns a command that accepts input and can be stopped', async () => {
    const cat = sandbox.commands.spawn(['cat']);
    cat.write('one\n');
    cat.write('two\n');
    cat.endInput();
    assert.equal((await cat.wait()).stdout, 'one\ntwo\n');
    const sleep = sandbox.commands.spawn(['sh', '-c', 'echo begun; sleep 1000'], { onStdout: () => sleep.kill() });
    assert.notEqual((await sleep.wait()).returncode, 0);
  });

  it('reads, writes, lists, and removes files', async () => {
    const { files } = sandbox;
    await files.write('/data/deep/a.txt', 'text é');
    await files.writeBatch(
      Array.from({ length: 20 }, (_, at) => ({ path: `/data/many/${at}`, data: Uint8Array.of(at) })),
    );
    await files.makeDir('/data/empty/inner');
    assert.equal(new TextDecoder().decode(await files.read('/data/deep/a.txt')), 'text é');
    assert.deepEqual([...(await files.read('/data/many/7'))], [7]);
    assert.equal((await files.list('/data/many')).length, 20);
    const [entry] = await files.list('/data/deep');
    assert.deepEqual([entry?.name, entry?.path, entry?.type, entry?.size], ['a.txt', '/data/deep/a.txt', 'file', 7]);
    assert.ok(Math.abs((entry?.modifiedMs ?? 0) - Date.now()) < 60_000);
    await files.remove('/data');
    await assert.rejects(files.read('/data/deep/a.txt'), /^UserError: /);
  });

  it('returns the host of a port, and a URL that lets its caller in', async () => {
    const host = await sandbox.getHost(8123);
    assert.match(host, /^\S+:\d+$/);
    assert.equal((await fetch(`http://${host}`)).status, 401);
    // Nothing listens in the sandbox.
    assert.equal((await fetch(await sandbox.getUrl(8123))).status, 502);
    await assert.rejects(sandbox.getUrl(1), /Port 1 wasn't exposed/);
    await assert.rejects(sandbox.getHost(1), /Port 1 wasn't exposed/);
  });

  it('forwards a port to this computer until that is stopped', async () => {
    const program = `import socket
server = socket.create_server(('127.0.0.1', 0))
print(server.getsockname()[1], flush=True)
while True: server.accept()[0].sendall(b'hello')`;
    const { promise: listening, resolve } = Promise.withResolvers<string>();
    const server = sandbox.commands.spawn(['python3', '-c', program], { onStdout: resolve });
    const forwarded = await sandbox.forward(Number(await listening));
    assert.equal(forwarded.url, `http://127.0.0.1:${forwarded.port}`);
    assert.equal(await text(connect(forwarded.port, '127.0.0.1')), 'hello');
    forwarded.dispose();
    await assert.rejects(text(connect(forwarded.port, '127.0.0.1')), /ECONNREFUSED/);
    server.kill();
    await server.wait();
  });

  it('finds a sandbox by its ID until it has stopped', async () => {
    const other = await api.sandboxes.create();
    const same = await api.sandboxes.connect(other.id);
    assert.equal((await same.commands.run('echo here')).stdout, 'here\n');
    await other.kill();
    await assert.rejects(api.sandboxes.connect(other.id), /has stopped\. Create another one|UserError/);
  });

  it('keeps files, ports, and tags across a pause by any extension', async () => {
    const first = await api.sandboxes.create({ ports: [8124], tags: { team: 'red', use: 'test' } });
    await first.files.write('/kept.txt', 'kept');
    const snapshot = await first.pause();
    const second = await api.sandboxes.resume(snapshot);
    assert.notEqual(second.id, first.id);
    assert.equal((await second.commands.run('cat /kept.txt')).stdout, 'kept');
    assert.match(await second.getHost(8124), /^\S+:\d+$/);
    const { team, use } = await second.getTags();
    assert.deepEqual([team, use], ['red', 'test']);

    const found = await api.sandboxes.connect(second.id);
    const third = await api.sandboxes.resume(await found.pause(), { ports: [8125], tags: { use: 'more' } });
    await assert.rejects(third.getHost(8124), /Port 8124 wasn't exposed/);
    assert.match(await third.getHost(8125), /^\S+:\d+$/);
    const tags = await third.getTags();
    assert.deepEqual([tags.team, tags.use], ['red', 'more']);
    await third.kill();
    await assert.rejects(api.sandboxes.resume('im-1.nonsense'), /isn't a paused sandbox/);
  });
});
