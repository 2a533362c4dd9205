import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { projectsOf } from '../../../src/run/projects.ts';
import { runnerOf } from '../../../src/run/runners.ts';
import { commandOf } from '../../../src/run/targets/command.ts';

type Files = Readonly<Record<string, string>>;

const LANGUAGES: Readonly<Record<string, string>> = { py: 'python', go: 'go', rb: 'ruby', sh: 'shellscript' };
const folders: string[] = [];

function treeOf(files: Files): string {
  const root = mkdtempSync(join(tmpdir(), 'parts-'));
  folders.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

/** Returns how a file is run: the program, and what replaces the file. */
function runner(path: string, files: Files, languageId = LANGUAGES[path.split('.').at(-1) ?? ''] ?? 'ruby') {
  const root = treeOf(files);
  const text = files[path] ?? '';
  const found = runnerOf({ name: basename(path), languageId, text, projects: projectsOf(root, path) });
  return { root, ...found };
}

function described(path: string, files: Files, languageId?: string): string {
  const { programs, instead } = runner(path, files, languageId);
  const what = instead ? `${instead.args.join(' ')} in /${instead.folder}` : 'FILE';
  return `${programs?.[0]?.argv.join(' ')} ${what}`;
}

describe('Files that work only as parts of a project', () => {
  after(() => {
    for (const folder of folders) rmSync(folder, { recursive: true });
  });

  describe('in Python', () => {
    const own = 'import sys\nfrom .settings import PORT\nprint(PORT, sys.argv[1:], __package__)\n';
    const settings = 'PORT = 8000\n';
    for (const [path, files, output] of [
      ['api/server.py', { 'api/__init__.py': '', 'api/server.py': own }, "8000 ['x'] api"],
      [
        'a/api/v1/server.py',
        { 'a/api/__init__.py': '', 'a/api/v1/__init__.py': '', 'a/api/v1/server.py': own },
        "8000 ['x'] api.v1",
      ],
      ['plain/server.py', { 'plain/server.py': own }, "8000 ['x'] plain"],
      [
        'api/server.py',
        { 'api/__init__.py': '', 'api/server.py': own.replace('from .', 'from api.') },
        "8000 ['x'] api",
      ],
      ['api/__main__.py', { 'api/__init__.py': '', 'api/__main__.py': own }, "8000 ['x'] api"],
      ['api/__init__.py', { 'api/__init__.py': own }, "8000 ['x'] api"],
      ['api/01-load.py', { 'api/__init__.py': '', 'api/01-load.py': `def f():\n    pass\n${own}` }, "8000 ['x'] api"],
      ['api/server.py', { 'api/__init__.py': '', 'api/server.py': own.replace('from .', 'from ') }, "8000 ['x'] None"],
      [
        'api/server.py',
        { 'api/__init__.py': '', 'api/server.py': `"""\nfrom .x import y\n"""\nprint(__package__)\n` },
        'None',
      ],
    ] as const satisfies readonly (readonly [string, Files, string])[]) {
      it(`runs ${path} with ${JSON.stringify(files)} so that its imports work`, () => {
        const folder = dirname(path);
        const { root, programs, instead } = runner(path, { [`${folder}/settings.py`]: settings, ...files });
        const [program = '', ...before] = programs?.[0]?.argv ?? [];
        const { stdout, stderr } = spawnSync(program, [...before, ...(instead?.args ?? [join(root, path)]), 'x'], {
          cwd: join(root, instead?.folder ?? ''),
          encoding: 'utf8',
        });
        // Python imports a package itself before it runs a part of it.
        assert.equal(stdout.trimEnd().split('\n').at(-1), output, stderr);
      });
    }

    const test = 'def test_x(tmp_path):\n    assert 1 + 1 == 3\n';
    const unittest =
      'import unittest\nclass Sums(unittest.TestCase):\n    def test_x(self):\n        self.fail("no")\n';
    for (const [what, path, text, command] of [
      ['functions', 'test_a.py', test, 'python3 -m pytest'],
      ['a name that ends with _test', 'a_test.py', `import os\n\n\nasync ${test}`, 'python3 -m pytest'],
      ['a class', 'tests/test_a.py', 'class TestA:\n    def test_x(self): ...\n', 'python3 -m pytest'],
      ['unittest', 'test_a.py', unittest, 'python3 -m pytest'],
      [
        'fixtures',
        'test_a.py',
        `import pytest\nX = [\n  main()\n]\n@pytest.fixture\ndef x(): ...\n${test}`,
        'python3 -m pytest',
      ],
      ['a package', 'a/test_a.py', `from .b import c\n${test}`, 'python3 -m pytest'],
      ['a guard', 'test_a.py', `${unittest}if __name__ == "__main__":\n    unittest.main()\n`, 'python3'],
      ['a call of the runner', 'test_a.py', `import pytest\n${test}pytest.main([__file__])\n`, 'python3'],
      ['a call of a test', 'test_a.py', `${test}test_x(1)\n`, 'python3'],
      ['output of its own', 'test_a.py', `${test}print("done")\n`, 'python3'],
      ['no tests', 'test_a.py', 'import requests\nrequests.get("http://x")\n', 'python3'],
      ['only the text of a test', 'test_a.py', `X = """\n${test}"""\n`, 'python3'],
      ['another name', 'latest.py', test, 'python3'],
    ] as const)
      it(`runs a file of tests with ${what} by ${command}`, () => {
        const { programs, instead } = runner(path, { 'a/__init__.py': '', [path]: text });
        assert.deepEqual([programs?.[0]?.argv.join(' '), instead], [command, undefined]);
      });

    it('fails with a failed test, and runs the tests of unittest without pytest', () => {
      for (const [text, module, shown] of [
        [test, 'pytest', /assert \(1 \+ 1\) == 3|1 failed/],
        [unittest, 'pytest', /1 failed/],
        [unittest, 'unittest', /FAIL: test_x/],
      ] as const) {
        const { root, programs } = runner('tests/test_a.py', { 'tests/test_a.py': text });
        const found = programs?.find(({ argv }) => argv.at(-1) === module);
        const [program = '', ...before] = found?.argv ?? [];
        const [probe = '', ...rest] = found?.probe ?? [];
        // Not every computer has pytest.
        if (spawnSync(probe, rest).status !== 0 && module === 'pytest') continue;
        const ran = spawnSync(program, [...before, join(root, 'tests/test_a.py')], { cwd: root, encoding: 'utf8' });
        assert.equal(ran.status, 1);
        assert.match(ran.stdout + ran.stderr, shown);
      }
    });

    it('runs a module of a package at the top alone, because nothing contains the package', () =>
      assert.equal(described('server.py', { '__init__.py': '', 'server.py': own }), 'python3 FILE'));

    it('calls the main function of a module so that its imports work', () => {
      const text = 'from .settings import PORT\ndef main():\n    print(PORT, __name__, __package__)\n';
      const root = treeOf({ 'a/api/__init__.py': '', 'a/api/settings.py': settings, 'a/api/server.py': text });
      const target = { kind: 'pythonMain', line: 1 } as const;
      const command = commandOf(target, 'server.py', projectsOf(root, 'a/api/server.py'));
      const [program = '', ...before] = command?.programs[0]?.argv ?? [];
      const { stdout, stderr } = spawnSync(program, [...before, ...(command?.args ?? [])], {
        cwd: join(root, 'a/api'),
        encoding: 'utf8',
      });
      assert.equal(stdout, '8000 __main__ api\n', stderr);
    });

    it("uses the member of a uv workspace, with that member's packages", () => {
      const project = '[project]\nname = "x"\n';
      const workspace = { 'uv.lock': '', 'pyproject.toml': project, 'services/api/pyproject.toml': project };
      const run = (path: string, files: Files = {}) => described(path, { ...workspace, ...files, [path]: '' });
      assert.equal(run('services/api/src/a.py'), 'uv run --project /workspace/services/api python FILE');
      assert.equal(run('services/other/a.py'), 'uv run python FILE');
      assert.equal(run('a.py'), 'uv run python FILE');
      const onlySettings = { 'services/other/pyproject.toml': '[tool.ruff]\nline-length = 100\n' };
      assert.equal(run('services/other/a.py', onlySettings), 'uv run python FILE');
    });
  });

  for (const [path, files, expected, languageId] of [
    // Go: a package consists of all of its files.
    [
      'cmd/help.go',
      { 'go.mod': '', 'cmd/help.go': 'package main\n', 'cmd/main.go': 'package main\n\nfunc main() {}\n' },
      'go run . in /cmd',
    ],
    [
      'cmd/one.go',
      { 'go.mod': '', 'cmd/one.go': 'package main\nfunc main() {}\n', 'cmd/two.go': 'package main\nfunc main() {}\n' },
      'go run FILE',
    ],
    ['lib/lib_test.go', { 'go.mod': '', 'lib/lib_test.go': 'package lib\n' }, 'go test . in /lib'],
    // Ruby: what another tool reads
    ['Rakefile', { Rakefile: 'task :x\n' }, 'rake -f Rakefile in /'],
    [
      'app/Rakefile',
      { 'app/Gemfile': '', 'app/Rakefile': '' },
      'env BUNDLE_GEMFILE=/workspace/app/Gemfile bundle exec rake -f Rakefile in /app',
    ],
    ['lib/rakefile.rb', { 'lib/rakefile.rb': '' }, 'rake -f rakefile.rb in /lib'],
    // Shells that aren't bash
    ['a.zsh', { 'a.zsh': 'print hi\n' }, 'zsh FILE', 'shellscript'],
    ['a.fish', { 'a.fish': '' }, 'fish FILE', 'shellscript'],
    ['a.zsh', { 'a.zsh': '#!/bin/dash\n' }, '/bin/dash FILE', 'shellscript'],
    ['a.bash', { 'a.bash': '' }, 'bash FILE', 'shellscript'],
  ] as const satisfies readonly (readonly [string, Files, string, string?])[]) {
    it(`runs ${path} beside ${Object.keys(files).join(', ')} by ${expected}`, () =>
      assert.equal(described(path, files, languageId), expected));
  }
});
