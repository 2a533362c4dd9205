// biome-ignore-all lint/suspicious/noTemplateCurlyInString: VS Code's own variables
import assert from 'node:assert/strict';
import { LocalPaths } from '../../../src/run/local-paths.ts';
import { runRequest } from '../../../src/run/request.ts';
import { strings } from '../../../src/run/strings.ts';
import { parseTask, requestForCommand, requestForTask } from '../../../src/run/task-definition.ts';
import { commandLine, type ShellWord, shellPrograms } from '../../../src/run/tasks/command-line.ts';
import { localPath, remotePaths } from '../../../src/run/tasks/paths.ts';
import { readTasksJson } from '../../../src/run/tasks/tasks-json.ts';
import { environmentNames } from '../../../src/run/tasks/variables.ts';

const folder = { name: 'app', path: '/home/me/my app' };
const place = { folder, workspaceFolders: [folder.path] };

describe('Tasks in tasks.json', () => {
  it("finds each variable of this computer that VS Code fills in, however the task's files name it", () => {
    const settings: Record<string, unknown> = {
      'config:my.key': '${env:BY_SETTING}',
      'config:my.round': '${config:my.round} ${config:my.list}',
      'config:my.list': ['x', '${env:BY_LIST}'],
      'input:which': [{ id: 'which', type: 'pickString', options: ['a', '${env:BY_INPUT}'] }],
    };
    const cases: Record<string, [definition: unknown, names: string[]]> = {
      'a word': [{ command: 'echo', args: ['${env:A}'] }, ['A']],
      'several in a word, one of them twice': [{ script: 'x${env:A}/${env:B}${env:A}' }, ['A', 'B']],
      'a value and a name of a variable': [{ env: { '${env:NAME}': '${env:VALUE}' } }, ['NAME', 'VALUE']],
      'a quoted word': [{ command: { value: '${env:QUOTED}', quoting: 'strong' } }, ['QUOTED']],
      'a shell': [{ shell: { executable: '${env:SHELL}', args: ['${env:FLAG}'] } }, ['SHELL', 'FLAG']],
      'a name with a colon or blanks': [
        ['${env:A:B}', '${env:ProgramFiles (x86)}'],
        ['A:B', 'ProgramFiles (x86)'],
      ],
      'a setting': [{ args: ['${config:my.key}'] }, ['BY_SETTING']],
      'settings that refer to each other': [{ args: ['${config:my.round}'] }, ['BY_LIST']],
      'an input': [{ args: ['${input:which}'] }, ['BY_INPUT']],
      'inside another variable': [{ args: ['${env:${config:my.key}}'] }, ['${config:my.key}', 'BY_SETTING']],
      'what only the sandbox fills in': [{ script: '${A} $B ${env} ${env:} ${env.C} ${env:D' }, []],
      "VS Code's other variables": [{ args: ['${file}', '${workspaceFolder:env}', '${command:env}', 1, null] }, []],
    };
    for (const [name, [definition, expected]] of Object.entries(cases))
      assert.deepEqual(
        environmentNames(definition, (kind, id) => settings[`${kind}:${id}`]),
        expected,
        name,
      );
  });

  it("explains what isn't valid in a task, and where", () => {
    const wrong = (raw: object) => parseTask({ type: 'modal', ...raw });
    assert.equal(wrong({}), strings.invalidTask(strings.oneKindOfTask()));
    assert.equal(wrong({ command: 'a', script: 'b' }), strings.invalidTask(strings.oneKindOfTask()));
    assert.match(String(wrong({ command: 'a', args: 'b' })), /^“args” in the task isn't valid: .*expected array/);
    assert.match(String(wrong({ command: 'a', env: { 'A B': 'c' } })), /^“env\.A B” in the task isn't valid/);
    assert.match(
      String(wrong({ command: 'a', env: { A: 1 } })),
      /^“env\.A” in the task isn't valid: .*expected string/,
    );
  });

  it('runs a command with its arguments, working directory, and variables, all with sandbox paths', () => {
    const task = parseTask({
      type: 'modal',
      command: 'pytest',
      args: ['/home/me/my app/tests', '--root=/home/me/my app', '/home/me/my app2'],
      cwd: '/home/me/my app/sub',
      env: { CONFIG: '/home/me/my app/c.toml' },
      pty: false,
      sync: false,
      pull: ['out/*.csv', '/home/me/my app/out/*.txt', '!/home/me/my app/out/b.txt', '/home/me/my app'],
    });
    assert.ok(typeof task !== 'string');
    assert.deepEqual(
      requestForTask(task, place, 'test'),
      runRequest({
        folder,
        label: 'test',
        programs: [{ argv: ['pytest'] }],
        args: ['/workspace/tests', '--root=/workspace', '/home/me/my app2'],
        cwd: '/workspace/sub',
        env: { CONFIG: '/workspace/c.toml' },
        sync: false,
        pull: ['out/*.csv', '/workspace/out/*.txt', '!/workspace/out/b.txt', '/workspace'],
        pty: false,
      }),
    );
  });

  it('runs a script and its arguments in bash, or in sh if bash is missing', () => {
    const task = parseTask({ type: 'modal', script: 'echo "$1" | wc', args: ['x'] });
    assert.ok(typeof task !== 'string');
    const { programs, args, cwd } = requestForTask(task, place, 'x');
    assert.deepEqual(
      programs.map(({ argv }) => argv),
      [
        ['bash', '-c', 'echo "$1" | wc', 'bash'],
        ['sh', '-c', 'echo "$1" | wc', 'sh'],
      ],
    );
    assert.deepEqual([args, cwd], [['x'], '/workspace']);
  });
});

describe('The command lines of shell tasks', () => {
  const line = (command: ShellWord, args: ShellWord[] = [], original = command) =>
    commandLine({ command, args, original });

  it('keeps plain words as shell syntax and quotes the rest as VS Code does', () => {
    assert.equal(
      line('echo', [
        '$HOME',
        'a b',
        "'c d'",
        'e\\ f',
        '--x="g h"',
        '',
        { value: 'e f$', quoting: 'escape' },
        { value: 'its $x', quoting: 'strong' },
        { value: '$x y', quoting: 'weak' },
      ]),
      `echo $HOME 'a b' 'c d' 'e\\ f' --x="g h"  e\\ f$ 'its $x' "$x y"`,
    );
  });

  it('takes a command without arguments as a line, unless a variable brought the blanks', () => {
    assert.equal(line('echo a b'), 'echo a b');
    assert.equal(line('/my tools/run', [], '${config:tool}'), `'/my tools/run'`);
    assert.equal(line('/my tools/run x', [], '${config:tool} x'), '/my tools/run x');
    assert.equal(line('/my tools/run', ['x'], '${config:tool}'), `'/my tools/run' x`);
  });

  it('quotes as the task says', () => {
    const quoting = { escape: '^', strong: '"', weak: undefined };
    const words = {
      command: 'a',
      original: 'a',
      args: ['b c', { value: 'd e', quoting: 'escape' as const }, { value: 'f', quoting: 'weak' as const }],
    };
    assert.equal(commandLine(words, undefined, quoting), 'a "b c" d^ e f');
  });

  it("passes on the task's shell with exactly its arguments", () => {
    const argv = (shell: Parameters<typeof shellPrograms>[0], defaults?: Parameters<typeof shellPrograms>[2]) =>
      shellPrograms(shell, 'LINE', defaults).map((each) => each.argv.join(' '));
    assert.deepEqual(argv({ executable: 'python3', args: ['-c'] }), ['python3 -c LINE']);
    assert.deepEqual(argv({ executable: '/bin/sh' }), ['/bin/sh LINE']);
    assert.deepEqual(argv({ args: ['-e'] }), ['bash -e -c LINE', 'sh -e -c LINE']);
    assert.deepEqual(argv({ args: ['-c', '-l'] }), ['bash -c -l LINE', 'sh -c -l LINE']);
    assert.deepEqual(argv(undefined, [{ executable: 'zsh', args: ['-l'] }]), [
      'zsh -l -c LINE',
      'bash -c LINE',
      'sh -c LINE',
    ]);
  });
});

describe('The tasks in tasks.json', () => {
  const tasksOf = (file: object) => readTasksJson(file);

  it("takes the values of the linux blocks, whatever this computer's system is", () => {
    const [task] = tasksOf({
      options: { cwd: '/top', env: { TOP: '1' }, shell: { executable: 'bash', args: ['-ec'] } },
      linux: { options: { cwd: '/top-linux' } },
      tasks: [
        {
          label: 'a',
          type: 'process',
          command: 'base',
          args: ['base'],
          options: { env: { A: '1', B: 2 } },
          presentation: { reveal: 'never', panel: 'new' },
          problemMatcher: '$base',
          windows: { command: 'windows' },
          osx: { command: 'osx', problemMatcher: '$osx' },
          linux: {
            type: 'shell',
            command: 'linux',
            args: ['own', { value: ['a', 'b'], quoting: 'WEAK' }, { value: '' }, 3],
            options: { env: { B: '3' }, shell: { args: ['-c'] } },
            presentation: { panel: 'shared' },
            problemMatcher: ['$linux'],
          },
        },
      ],
    });
    assert.deepEqual(task?.command, {
      kind: 'shell',
      command: 'linux',
      args: ['own', { value: 'a b', quoting: 'weak' }],
      cwd: '/top-linux',
      env: { A: '1', B: '3' },
      shell: { executable: 'bash', args: ['-c'] },
    });
    assert.deepEqual(task?.matchers, ['$linux']);
    assert.deepEqual([task?.presentation.reveal, task?.presentation.panel], ['never', 'shared']);
  });

  it('completes tasks with the command, type, and matcher of the top level', () => {
    const [a, b, c, npm] = tasksOf({
      type: 'shell',
      command: 'make',
      args: ['-j'],
      problemMatcher: '$gcc',
      tasks: [
        { label: 'a', args: ['all'] },
        { label: 'b', command: 'echo', args: ['x'], problemMatcher: [] },
        { label: 'c', dependsOn: ['a', { type: 'npm', script: 'x' }], dependsOrder: 'sequence' },
        { type: 'npm', script: 'lint' },
        { label: 'nothing', type: 'shell', command: 7, dependsOn: [], args: 8 },
        { type: 'shell', command: 'no label' },
      ],
    });
    assert.deepEqual([a?.command?.kind, a?.command?.command, a?.command?.args], ['shell', 'make', ['-j', 'all']]);
    assert.deepEqual([b?.command?.command, b?.command?.args, a?.matchers, b?.matchers], ['echo', ['x'], ['$gcc'], []]);
    assert.deepEqual([c?.command, c?.dependsOn, c?.isSequence], [undefined, ['a', { type: 'npm', script: 'x' }], true]);
    assert.deepEqual([npm?.isCustom, npm?.matchers, npm?.command], [false, undefined, undefined]);
  });

  for (const [what, dependsOn, references] of [
    ['a label', 'a', ['a']],
    ['a task of an extension', { type: 'npm', script: 'x', path: 'web' }, [{ type: 'npm', script: 'x', path: 'web' }]],
    ['labels of which some are none', [3, null, 'b', {}, ['c']], ['b']],
    ['the same label twice', ['a', 'a'], ['a', 'a']],
    ['a label with variables', ['build ${config:x}'], ['build ${config:x}']],
  ] as const)
    it(`reads that a task depends on ${what}`, () => {
      const others = { dependsOrder: 'parallel', linux: { dependsOn: ['not here'] }, osx: { command: 'never' } };
      const [task] = tasksOf({ command: 'top', tasks: [{ label: 'only', dependsOn, ...others }] });
      assert.deepEqual([task?.dependsOn, task?.isSequence, task?.command], [references, false, undefined]);
    });

  it('runs a task without a type as a process', () => {
    assert.equal(tasksOf({ tasks: [{ label: 'a', command: 'ls' }] })[0]?.command?.kind, 'process');
  });

  it('leaves out what is no task', () => {
    assert.deepEqual(
      [readTasksJson(undefined), readTasksJson([]), tasksOf({ tasks: 3 }), tasksOf({ tasks: [1] })],
      [[], [], [], []],
    );
    assert.deepEqual(tasksOf({ tasks: [{ label: 'a', type: 'shell' }] }), []);
  });
});

describe('The paths of tasks', () => {
  const synced = '/home/me/proj/app';
  const remote = remotePaths(synced, ['/home/me/proj', '/home/me/other']);

  it('maps paths of the synced folder, also after options and in lists', () => {
    assert.equal(
      remote(
        `run ${synced}/a.py -I${synced}/inc --x=${synced} '${synced}/b c' ${synced}:${synced}/d file://${synced}/e`,
      ),
      `run /workspace/a.py -I/workspace/inc --x=/workspace '/workspace/b c' /workspace:/workspace/d file:///workspace/e`,
    );
  });

  it('maps paths of the synced folder that are written in another way, or are next to shell syntax', () => {
    for (const [text, expected] of [
      ['/home/me/proj//app/x', '/workspace/x'],
      ['/home/me/other/../proj/app/x', '/workspace/x'],
      [`cd ${synced}&&make`, 'cd /workspace&&make'],
      [`ls ${synced}|wc<${synced}/x>${synced}/y`, 'ls /workspace|wc</workspace/x>/workspace/y'],
      [`[${synced}] {${synced}} \`ls ${synced}\``, '[/workspace] {/workspace} `ls /workspace`'],
      [`$(cat ${synced}/v) @${synced}/r`, '$(cat /workspace/v) @/workspace/r'],
      [`${synced}/../app/x ${synced}/./y ${synced}/a/../z`, '/workspace/x /workspace/./y /workspace/a/../z'],
      [
        `python3 -c "print(\\"${synced}\\", \\"${synced}/x\\")"`,
        'python3 -c "print(\\"/workspace\\", \\"/workspace/x\\")"',
      ],
      [`printf '${synced}\\n${synced}/a.txt\\n'`, `printf '/workspace\\n/workspace/a.txt\\n'`],
      [`cat ${synced}/my\\ file\\(1\\).txt`, 'cat /workspace/my\\ file\\(1\\).txt'],
      [
        `pip install -e ${synced}[dev] git+file://${synced}@main#egg=x`,
        'pip install -e /workspace[dev] git+file:///workspace@main#egg=x',
      ],
      [`{"path": "${synced}/a", "in": ["${synced}"]}`, '{"path": "/workspace/a", "in": ["/workspace"]}'],
    ] as const)
      assert.equal(remote(text), expected);
  });

  it('takes a workspace folder above the synced one for that', () => {
    assert.equal(remote('cd /home/me/proj && ls /home/me/proj/'), 'cd /workspace && ls /workspace');
    assert.equal(remote(`${synced}/..`), '/workspace');
  });

  it('refuses paths of the workspace that are beside the synced folder, or above the workspace', () => {
    for (const path of [
      '/home/me/proj/lib',
      '/home/me/proj/app2/x',
      `${synced}\\ 2/x`,
      '/home/me/proj/*.py',
      '/home/me/proj/node_modules/.bin/eslint',
      `${synced}/../lib\\ x`,
      '/home/me/other',
      '/home/me/other/a',
      `${synced}/../..`,
    ])
      assert.throws(
        () => remote(`cat ${path}`),
        { message: /isn't in the sandbox, because it's outside the synced/ },
        path,
      );
  });

  it('keeps other paths, and those that only look like one of the workspace', () => {
    for (const path of ['/home/me', '/home/me/proj2', '/mnt/home/me/proj/x', './home/me/proj', '/tmp', 'proj'])
      assert.equal(remote(path), path);
  });

  it('maps Windows paths', () => {
    assert.equal(remotePaths('C:\\me\\app')('run c:\\me\\app\\a\\b.py:3'), 'run /workspace/a/b.py:3');
  });

  it('maps paths of the sandbox back', () => {
    assert.deepEqual(
      ['/workspace/a/b', '/workspace', '/workspaces/a', '/usr/x'].map((path) => localPath(path, synced)),
      [`${synced}/a/b`, synced, undefined, undefined],
    );
  });

  it('runs a command in the folder that VS Code would run it in', () => {
    const cwdOf = (cwd: string | undefined) => {
      const command = { kind: 'shell' as const, command: 'pwd', args: [], cwd, env: {} };
      const toRun = { command, original: 'pwd', defaultShells: [] };
      const where = { folder: { name: 'app', path: synced }, workspaceFolders: ['/home/me/proj'] };
      return requestForCommand(toRun, where, '/home/me/proj', 'x').cwd;
    };
    assert.deepEqual([undefined, '', '/home/me/proj', 'app/sub', '.', `${synced}/my dir`, '/tmp'].map(cwdOf), [
      '/workspace',
      '/workspace',
      '/workspace',
      '/workspace/sub',
      '/workspace',
      '/workspace/my dir',
      '/tmp',
    ]);
    assert.throws(() => cwdOf('lib'), /“\/home\/me\/proj\/lib” isn't in the sandbox/);
  });
});

describe('LocalPaths', () => {
  const through = (replacement: string, ...chunks: string[]) => {
    const paths = new LocalPaths(replacement);
    return chunks.map((chunk) => paths.feed(chunk)).join('') + paths.end();
  };

  it('replaces sandbox paths with local ones, even if they are split between chunks', () => {
    const text = 'File "/workspace/a.py", line 1\n/workspace/b.c:3:4: x';
    const expected = 'File "/home/me/a.py", line 1\n/home/me/b.c:3:4: x';
    assert.equal(through('/home/me/', text), expected);
    for (let cut = 1; cut < text.length; cut += 1) {
      assert.equal(through('/home/me/', text.slice(0, cut), text.slice(cut)), expected, `cut at ${cut}`);
    }
  });

  it('replaces sandbox paths with relative ones for matchers that want those', () => {
    assert.equal(through('', '/workspace/src/a.ts(1,2): error'), 'src/a.ts(1,2): error');
  });

  it('keeps paths that are part of another path', () => {
    assert.equal(
      through('/l/', '/x/workspace/a ./workspace/b /workspaces/c /workspace'),
      '/x/workspace/a ./workspace/b /workspaces/c /workspace',
    );
  });
});
