import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sandbox } from 'modal';
import { formatMinutes } from '../../../src/base/text.ts';
import { Channels } from '../../../src/channel/channels.ts';
import { installDebugpy } from '../../../src/debug/install.ts';
import { AttachSchema, type Launch } from '../../../src/debug/launch.ts';
import { attachArguments, DEBUGPY_FOLDER } from '../../../src/debug/python.ts';
import { strings } from '../../../src/debug/strings.ts';
import type { RunRequest } from '../../../src/run/request.ts';
import { REMOTE_ROOT } from '../../../src/sync/options.ts';
import { hasDebugpy, NO_DEBUGPY, putDebugpy } from '../../helpers/debugpy.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { skipUnless } from '../../helpers/skip.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { type LocalFolder, localFolder } from '../run/local-runs.ts';
import { type DebugPlace, Editor } from './editor.ts';

const PROGRAM = `import sys

def double(number):
    result = number * 2
    return result

print(double(4), sys.argv[1:])
print(sys.stdin.isatty())
`;

describe('Debugging Python on Local Modal', () => {
  let server: RunningLocalModal;
  let folder: LocalFolder;
  let sandbox: Sandbox;
  let place: DebugPlace;
  let file: string;

  before(async function () {
    skipUnless(this, hasDebugpy, NO_DEBUGPY);
    server = await startLocalModal();
    folder = await localFolder(server, { hostVolume: false });
    file = join(folder.path, 'main.py');
    ({ sandbox } = await folder.services.sessions.acquire({ name: 'folder', path: folder.path }));
    await putDebugpy(sandbox);
    const { sessions } = folder.services;
    const channels = new Channels({ client: async () => (await sessions.connection()).client });
    place = { ...folder, channels, sandbox };
  });
  after(async () => {
    place?.channels.dispose();
    await folder?.dispose();
    await server?.stop();
  });
  beforeEach(() => writeFile(file, PROGRAM));
  afterEach(() =>
    waitFor(
      'the end of all processes of Python',
      15_000,
      async () => {
        const process = await sandbox.exec(['sh', '-c', 'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " "']);
        return process.stdout.readText();
      },
      (processes) => !processes.includes('python'),
    ),
  );

  const debug = (name: string, launch?: Partial<Launch>, run?: Partial<RunRequest>) =>
    Editor.launch(place, name, launch, run);

  it('stops at a breakpoint in a local file, shows its variables, and steps', async () => {
    const editor = debug('main.py', { console: 'internalConsole', args: ['one', 'a b'] });
    const [breakpoints] = await editor.start({ [file]: [{ line: 4 }] });
    assert.equal(breakpoints?.breakpoints[0].verified, true);
    assert.equal(breakpoints?.breakpoints[0].source.path, file);
    const { threadId, reason, frames } = await editor.stopped();
    assert.deepEqual(
      [reason, frames[0]?.name, frames[0]?.line, frames[0]?.source.path],
      ['breakpoint', 'double', 4, file],
    );
    const { result } = await editor.request('evaluate', { expression: 'number + 1', frameId: frames[0]?.id });
    assert.equal(result, '5');
    const step = await editor.step('next', threadId);
    assert.deepEqual([step.reason, step.frames[0]?.line], ['step', 5]);
    await editor.request('continue', { threadId });
    await editor.event('terminated');
    assert.equal((await editor.event('exited')).exitCode, 0);
    const output = editor.messages.map((each) =>
      each.type === 'event' && each.event === 'output' ? (each.body as { output: string }).output : '',
    );
    assert.match(output.join(''), /8 \['one', 'a b'\]/);
    await editor.end();
    assert.deepEqual(editor.failures, []);
  });

  it('starts the program in a terminal in the sandbox', async () => {
    const editor = debug('main.py');
    await editor.start({ [file]: [{ line: 4 }] });
    const { threadId } = await editor.stopped();
    await editor.request('continue', { threadId });
    await editor.event('terminated');
    await editor.end();
    const [terminal] = editor.terminals;
    assert.equal((await terminal?.run.done)?.exitCode, 0);
    assert.match(terminal?.text ?? '', /8 \[\]\r\nTrue/);
  });

  it('shows where the program has stopped within six round trips, and where a step leads within two', async () => {
    const editor = debug('main.py');
    await editor.start({ [file]: [{ line: 4 }] });
    const { threadId } = await editor.stopped();
    // The start of the adapter takes one, and its first output another one.
    assert.ok(editor.turns + 2 <= 6, `${editor.turns} turns`);
    editor.turns = 0;
    const { frames } = await editor.step('next', threadId);
    assert.deepEqual([frames[0]?.line, editor.turns], [5, 2]);
    await editor.end();
  });

  it('debugs processes that the program starts, but not those of Python itself', async () => {
    const worker = join(folder.path, 'worker.py');
    await writeFile(worker, 'def work(number):\n    return number + 1\n');
    await writeFile(
      file,
      `import multiprocessing, worker
if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    with multiprocessing.Pool(1) as pool:
        print(pool.map(worker.work, [4]))
`,
    );
    const editor = debug('main.py');
    await editor.start({});
    const [child] = await waitFor(
      'a child',
      20_000,
      async () => editor.children,
      ({ length }) => length > 0,
    );
    await child?.start({ [worker]: [{ line: 2 }] }, 'attach');
    const stopped = await child?.stopped();
    assert.deepEqual([stopped?.frames[0]?.line, stopped?.frames[0]?.source.path], [2, worker]);
    await child?.request('continue', { threadId: stopped?.threadId });
    await editor.event('terminated');
    await editor.end();
    // Nor is there a warning of the debugger about the child process.
    assert.equal(editor.terminals[0]?.text.trim(), '[5]');
    assert.deepEqual([editor.children.length, editor.ignored.length], [1, 1]);
  });

  it('debugs a single test of a module, by its ID', async () => {
    const tests = join(folder.path, 'test_sums.py');
    await writeFile(
      tests,
      `import unittest
class Sums(unittest.TestCase):
    def test_one(self):
        self.assertEqual(1 + 1, 2)
    def test_two(self):
        self.assertEqual(2 + 2, 4)
`,
    );
    const editor = debug('test_sums.py', {}, { args: ['-m', 'unittest', 'test_sums.Sums.test_two'] });
    await editor.start({ [tests]: [{ line: 4 }, { line: 6 }] });
    const { threadId, frames } = await editor.stopped();
    assert.deepEqual([frames[0]?.line, frames[0]?.source.path], [6, tests]);
    await editor.request('continue', { threadId });
    await editor.event('terminated');
    assert.match(editor.terminals[0]?.text ?? '', /Ran 1 test/);
    await editor.end();
  });

  it('offers to install a missing debugger, and goes on once it is there', async () => {
    // An interpreter whose pip reaches no index at first.
    const pip = `if [ "$1 $2 $3" = "-m pip --version" ]; then exit; fi
[ "$1 $2 $3 $7 $8" = "-m pip install ${DEBUGPY_FOLDER} debugpy" ] && mv "$7-aside" "$7" && exit
echo "No matching distribution"; exit 1`;
    const prepare = `printf '#!/bin/sh\n%s' "$1" > '/tmp/a python' && chmod +x '/tmp/a python' && mv ${DEBUGPY_FOLDER} /tmp/aside`;
    assert.equal(await (await sandbox.exec(['sh', '-c', prepare, 'sh', pip])).wait(), 0);
    const editor = debug('main.py', { console: 'internalConsole' });
    editor.installs = async () => {
      const message = strings.installFailed('No matching distribution');
      await assert.rejects(installDebugpy(sandbox, '/tmp/a python'), { name: 'UserError', message });
      await (await sandbox.exec(['mv', '/tmp/aside', `${DEBUGPY_FOLDER}-aside`])).wait();
      await installDebugpy(sandbox, '/tmp/a python');
      return true;
    };
    await editor.start({ [file]: [{ line: 4 }] });
    assert.equal((await editor.stopped()).frames[0]?.line, 4);
    await editor.end();
    assert.equal(editor.missing.length, 1);
  });

  it('attaches to a program that listens, and lets it run on after the session', async () => {
    await writeFile(file, 'import time\nwhile True:\n    time.sleep(0.01)\n');
    await folder.services.syncs.of({ name: 'folder', path: folder.path }).push(sandbox);
    const listen = 'PYTHONPATH=$0 exec python3 -m debugpy --listen 5678 --wait-for-client main.py';
    const program = await sandbox.exec(['sh', '-c', listen, DEBUGPY_FOLDER], { workdir: REMOTE_ROOT });
    const config = AttachSchema.parse({ type: 'modal', request: 'attach', name: 'a', connect: { port: 5678 } });
    await waitFor(
      'the port',
      20_000,
      async () => (await sandbox.exec(['grep', ':162E .* 0A ', '/proc/net/tcp'])).wait(),
      (exitCode) => exitCode === 0,
    );
    for (const terminateDebuggee of [false, true]) {
      const editor = Editor.attach(place, 5678, () => attachArguments(config));
      await editor.start({ [file]: [{ line: 3 }] }, 'attach');
      const { frames } = await editor.stopped();
      assert.deepEqual([frames[0]?.line, frames[0]?.source.path], [3, file]);
      await editor.request('disconnect', { terminateDebuggee });
      editor.session.dispose();
      assert.deepEqual(editor.failures, []);
    }
    await program.wait();
    const nobody = Editor.attach(place, 5678, () => ({}));
    await assert.rejects(nobody.start({}, 'attach'), { message: 'Nothing in the sandbox listens on port 5678.' });
    await nobody.event('terminated');
  });

  it('uses any adapter in the sandbox, with the paths that it needs', async () => {
    const adapter = ['env', `PYTHONPATH=${DEBUGPY_FOLDER}`, 'python3', '-m', 'debugpy.adapter'] as const;
    const editor = Editor.launchAdapter(place, [...adapter], {
      program: file,
      args: ['one'],
      console: 'internalConsole',
    });
    await editor.start({ [file]: [{ line: 4 }] });
    const { threadId, frames } = await editor.stopped();
    assert.deepEqual([frames[0]?.line, frames[0]?.source.path], [4, file]);
    await editor.request('continue', { threadId });
    await editor.event('terminated');
    await editor.end();
    assert.deepEqual(editor.failures, []);
  });

  it('says in one sentence what is wrong with an adapter', async () => {
    for (const [adapter, expected] of [
      [['no-such-adapter'], /^no-such-adapter isn't installed/],
      [['sh', '-c', 'echo out of order >&2; exit 3'], strings.debuggerEnded(3, 'out of order')],
      [['sh', '-c', 'exit 4'], strings.debuggerEndedSilently(4)],
      [['sh', '-c', 'yes | head -c 2000; cat'], strings.notAnAdapter()],
      [['sleep', '1000'], strings.adapterSilent(formatMinutes(100))],
    ] as const) {
      const editor = Editor.launchAdapter(
        place,
        [...adapter],
        {},
        { startTimeoutMs: adapter[0] === 'sleep' ? 100 : 30_000 },
      );
      await assert.rejects(editor.start());
      await editor.event('terminated');
      const said = editor.failures.join();
      if (typeof expected === 'string') assert.equal(said, expected);
      else assert.match(said, expected);
    }
  });

  it('ends with a sentence if the image has no Python, or the adapter dies', async () => {
    const without = debug('main.py', {}, { programs: [{ argv: ['/no-such/python3'] }] });
    await assert.rejects(without.start());
    await without.event('terminated');
    assert.match(without.failures.join(), /^\/no-such\/python3 isn't installed/);
    const dying = debug('main.py', { console: 'internalConsole' });
    await dying.start({ [file]: [{ line: 4 }] });
    await dying.stopped();
    const kill = 'grep -la debugpy.adapter /proc/[0-9]*/cmdline | cut -d/ -f3 | xargs kill -KILL';
    await (await sandbox.exec(['sh', '-c', kill])).wait();
    await dying.event('terminated');
    assert.deepEqual(dying.failures, [strings.debuggerLost()]);
  });
});
