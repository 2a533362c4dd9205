import assert from 'node:assert/strict';
import { LocalPaths } from '../../../src/run/local-paths.ts';
import { runRequest } from '../../../src/run/request.ts';
import { strings } from '../../../src/run/strings.ts';
import { parseTask, requestForTask, shellLine, toRemote } from '../../../src/run/task-definition.ts';

const folder = { name: 'app', path: '/home/me/my app' };

describe('Tasks in tasks.json', () => {
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
      pull: ['out/*.csv'],
    });
    assert.ok(typeof task !== 'string');
    assert.deepEqual(
      requestForTask(task, folder, 'test'),
      runRequest({
        folder,
        label: 'test',
        programs: [{ argv: ['pytest'] }],
        args: ['/workspace/tests', '--root=/workspace', '/home/me/my app2'],
        cwd: '/workspace/sub',
        env: { CONFIG: '/workspace/c.toml' },
        sync: false,
        pull: ['out/*.csv'],
        pty: false,
      }),
    );
  });

  it('runs a script and its arguments in bash, or in sh if bash is missing', () => {
    const task = parseTask({ type: 'modal', script: 'echo "$1" | wc', args: ['x'] });
    assert.ok(typeof task !== 'string');
    const { programs, args, cwd } = requestForTask(task, folder, 'x');
    assert.deepEqual(
      programs.map(({ argv }) => argv),
      [
        ['bash', '-c', 'echo "$1" | wc', 'bash'],
        ['sh', '-c', 'echo "$1" | wc', 'sh'],
      ],
    );
    assert.deepEqual([args, cwd], [['x'], '/workspace']);
  });

  it('maps Windows paths to the sandbox', () => {
    assert.equal(toRemote('run C:\\me\\app\\a\\b.py:3', 'C:\\me\\app'), 'run /workspace/a/b.py:3');
  });
});

describe('shellLine', () => {
  it('keeps plain words as shell syntax and quotes the rest as the task specifies', () => {
    assert.equal(
      shellLine([
        'echo',
        '$HOME',
        'a b',
        "'c d'",
        { value: 'e f$', quoting: 'escape' },
        { value: "it's $x", quoting: 'strong' },
        { value: '$x "y"', quoting: 'weak' },
      ]),
      `echo $HOME 'a b' 'c d' e\\ f\\$ 'it'\\''s $x' "$x \\"y\\""`,
    );
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
