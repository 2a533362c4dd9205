import assert from 'node:assert/strict';
import { foreignConfigurations, ownConfiguration } from '../../../src/debug/foreign-configurations.ts';
import { isForNode, namesAdapter, parseConfiguration } from '../../../src/debug/launch.ts';
import { nodeRequest } from '../../../src/debug/node.ts';
import { encodeMessage, type Message, MessageReader } from '../../../src/debug/protocol.ts';
import { adapterRequest, launchArguments, programOf } from '../../../src/debug/python.ts';
import { SourcePaths } from '../../../src/debug/source-paths.ts';
import { mapSources } from '../../../src/debug/sources.ts';
import { strings } from '../../../src/debug/strings.ts';
import { runRequest } from '../../../src/run/request.ts';

const event = (body: unknown): Message => ({ type: 'event', seq: 1, event: 'output', body });

describe('MessageReader', () => {
  it('splits bytes into messages, wherever they are cut', () => {
    const messages = [event('äöü'), event({ text: '\r\n\r\n' }), event('x'.repeat(5_000))];
    const bytes = Buffer.concat(messages.map(encodeMessage));
    for (const size of [1, 7, 100, bytes.length]) {
      const reader = new MessageReader();
      const read: Message[] = [];
      for (let at = 0; at < bytes.length; at += size) read.push(...reader.feed(bytes.subarray(at, at + size)));
      assert.deepEqual(read, messages);
    }
  });

  for (const [what, text] of [
    ['a text without a header', 'x'.repeat(2_000)],
    ['another header', 'Content-Type: text\r\n\r\n{}'],
    ['a message that is no JSON', 'Content-Length: 4\r\n\r\nnope'],
    ['another kind of message', 'Content-Length: 12\r\n\r\n{"type":"no"}'],
    ['a message that is too long', 'Content-Length: 999999999\r\n\r\n'],
  ] as const)
    it(`refuses ${what}`, () => {
      assert.throws(() => new MessageReader().feed(Buffer.from(text)), { message: strings.notAnAdapter() });
    });
});

describe('A launch configuration', () => {
  const launch = { type: 'modal', request: 'launch', name: 'n', program: 'a.py' };

  it("may have the properties of VS Code's own, besides ours", () => {
    const parsed = parseConfiguration({ ...launch, __sessionId: 'x', preLaunchTask: 'build', presentation: {} });
    assert.equal(typeof parsed === 'object' && parsed.request === 'launch' && parsed.console, 'integratedTerminal');
  });

  for (const [what, own, expected] of [
    ['a wrong type', { env: ['A=1'] }, /^“env” in the launch configuration isn't valid: .*expected record/],
    ['a shell operator', { args: 'a; b' }, /^“args” in the launch configuration isn't valid: /],
    ['a wrong choice', { console: 'externalTerminal' }, /^“console” .*integratedTerminal/],
    ['an unknown property', { progam: 'a.py' }, /unknown property: progam\./],
    ['neither a program nor a module', { program: undefined }, /exactly one of “program” and “module”/],
    ['both', { module: 'm' }, /exactly one of “program” and “module”/],
    [
      'an adapter that is no command line',
      { adapter: 'lldb-dap' },
      /^“adapter” in the launch configuration isn't valid: /,
    ],
    ['an adapter without words', { adapter: [] }, /^“adapter/],
    ['a port that is none', { request: 'attach', program: undefined, connect: { port: 0 } }, /“connect\.port”/],
  ] as const)
    it(`says in one sentence what is wrong with ${what}`, () => {
      const message = parseConfiguration({ ...launch, ...own });
      assert.match(String(message), expected);
    });
});

describe('Configurations for other debuggers', () => {
  it("become ours if they are Python's, without what is for this computer", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: VS Code's own variable
    const program = '${file}';
    const common = { request: 'launch', program };
    const found = foreignConfigurations([
      {
        ...common,
        type: 'debugpy',
        name: 'one',
        args: '--all',
        python: '/usr/bin/python3',
        console: 'externalTerminal',
      },
      { ...common, type: 'python', name: 'two', console: 'internalConsole', preLaunchTask: 'build' },
      { type: 'debugpy', name: 'three', request: 'attach', connect: { port: 5678 } },
      { type: 'debugpy', name: 'by process', request: 'attach', processId: 1 },
      { ...common, type: 'go', name: 'other' },
      'none',
    ]);
    assert.deepEqual(found.map(ownConfiguration), [
      { type: 'modal', request: 'launch', name: 'one', program, args: '--all' },
      { type: 'modal', request: 'launch', name: 'two', program, preLaunchTask: 'build', console: 'internalConsole' },
      { type: 'modal', request: 'attach', name: 'three', connect: { port: 5678 } },
    ]);
    for (const each of found) assert.equal(typeof parseConfiguration(ownConfiguration(each)), 'object');
    assert.deepEqual(foreignConfigurations(undefined), []);
  });
});

describe("Configurations for VS Code's own debugger of JavaScript", () => {
  const common = { type: 'node', request: 'launch', name: 'n' };
  for (const [what, own, expected] of [
    [
      'a file, with the defaults of that debugger',
      {
        program: 'dist/a.js',
        outFiles: ['dist/**/*.js'],
        runtimeExecutable: '/usr/bin/node',
        autoAttachChildProcesses: false,
      },
      { program: 'dist/a.js', outFiles: ['dist/**/*.js'], subProcess: false, console: 'internalConsole' },
    ],
    [
      'a script of npm in a terminal',
      { runtimeExecutable: 'npm', runtimeArgs: ['run', 'start'], console: 'integratedTerminal', port: 9229 },
      { runtimeExecutable: 'npm', runtimeArgs: ['run', 'start'] },
    ],
    [
      'a program without an extension',
      { program: 'bin/tool', args: ['-v'], console: 'externalTerminal' },
      { program: 'bin/tool', args: ['-v'], runtimeExecutable: 'node' },
    ],
  ] as const)
    it(`become ours: ${what}`, () => {
      const [found, ...others] = foreignConfigurations([
        { ...common, ...own },
        { ...common, request: 'attach' },
      ]);
      assert.ok(found && others.length === 0);
      const configuration = ownConfiguration(found);
      assert.deepEqual(configuration, { type: 'modal', request: 'launch', name: 'n', ...expected });
      const parsed = parseConfiguration(configuration);
      assert.ok(
        typeof parsed === 'object' && !namesAdapter(parsed) && parsed.request === 'launch' && isForNode(parsed),
      );
    });
});

describe('The command line of a program to debug', () => {
  const frozen = ['-X', 'frozen_modules=off'];
  for (const [line, expected] of [
    [['-u', '/workspace/a.py', '-m'], { pythonArgs: [...frozen, '-u'], program: '/workspace/a.py', args: ['-m'] }],
    [['-W', 'error', '-m', 'pytest', '-x'], { pythonArgs: [...frozen, '-W', 'error'], module: 'pytest', args: ['-x'] }],
    [['-c', 'print(1)', 'a b'], { pythonArgs: frozen, code: ['print(1)'], args: ['a b'] }],
  ] as const)
    it(`is understood: ${line.join(' ')}`, () => {
      assert.deepEqual(programOf(line), expected);
    });

  it('is given to the adapter by each interpreter that could run the program', () => {
    const programs = [
      { argv: ['uv', 'run', 'python', '-u'] as const },
      { argv: ['uv', 'run', '--script'] as const },
      { argv: ['python3', '-u', '-m', 'pytest'] as const },
    ];
    const request = runRequest({ folder: { name: 'f', path: '/f' }, label: 'a.py', programs });
    const lines = adapterRequest(request).programs.map(({ argv }) => argv.map((word) => word.split('\n', 1)[0]));
    assert.deepEqual(lines, [
      ['uv', 'run', 'python', '-u', '-c', 'import sys', '-u'],
      ['python3', '-u', '-c', 'import sys', '-u', '-m', 'pytest'],
    ]);
    const others = runRequest({ ...request, programs: [{ argv: ['node'] }] });
    assert.throws(() => adapterRequest(others), { message: strings.notPython('a.py') });
  });

  it('is given to the adapter of Node.js by each program that Node.js runs', () => {
    const probe = ['node', '--experimental-strip-types', '-e', ''];
    const programs = [
      { argv: ['tsx'] as const },
      { argv: ['deno', 'run'] as const },
      { argv: ['env', 'A=1', 'node', '--no-warnings'] as const },
      { argv: ['node', '--experimental-strip-types'] as const, label: 'Node.js 22.6 or later', probe },
    ];
    const request = runRequest({ folder: { name: 'f', path: '/f' }, label: 'a.ts', programs });
    const adapted = nodeRequest(request).programs.map(({ argv, ...rest }) => ({
      ...rest,
      argv: argv.map((word) => word.split('\n', 1)[0]),
    }));
    const adapter = ['node', '-e', "'use strict';", '--'];
    assert.deepEqual(adapted, [
      { argv: [...adapter, 'tsx'], label: 'tsx', probe: ['command', '-v', 'tsx'] },
      { argv: ['env', 'A=1', ...adapter, 'node', '--no-warnings'] },
      { argv: [...adapter, 'node', '--experimental-strip-types'], label: 'Node.js 22.6 or later', probe },
    ]);
    const others = runRequest({ ...request, programs: [{ argv: ['deno', 'run'] }] });
    assert.throws(() => nodeRequest(others), { message: strings.notNode('a.ts') });
  });

  it("doesn't buffer output that the debugger shows", () => {
    const ready = { ready: 1, argv: ['a.py'], python: '/usr/bin/python3', cwd: '/workspace' };
    const startOf = (console: string) => {
      const launch = parseConfiguration({ type: 'modal', request: 'launch', name: 'n', program: 'a.py', console });
      assert.ok(typeof launch === 'object' && !namesAdapter(launch) && launch.request === 'launch');
      return launchArguments(ready, launch).pythonArgs;
    };
    assert.deepEqual(startOf('internalConsole'), [...frozen, '-u']);
    assert.deepEqual(startOf('integratedTerminal'), frozen);
  });

  it('is refused if the adapter says something else', () => {
    const launch = parseConfiguration({ type: 'modal', request: 'launch', name: 'n', program: 'a.py' });
    assert.ok(typeof launch === 'object' && !namesAdapter(launch) && launch.request === 'launch');
    assert.throws(() => launchArguments({ argv: 'x' }, launch), { message: strings.notAnAdapter() });
  });
});

describe('Paths of source files', () => {
  const paths = new SourcePaths({
    folder: import.meta.dirname,
    localFolders: [{ path: import.meta.dirname, synced: import.meta.dirname }],
    files: {
      nameOf: (path) => `sandbox:${path}`,
      pathOf: (name) => (name.startsWith('sandbox:') ? name.slice(8) : undefined),
    },
    copy: { local: '/elsewhere/copied.py', remote: '/tmp/copies/copied.py' },
  });

  for (const [local, remote] of [
    [import.meta.filename, '/workspace/messages.test.ts'],
    ['/elsewhere/copied.py', '/tmp/copies/copied.py'],
    ['sandbox:/usr/lib/json.py', '/usr/lib/json.py'],
    ['sandbox:/workspace/made-there.py', '/workspace/made-there.py'],
    ['sandbox:/workspace', '/workspace'],
  ] as const)
    it(`lead from ${local.replace(import.meta.dirname, '.')} to the sandbox and back`, () => {
      assert.equal(paths.toSandbox(local), remote);
      assert.equal(paths.toEditor(remote), local);
    });

  it("don't lead to the sandbox from outside the folder", () => {
    assert.equal(paths.toSandbox('/elsewhere/other.py'), undefined);
    assert.equal(paths.toSandbox(`${import.meta.dirname}-2/a.py`), undefined);
    assert.equal(paths.toSandbox('relative.py'), undefined);
  });

  it('are replaced wherever a message names a source, and nowhere else', () => {
    const body = {
      stackFrames: [{ source: { path: '/a.py', sourceReference: 3, sources: [{ path: '/b.py' }] } }],
      sources: [{ path: '/c.py' }, { path: '<string>', sourceReference: 4 }],
      variables: [{ name: 'path', value: '/d.py' }],
    };
    assert.deepEqual(
      mapSources(body, (path) => `local${path}`),
      {
        stackFrames: [{ source: { path: 'local/a.py', sources: [{ path: 'local/b.py' }] } }],
        sources: [{ path: 'local/c.py' }, { path: '<string>', sourceReference: 4 }],
        variables: [{ name: 'path', value: '/d.py' }],
      },
    );
  });
});
