// biome-ignore-all lint/suspicious/noTemplateCurlyInString: lines of env contain them
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packageManagerOf, projectsOf } from '../../../src/run/projects.ts';
import { type CustomRunners, runnerOf } from '../../../src/run/runners.ts';
import { languageOf } from './languages.ts';

const MAIN = 'package main\n\nfunc main() {}\n';
const INLINE = '# /// script\n# dependencies = ["rich"]\n# ///\nimport rich\n';

describe('runnerOf', () => {
  const folders: string[] = [];
  after(() => {
    for (const folder of folders) rmSync(folder, { recursive: true });
  });

  function treeOf(files: Readonly<Record<string, string>>): string {
    const root = mkdtempSync(join(tmpdir(), 'runners-'));
    folders.push(root);
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return root;
  }

  function runner(path: string, text: string, others: Readonly<Record<string, string>> = {}, custom?: CustomRunners) {
    const root = treeOf({ ...others, [path]: text });
    const name = path.slice(path.lastIndexOf('/') + 1);
    const found = runnerOf({ name, languageId: languageOf(name), text, projects: projectsOf(root, path) }, custom);
    const { folder, args } = found?.instead ?? {};
    return found && `${found.programs[0]?.argv.join(' ')}${args ? ` ${args.join(' ')} in /${folder}` : ''}`;
  }

  for (const [path, text, others, command] of [
    // By language
    ['a.py', '', {}, 'python3'],
    ['a.js', '', {}, 'node'],
    ['a.ts', '', {}, 'tsx'],
    ['a.sh', '', {}, 'bash'],
    ['a.rb', '', {}, 'ruby'],
    ['a.go', MAIN, {}, 'go run'],
    ['a.jl', '', {}, 'julia'],
    ['a.pl', '', {}, 'perl'],
    ['a.php', '', {}, 'php'],
    ['a.r', '', {}, 'Rscript'],
    ['a.lua', '', {}, 'lua'],
    ['a.txt', '', {}, undefined],
    // By `#!` line: another program, or options
    ['a.py', '#!/usr/bin/env python3\n', {}, 'python3'],
    ['a.py', '#!/home/me/.venv/bin/python3.12\r\n', {}, 'python3'],
    ['a.py', '#!/usr/bin/env -S uv run --script\n', {}, 'uv run --script'],
    ['a.py', '#!/usr/bin/env -S uv run --script\n', { 'uv.lock': '' }, 'uv run --script'],
    ['a.py', '#!/usr/bin/env -S python3 -O -W error\n', {}, 'python3 -O -W error'],
    ['a.py', '#!/usr/bin/env pypy3\n', {}, 'pypy3'],
    ['a.py', '#!/usr/bin/env -S pipx run\n', {}, 'pipx run'],
    ['a.js', '#!/usr/bin/env node\n', {}, 'node'],
    ['a.js', '#!/usr/bin/env -S node --no-warnings\n', {}, 'node --no-warnings'],
    ['a.mjs', '#!/usr/bin/env zx\n', {}, 'zx'],
    ['a.js', '#!/usr/bin/env bun\n', {}, 'bun'],
    ['a.ts', '#!/usr/bin/env -S deno run --allow-read=. --no-prompt\n', {}, 'deno run --allow-read=. --no-prompt'],
    ['a.ts', '#!/usr/bin/env -vS bun run\n', {}, 'bun run'],
    ['a.ts', '#!/usr/bin/env -S node --experimental-strip-types\n', {}, 'node --experimental-strip-types'],
    ['a.ts', '#!/usr/bin/env tsx\n', {}, 'tsx'],
    ['a.rb', '#!/usr/bin/env ruby\n', {}, 'ruby'],
    ['a.rb', '#!/usr/bin/env -S bundle exec ruby\n', {}, 'bundle exec ruby'],
    ['a.rb', '#!/usr/bin/ruby -w\n', {}, '/usr/bin/ruby -w'],
    ['a.pl', '#!/usr/bin/perl -w\n', {}, '/usr/bin/perl -w'],
    ['a.pl', '#!/usr/bin/perl\n', {}, 'perl'],
    ['a.php', '#!/usr/bin/env -S php -d memory_limit=-1\n', {}, 'php -d memory_limit=-1'],
    ['a.r', '#!/usr/bin/env -S Rscript --vanilla\n', {}, 'Rscript --vanilla'],
    ['a.sh', '#!/bin/bash -eu\n', {}, '/bin/bash -eu'],
    ['a.sh', '#!/usr/bin/env zsh\n', {}, 'zsh'],
    ['a.sh', '#!/usr/bin/env -S GREETING=hi bash\n', {}, 'env GREETING=hi bash'],
    ['a.sh', '#!/usr/bin/env -S -i -u HOME PATH=/bin sh -e\n', {}, 'env -i -u HOME PATH=/bin sh -e'],
    ['a.sh', `#!/usr/bin/env -S A='x y' B="z" bash\n`, {}, 'env A=x y B=z bash'],
    ['a.sh', '#!/usr/bin/env --split-string=bash -e\n', {}, 'bash -e'],
    ['a.sh', '#!/usr/bin/env -S bash\\_-eu\n', {}, 'bash -eu'],
    ['a.sh', '#!/usr/bin/env -S A=${HOME}/x bash -e\n', {}, 'env -S A=${HOME}/x bash -e'],
    ['a.py', '#!/usr/bin/env -S --unset=A ${PY} -O\n', {}, 'env -S --unset=A ${PY} -O'],
    ['a.sh', '#!/usr/bin/env -S bash -e # strict\n', {}, 'env -S bash -e # strict'],
    ['a.py', '#!/usr/bin/env -S poetry run python3\n', {}, 'poetry run python3'],
    ['a.ts', '#!/usr/bin/env -S npx tsx\n', { 'package.json': '{}' }, 'npx tsx'],
    ['a.sh', '#!/usr/bin/env -u A -S bash -e\n', {}, 'env -u A -S bash -e'],
    ['a.js', '#!/usr/bin/env -S node --import=tsx\n', {}, 'node --import=tsx'],
    ['a.sh', '#!/usr/bin/env -- bash\n', {}, 'bash'],
    ['tool', '#! /usr/bin/awk -f\n', {}, '/usr/bin/awk -f'],
    ['tool', '#!/usr/bin/env -S just --justfile\n', {}, 'just --justfile'],
    ['tool', '#!/usr/bin/env\n', {}, undefined],
    ['tool', '#!\n', {}, undefined],
    ['a.py', 'x = 1\n#!/usr/bin/env bash\n', {}, 'python3'],
    // By metadata
    ['a.py', INLINE, {}, 'uv run --script'],
    ['a.py', `#!/usr/bin/env python3\n${INLINE}`, { 'uv.lock': '' }, 'uv run --script'],
    ['a.py', 'text = """\n# ///script\n"""\n', {}, 'python3'],
    // By project
    ['a.py', '', { 'uv.lock': '' }, 'uv run python'],
    ['src/a.py', '', { 'uv.lock': '' }, 'uv run python'],
    ['api/a.py', '', { 'api/uv.lock': '' }, 'uv run --project /workspace/api python'],
    ['api/src/x/a.py', '', { 'api/uv.lock': '', 'uv.lock': '' }, 'uv run --project /workspace/api python'],
    ['web/a.py', '', { 'api/uv.lock': '' }, 'python3'],
    ['main.go', MAIN, { 'go.mod': '', 'help.go': 'package main\n' }, 'go run . in /'],
    ['backend/main.go', MAIN, { 'backend/go.mod': '', 'backend/help.go': 'package main\n' }, 'go run . in /backend'],
    ['backend/cmd/x/main.go', MAIN, { 'backend/go.mod': '' }, 'go run . in /backend/cmd/x'],
    ['main.go', MAIN, { 'help.go': 'package main\n' }, 'go run'],
    ['one.go', MAIN, { 'go.mod': '', 'two.go': MAIN }, 'go run'],
    ['gen.go', `//go:build ignore\n\n${MAIN}`, { 'go.mod': '' }, 'go run'],
    ['lib.go', 'package lib\n', { 'go.mod': '' }, 'go run'],
    ['app/a.rb', '', { 'app/Gemfile': '' }, 'env BUNDLE_GEMFILE=/workspace/app/Gemfile bundle exec ruby'],
    ['a.rb', '', { Gemfile: '' }, 'env BUNDLE_GEMFILE=/workspace/Gemfile bundle exec ruby'],
    ['study/src/a.jl', '', { 'study/Project.toml': '' }, 'julia --project=/workspace/study'],
  ] as const) {
    const place = Object.keys(others).length > 0 ? ` beside ${Object.keys(others).join(', ')}` : '';
    it(`runs ${path}${place} that begins with ${JSON.stringify(text.slice(0, 50))} by ${command ?? 'asking'}`, () =>
      assert.equal(runner(path, text, others), command));
  }

  it('reads long first lines in linear time', () => {
    for (const line of [
      `#!${' '.repeat(200_000)}x`,
      `#!/bin/env ${'-S '.repeat(50_000)}`,
      `#!/bin/env -S ${'${'.repeat(50_000)}`,
    ])
      assert.notEqual(runnerOf({ name: 'tool', languageId: 'plaintext', text: line }), null);
  });

  it('falls back to what the language implies', () => {
    const names = (languageId: string, text: string, files: Readonly<Record<string, string>> = {}) =>
      runnerOf({ name: 'a', languageId, text, projects: projectsOf(treeOf(files), 'a') })?.programs.map(
        ({ argv }) => argv[0],
      );
    assert.deepEqual(names('python', '', { 'uv.lock': '' }), ['uv', 'python3', 'python']);
    assert.deepEqual(names('shellscript', '#!/opt/bin/zsh\n'), ['/opt/bin/zsh', 'zsh', 'bash', 'sh']);
    assert.deepEqual(names('ruby', '', { Gemfile: '' }), ['env', 'ruby']);
    assert.equal(names('constructor', ''), undefined);
  });

  it("prefers the user's own runners, by extension before language", () => {
    const custom = { '.py': ['pypy'], python: ['py'], julia: ['julia', '--project'], ruby: [] };
    assert.equal(runner('a.py', INLINE, {}, custom), 'pypy');
    assert.equal(runnerOf({ name: 'a.pyw', languageId: 'python', text: '' }, custom)?.programs[0]?.argv[0], 'py');
    assert.equal(runner('a.jl', '', {}, custom), 'julia --project');
    assert.equal(runner('a.rb', '', {}, custom), 'ruby');
  });

  describe('and packageManagerOf', () => {
    for (const [path, files, manager] of [
      ['package.json', {}, 'npm'],
      ['package.json', { 'yarn.lock': '' }, 'yarn'],
      ['packages/a/package.json', { 'pnpm-lock.yaml': '' }, 'pnpm'],
      ['packages/a/package.json', { 'pnpm-workspace.yaml': '', 'package.json': '{}' }, 'pnpm'],
      ['packages/a/package.json', { 'bun.lock': '', 'packages/a/package-lock.json': '' }, 'npm'],
      ['packages/a/package.json', { 'package.json': '{"packageManager": "yarn@4.1.0"}' }, 'yarn'],
      [
        'package.json',
        { 'package.json': '{"packageManager": "pnpm@9.0.0+sha512.abc"}', 'package-lock.json': '' },
        'pnpm',
      ],
      ['package.json', { 'package.json': '{"packageManager": 5}', 'bun.lockb': '' }, 'bun'],
      ['package.json', { 'package.json': '{"packageManager": "other@1"}' }, 'npm'],
      ['a/package.json', { 'a/yarn.lock': '', 'package.json': '{"packageManager": "pnpm@9.0.0"}' }, 'yarn'],
    ] as const) {
      it(`use ${manager} for ${path} beside ${Object.keys(files).join(', ') || 'nothing'}`, () => {
        assert.equal(packageManagerOf(projectsOf(treeOf(files), path)), manager);
      });
    }
  });
});
