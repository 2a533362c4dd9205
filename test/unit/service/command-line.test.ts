import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isOwnRunningProcess } from '../../../src/base/processes.ts';
import { Tag } from '../../../src/modal/sandboxes.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { type CommandLine, commandLine } from './command-line.ts';

const ALLOW = ['--allow', 'first-sync'];

describe('The command line', () => {
  let server: RunningLocalModal;
  let user: CommandLine;

  before(async () => {
    server = await startLocalModal();
    user = await commandLine(server, { 'modal.profiles': { default: { image: 'debian:12' } } });
    await writeFile(join(user.folder, 'a.py'), 'import sys\nprint(sys.argv[1:], sys.stdin.read())\nsys.exit(3)\n');
  });
  after(async () => {
    await server.stop();
    await user.dispose();
  });

  const sandboxes = async () =>
    JSON.parse((await user.run(['ls', '--json'])).stdout) as { id: string; state: string }[];

  it('names the flag for a question that no one can answer, and starts nothing that was not allowed', async () => {
    const refused = await user.run(['exec', 'echo', 'no']);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /Sync 1 file .* from this folder to a Modal sandbox\?.*--allow first-sync/s);
    assert.equal(refused.stdout, '');
    const asJson = await user.run(['exec', '--json', 'true']);
    assert.deepEqual([asJson.code, JSON.parse(asJson.stdout).question], [2, 'first-sync']);
  });

  it('runs files and commands in one sandbox that stays, with their arguments, input, and exit codes', async () => {
    const first = await user.run(['run', ...ALLOW, 'a.py', '--flag', 'x'], 'piped');
    assert.deepEqual([first.code, first.stdout], [3, "['--flag', 'x'] piped\n"]);
    await mkdir(join(user.folder, 'sub'));
    await writeFile(join(user.folder, 'sub', 'b'), 'b');
    // The answer is remembered, and what a program wrote is still there.
    const [one, other] = await Promise.all([
      user.run([
        'exec',
        '-C',
        user.folder,
        '-e',
        'NAME=value',
        '--',
        'sh',
        '-c',
        'echo "$NAME"; cat sub/b >&2; echo 1 > one',
      ]),
      user.run(['exec', '--json', 'sh', '-c', 'pwd; exit 9']),
    ]);
    assert.deepEqual([one?.code, one?.stdout, one?.stderr.endsWith('b')], [0, 'value\n', true], one?.stderr);
    const { returncode, stdout, sandboxId } = JSON.parse(other?.stdout ?? '');
    assert.deepEqual([other?.code, returncode, stdout], [9, 9, '/workspace\n']);
    assert.deepEqual(
      (await sandboxes()).map(({ id }) => id),
      [sandboxId],
    );
    // Windows take over only sandboxes with the name of a window that has gone.
    const { [Tag.folder]: key, [Tag.window]: window } = await (
      await server.client().sandboxes.fromId(sandboxId)
    ).getTags();
    assert.deepEqual([typeof key, window], ['string', undefined]);
    const pulled = await user.run(['pull', 'one']);
    assert.deepEqual([pulled.code, await readFile(join(user.folder, 'one'), 'utf8')], [0, '1\n'], pulled.stderr);
    const log = await user.run(['logs']);
    assert.match(log.stdout, /value|\/workspace/);
  });

  it('starts one sandbox for commands that begin at the same time, and another for other hardware', async () => {
    const before = (await sandboxes()).length;
    const runs = await Promise.all([1, 2].map(() => user.run(['exec', '--json', '-b', 'cpu=0.25', 'true'])));
    const ids = new Set(runs.map(({ stdout }) => JSON.parse(stdout).sandboxId));
    assert.equal(ids.size, 1);
    assert.equal((await sandboxes()).length, before + 1);
    const wrong = await user.run(['exec', '-b', 'gpu=h1000', 'true']);
    assert.match(wrong.stderr, /gpu must be a GPU type that Modal offers \(did you mean “H100”\?\)/);
    assert.equal(wrong.code, 125);
  });

  it('replaces the sandbox once its profile has changed', async () => {
    const ids = new Set((await sandboxes()).map(({ id }) => id));
    const settings = { 'modal.profiles': { default: { image: 'debian:12', cpu: 0.125 } } };
    await writeFile(join(user.home, 'settings.json'), JSON.stringify(settings));
    const { sandboxId } = JSON.parse((await user.run(['exec', '--json', 'true'])).stdout);
    assert.ok(!ids.has(sandboxId));
    assert.equal((await sandboxes()).length, ids.size, 'the one before was ended');
  });

  it('passes on large input and output, and waits for a slow reader', async () => {
    const script = `head -c 30000000 /dev/zero | ${user.quoted} exec cat | (sleep 1; wc -c)`;
    assert.equal((await user.launch('sh', ['-c', script])).stdout.trim(), '30000000');
    const cut = await user.launch('sh', ['-c', `${user.quoted} exec yes | head -1`]);
    assert.deepEqual([cut.code, cut.stdout], [0, 'y\n']);
  });

  it('stops the program on Ctrl+C, and exits with the code of the signal', async () => {
    const running = user.start([
      'exec',
      '--',
      'sh',
      '-c',
      'trap "echo stopped; exit 5" INT; echo ready; sleep 100 & wait',
    ]);
    await waitFor(
      'the program',
      30_000,
      async () => running.output(),
      (output) => output.includes('ready'),
    );
    running.kill('SIGINT');
    const ended = await running.ended;
    assert.deepEqual([ended.code, ended.stdout], [130, 'ready\nstopped\n'], ended.stderr);
  });

  it('runs a program in the terminal that it is in, with its size, keys, and interrupts', async () => {
    const script = 'stty size; echo ready; read line; echo "got $line"; echo again; sleep 100';
    const { code, stdout } = await user.runInTerminal('ready=typed\\r|again=\\x03', [
      'exec',
      ...ALLOW,
      'sh',
      '-c',
      script,
    ]);
    assert.match(stdout, /30 99\r\nready\r\n.*got typed\r\nagain\r\n/s);
    assert.equal(code, 130);
  });

  it('asks in a terminal, starts nothing without an answer, and remembers a yes', async () => {
    await user.run(['permissions', '--forget']);
    const { code, stdout } = await user.runInTerminal('[y/n]=\\r', ['exec', '-b', 'cpu=0.5', 'true']);
    assert.match(stdout, /Sync .* from this folder to a Modal sandbox\?/);
    assert.equal(code, 125);
    const script = 'echo ready; read line; echo "got $line"';
    const allowed = await user.runInTerminal('[y/n]=y\\r|ready=typed\\r', [
      'exec',
      '-b',
      'cpu=0.5',
      'sh',
      '-c',
      script,
    ]);
    assert.match(allowed.stdout, /got typed\r\n$/);
    const answers = JSON.parse((await user.run(['permissions', '--json'])).stdout);
    assert.deepEqual(
      answers.map(({ allowed }: { allowed: boolean }) => allowed),
      [true],
    );
  });

  it('lists the ports that programs listen on, and forwards them until Ctrl+C', async () => {
    const listen = 'import http.server as h; s = h.HTTPServer(("127.0.0.1", 0), h.SimpleHTTPRequestHandler)';
    const program = `${listen}; print(s.server_port, flush=True); s.serve_forever()`;
    const running = user.start(['exec', 'python3', '-c', program]);
    const port = await waitFor(
      'a port',
      30_000,
      async () => Number(running.output()),
      (found) => found > 0,
    );
    const listed = JSON.parse((await user.run(['ports', '--json'])).stdout) as { port: number; command: string }[];
    assert.match(listed.find((each) => each.port === port)?.command ?? '', /python3/);
    const forwarding = user.start(['ports', '--json', String(port)]);
    const printed = await waitFor(
      'its URL',
      30_000,
      async () => forwarding.output(),
      (output) => output.includes('\n'),
    );
    const [{ url }] = JSON.parse(printed) as [{ url: string }];
    assert.match(await (await fetch(url)).text(), /a\.py/);
    forwarding.kill('SIGINT');
    assert.equal((await forwarding.ended).code, 0);
    running.kill('SIGINT');
    assert.equal((await running.ended).code, 130);
  });

  it('takes a snapshot, forks, and stops', async () => {
    const { id } = JSON.parse((await user.run(['snapshot', '--json', '-n', 'mine'])).stdout);
    assert.ok(id);
    const fork = (await user.run(['fork'])).stdout.trim();
    const there = await user.run(['exec', '--sandbox', fork, '--cwd', '/workspace', '--', 'ls']);
    assert.match(there.stdout, /^a\.py\none\n/m, there.stderr);
    const status = JSON.parse((await user.run(['status', '--json'])).stdout);
    assert.equal((await user.run(['stop'])).stdout.trim(), status.sandbox.sandboxId);
    assert.equal((await user.run(['stop', fork])).code, 0);
    assert.equal(JSON.parse((await user.run(['status', '--json'])).stdout).sandbox, undefined);
  });

  it('uses Local Modal without an account, which stays with the sandbox', async () => {
    const own = await commandLine(undefined, {
      'modal.localModal.runtime': 'namespaces',
      'modal.localModal.network': 'host',
    });
    try {
      const first = JSON.parse((await own.run(['exec', '--json', 'sh', '-c', 'echo 1 > /root/one'])).stdout);
      const second = JSON.parse((await own.run(['exec', '--json', 'cat', '/root/one'])).stdout);
      assert.deepEqual([first.returncode, second.stdout, second.sandboxId], [0, '1\n', first.sandboxId]);
    } finally {
      const file = JSON.parse(await readFile(join(own.home, 'local-modal', 'server.json'), 'utf8'));
      process.kill(file.pid);
      await waitFor(
        'the end of the server',
        30_000,
        () => isOwnRunningProcess(file),
        (isRunning) => !isRunning,
      );
      await own.dispose();
    }
  });

  it('refuses what it does not know with the nearest valid words', async () => {
    const [command, flag, value] = await Promise.all([
      user.run(['exce']),
      user.run(['exec', '--jsno', 'true']),
      user.run(['sync', '--allow', 'first']),
    ]);
    assert.deepEqual([command?.code, flag?.code, value?.code], [2, 2, 2]);
    assert.match(command?.stderr ?? '', /exec/);
    assert.match(flag?.stderr ?? '', /--json/);
    assert.match(value?.stderr ?? '', /first-sync/);
  });
});
