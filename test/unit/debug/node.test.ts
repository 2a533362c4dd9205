import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sandbox } from 'modal';
import { Channels } from '../../../src/channel/channels.ts';
import { REMOTE_ROOT } from '../../../src/sync/options.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { type LocalFolder, localFolder } from '../run/local-runs.ts';
import { type DebugPlace, Editor } from './editor.ts';

describe('Debugging JavaScript on Local Modal', () => {
  let server: RunningLocalModal;
  let folder: LocalFolder;
  let sandbox: Sandbox;
  let place: DebugPlace;

  before(async () => {
    server = await startLocalModal();
    folder = await localFolder(server, { hostVolume: false });
    ({ sandbox } = await folder.services.sessions.acquire({ name: 'folder', path: folder.path }));
    const { sessions } = folder.services;
    // Not Node, so that what tests look for isn't the helper.
    const client = async () => (await sessions.connection()).client;
    place = { ...folder, channels: new Channels({ client, languages: ['python'] }), sandbox };
  });
  after(async () => {
    place?.channels.dispose();
    await folder?.dispose();
    await server?.stop();
  });
  afterEach(() =>
    waitFor(
      'the end of all processes of Node.js',
      15_000,
      async () => {
        const process = await sandbox.exec(['sh', '-c', 'cat /proc/[0-9]*/comm 2>/dev/null']);
        return process.stdout.readText();
      },
      (names) => !/^(?:node|MainThread)$/m.test(names),
    ),
  );

  const debug = async (program: string, launch = {}, run = {}) => {
    await writeFile(join(folder.path, 'main.js'), program);
    return Editor.launchNode(place, 'main.js', launch, run);
  };
  const output = ({ messages }: Editor) =>
    messages
      .map((each) => (each.type === 'event' && each.event === 'output' ? (each.body as { output: string }).output : ''))
      .join('');

  it('starts the program in a terminal, tells where each of its processes waits, and ends with it', async () => {
    const editor = await debug(`console.log(String(process.stdin.isTTY), String(process.execArgv.length));
if (!process.send) require('node:child_process').fork(__filename, { stdio: 'inherit' });
else process.disconnect();
`);
    await editor.start();
    await editor.event('terminated');
    assert.equal((await editor.terminals[0]?.run.done)?.exitCode, 0);
    // What it prints to the same terminal at the same time may be mixed.
    assert.equal(editor.terminals[0]?.text.split('true 0').length, 3);
    const names = editor.inspected.map(({ name, subProcessId }) => name.replace(`[${subProcessId}]`, ''));
    assert.deepEqual(names, ['main.js ', 'main.js ']);
    assert.deepEqual(editor.failures, []);
    await editor.end();
  });

  it('shows output without a terminal, and leaves child processes alone if asked to', async () => {
    const program = `console.log('out'); process.exitCode = 3;
require('node:child_process').execFileSync(process.execPath, ['-e', '1'], { stdio: 'inherit' });
`;
    const editor = await debug(program, { console: 'internalConsole', subProcess: false, stopOnEntry: true });
    await editor.start();
    await editor.event('terminated');
    assert.equal((await editor.event('exited')).exitCode, 3);
    assert.match(output(editor), /^out$/m);
    assert.equal(editor.inspected.length, 1);
    await editor.end();
  });

  for (const console of ['integratedTerminal', 'internalConsole'] as const)
    it(`ends the program with its child processes when debugging is stopped (${console})`, async () => {
      const editor = await debug(
        `require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
console.log('ready'); setInterval(() => {}, 1000);`,
        { console },
      );
      await editor.start();
      await waitFor(
        'both processes',
        20_000,
        async () => [editor.inspected.length, output(editor) + editor.terminals.map(({ text }) => text).join('')],
        ([count, text]) => count === 2 && /ready/.test(`${text}`),
      );
      await editor.end();
      assert.deepEqual(editor.failures, []);
    });

  it('debugs two programs of one folder and one of another folder at the same time', async () => {
    const other = await localFolder(server, { hostVolume: false });
    const own = await other.services.sessions.acquire({ name: 'folder', path: other.path });
    const client = async () => (await other.services.sessions.connection()).client;
    const channels = new Channels({ client });
    try {
      for (const { path } of [folder, other])
        await writeFile(join(path, 'main.js'), 'console.log(__filename, String(2 * process.argv[2]));');
      const places = [place, place, { ...other, channels, sandbox: own.sandbox }];
      const editors = places.map((each, number) =>
        Editor.launchNode(each, 'main.js', {}, { args: [`${REMOTE_ROOT}/main.js`, `${number}`] }),
      );
      await Promise.all(editors.map((editor) => editor.start()));
      await Promise.all(editors.map((editor) => editor.event('terminated')));
      const texts = editors.map(({ terminals }) => /main\.js (\d)/.exec(terminals[0]?.text ?? '')?.[1]);
      assert.deepEqual(texts, ['0', '2', '4']);
      await Promise.all(editors.map((editor) => editor.end()));
      for (const { inspected, failures } of editors) assert.deepEqual([inspected.length, failures], [1, []]);
    } finally {
      channels.dispose();
      await other.dispose();
    }
  });

  it("says what is wrong with a program that can't start, in the words of Node.js", async () => {
    const editor = await debug('const const = 1;');
    await editor.start();
    await editor.event('terminated');
    const { run, text } = editor.terminals[0] as Editor['terminals'][number];
    assert.equal((await run.done).exitCode, 1);
    assert.match(text, /SyntaxError/);
    await editor.end();
    const strange = await debug('', {}, { programs: [{ argv: ['node', '--no-such-option'] }] });
    await strange.start();
    await strange.event('terminated');
    assert.match(strange.terminals[0]?.text ?? '', /bad option: --no-such-option/);
    await strange.end();
  });

  it('ends with a sentence if the sandbox has no Node.js', async () => {
    const editor = await debug('', {}, { programs: [{ argv: ['/no-such/node'] }] });
    await assert.rejects(editor.start());
    await editor.event('terminated');
    assert.match(editor.failures.join(), /^\/no-such\/node isn't installed/);
  });
});
