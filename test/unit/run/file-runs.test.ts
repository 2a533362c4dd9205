import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { eachLimited } from '../../../src/base/each-limited.ts';
import { projectsOf } from '../../../src/run/projects.ts';
import { fileRequest, type RunRequest, runRequest } from '../../../src/run/request.ts';
import { Run } from '../../../src/run/run.ts';
import { runnerOf } from '../../../src/run/runners.ts';
import { interpreterOf } from '../../../src/run/selection/interpreters.ts';
import { SelectionProcess } from '../../../src/run/selection/process.ts';
import { commandOf } from '../../../src/run/targets/command.ts';
import { findTargets } from '../../../src/run/targets/find.ts';
import { parseTask } from '../../../src/run/task-definition.ts';
import { REMOTE_ROOT } from '../../../src/sync/options.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { languageOf } from './languages.ts';
import { type LocalFolder, localFolder } from './local-runs.ts';

/** How a file is run: as a whole, with typed arguments, by its first code lens but the file's, as a selection, by a task. */
type Door = 'file' | 'arguments' | 'lens' | 'selection' | 'task';
/** A program that is needed, the file, its text, the files beside it, and what it prints; `[3]` is its exit code. */
type Case = readonly [
  needs: string,
  door: Door,
  path: string,
  text: string,
  beside: Readonly<Record<string, string>>,
  prints: string,
];

/** Typed where arguments are asked for. */
const TYPED = `--name 'x y' $((1 + 1)) *.none`;

const PY = 'import os, sys\nprint(sys.flags.optimize, sys.argv[1:], os.getcwd())\n';
const PY_MAIN = 'def main():\n    print(__name__, __file__)\n';
const JS = 'console.log(process.execArgv, process.argv.slice(2), process.cwd())\n';
const SH = 'case $- in *e*) strict=strict ;; *) strict= ;; esac\necho "$strict $0 [$*] $GREETING"\n';
const PL = 'printf "%d [%s]\\n", $^W, join ",", @ARGV;\n';
const RB = 'p $VERBOSE, ARGV, defined?(Bundler)\n';
const PHP = '<?php echo ini_get("precision"), json_encode(array_slice($argv, 1)), "\\n";';
const GO =
  'package main\n\nimport "os"\n\nfunc main() { os.Stdout.WriteString("alone " + os.Args[len(os.Args)-1] + "\\n") }\n';
const GO_TWO = 'package main\n\nfunc main() { help() }\n';
const GO_HELP = 'package main\n\nimport "os"\n\nfunc help() { os.Stdout.WriteString("helped\\n") }\n';
const GO_MOD = 'module example.com/x\n\ngo 1.19\n';
const PACKAGE =
  '{ "scripts": {\n  "where": "node -p \\"process.env.npm_config_user_agent.split(String.fromCharCode(47))[0] + process.cwd()\\""\n} }\n';

/** In the folder of a case, which `@` stands for. */
const CASES: readonly Case[] = [
  // Python
  ['python3', 'file', 'a.py', PY, {}, '0 [] /workspace'],
  ['python3', 'file', 'a.py', `#!/usr/bin/env python3\n${PY}`, {}, '0 [] /workspace'],
  ['python3', 'file', 'a.py', `#!/home/me/.venv/bin/python3.12\r\n${PY}`, {}, '0 [] /workspace'],
  ['python3', 'file', 'a.py', `#!/usr/bin/env -S python3 -O -W error\n${PY}`, {}, '1 [] /workspace'],
  ['python3', 'file', 'src/deep/a.py', `#!/usr/bin/python3 -OO\n${PY}`, {}, '2 [] /workspace'],
  ['python3', 'file', 'a.py', 'import sys\nsys.exit(3)\n', {}, '[3]'],
  ['python3', 'file', 'a.py', '#!/usr/bin/env bash\necho "$0 is no Python"\n', {}, '@/a.py is no Python'],
  ['python3', 'file', 'a b/é $x.py', PY, {}, '0 [] /workspace'],
  ['python3', 'file', 'src/a.py', 'import beside\nprint(beside.name)\n', { 'src/beside.py': 'name = 5\n' }, '5'],
  ['python3', 'file', 'a.py', `x = 1\n#!/usr/bin/env bash\n${PY}`, {}, '0 [] /workspace'],
  ['python3', 'arguments', 'a.py', PY, {}, "0 ['--name', 'x y', '2', '*.none'] /workspace"],
  [
    'python3',
    'arguments',
    'a.py',
    `#!/usr/bin/env -S python3 -O\n${PY}`,
    {},
    "1 ['--name', 'x y', '2', '*.none'] /workspace",
  ],
  ['python3', 'task', 'a.py', PY, {}, "0 ['a  b', '$X', '*'] /workspace"],
  [
    'python3',
    'task',
    'sub/a.py',
    '#!/usr/bin/env -S python3 -I\nimport os\nprint(os.environ["GREETING"])\n',
    {},
    'hi there',
  ],
  ['python3', 'lens', 'a.py', PY_MAIN, {}, '__main__ @/a.py'],
  ['python3', 'lens', 'src/a.py', PY_MAIN, {}, '__main__ @/src/a.py'],
  ['python3', 'lens', 'a.py', 'async def main():\n    return 4\n', {}, '[4]'],
  [
    'python3',
    'lens',
    'a.py',
    'import pickle\nclass A: pass\ndef main():\n    print(type(pickle.loads(pickle.dumps(A()))).__name__)\n',
    {},
    'A',
  ],
  ['python3', 'lens', 'a.py', 'def main():\n    print("once")\nmain()\n', {}, 'once'],
  [
    'python3',
    'lens',
    'a.py',
    'def main():\n    print("guarded")\nif __name__ == "__main__":\n    main()\n',
    {},
    'guarded',
  ],
  [
    'python3',
    'lens',
    'a.py',
    `#!/usr/bin/env -S python3 -O\n${PY}if __name__ == "__main__":\n    pass\n`,
    {},
    '1 [] /workspace',
  ],
  [
    'python3',
    'lens',
    'src/a.py',
    'import beside\ndef main():\n    print(beside.name)\n',
    { 'src/beside.py': 'name = 6\n' },
    '6',
  ],
  [
    'python3',
    'selection',
    'a.py',
    'import os\n__name__, __file__, os.getcwd()\n',
    {},
    "('__main__', '@/a.py', '/workspace')",
  ],
  ['python3', 'selection', 'src/a.py', 'import beside\nbeside.name\n', { 'src/beside.py': 'name = 7\n' }, '7'],
  ['python3', 'selection', 'a.py', 'import asyncio\nawait asyncio.sleep(0, 8)\n', {}, '8'],
  // JavaScript and TypeScript
  ['node', 'file', 'a.js', JS, {}, '[] [] /workspace'],
  ['node', 'file', 'a.js', `#!/usr/bin/env -S node --no-warnings\n${JS}`, {}, "[ '--no-warnings' ] [] /workspace"],
  ['node', 'file', 'a.mjs', `#!/usr/bin/env node\nconsole.log(import.meta.url)\n`, {}, 'file://@/a.mjs'],
  [
    'node',
    'file',
    'packages/a/a.js',
    'console.log(typeof require)\n',
    { 'package.json': '{"type": "module"}' },
    'undefined',
  ],
  ['node', 'file', 'packages/a/a.js', 'console.log(typeof require)\n', { 'packages/a/package.json': '{}' }, 'function'],
  ['node', 'arguments', 'a.js', JS, {}, "[] [ '--name', 'x y', '2', '*.none' ] /workspace"],
  ['node', 'task', 'a.js', JS, {}, "[] [ 'a  b', '$X', '*' ] /workspace"],
  ['node', 'selection', 'a.js', '[typeof require, process.cwd()].join(" ")\n', {}, "'function /workspace'"],
  [
    'node',
    'selection',
    'src/a.mjs',
    'const { name } = await import("./beside.mjs")\nname\n',
    { 'src/beside.mjs': 'export const name = 9\n' },
    '9',
  ],
  ['npm', 'lens', 'package.json', PACKAGE, {}, 'npm@'],
  ['npm', 'lens', 'packages/a/package.json', PACKAGE, { 'package-lock.json': '{}' }, 'npm@/packages/a'],
  // Shells
  ['bash', 'file', 'a.sh', SH, {}, ' @/a.sh [] '],
  ['bash', 'file', 'a.sh', `#!/bin/bash -eu\n${SH.replace('$GREETING', '')}`, {}, 'strict @/a.sh [] '],
  ['bash', 'file', 'a.sh', `#!/usr/bin/env -S GREETING=hi bash\n${SH}`, {}, ' @/a.sh [] hi'],
  ['bash', 'file', 'a.sh', `#!/usr/bin/env -S GREETING='x  y' bash -e\n${SH}`, {}, 'strict @/a.sh [] x  y'],
  [
    'bash',
    'file',
    'a.sh',
    '#!/usr/bin/env -S -i -u HOME PATH=/usr/bin:/bin sh -e\nenv | grep -c -e ^HOME= -e ^USER= || echo $-\n',
    {},
    '0\ne',
  ],
  ['bash', 'file', 'a.sh', `#!/usr/bin/env -S GREETING="\${HOME} x" bash -e\n${SH}`, {}, 'strict @/a.sh [] /root x'],
  ['bash', 'file', 'a.sh', `#!/usr/bin/env -S GREETING="x\\ty" 'bash'\n${SH}`, {}, ' @/a.sh [] x\ty'],
  ['bash', 'file', 'a.sh', `#!/usr/bin/env -S GREETING='it\\'s' bash -e\n${SH}`, {}, "strict @/a.sh [] it's"],
  ['bash', 'file', 'a.sh', `#!/usr/bin/env --split-string=bash -e\n${SH}`, {}, 'strict @/a.sh [] '],
  ['bash', 'file', 'bin/tool', `#!/bin/sh\n${SH}`, {}, ' @/bin/tool [] '],
  ['bash', 'file', 'a.sh', 'false\nexit 7\n', {}, '[7]'],
  ['bash', 'file', 'a.sh', '#!/opt/none/bash\ntest -n "$BASH_VERSION" && echo by name\n', {}, 'by name'],
  ['bash', 'arguments', 'a.sh', SH, {}, ' @/a.sh [--name x y 2 *.none] '],
  ['bash', 'task', 'a.sh', SH, {}, ' @/a.sh [a  b $X *] hi there'],
  ['bash', 'task', 'a.sh', `#!/usr/bin/env -S GREETING=mine bash\n${SH}`, {}, ' @/a.sh [a  b $X *] mine'],
  ['bash', 'selection', 'a.sh', 'set -- 1 2\necho $# $PWD\n', {}, '2 /workspace'],
  ['zsh', 'file', 'a.sh', '#!/usr/bin/env zsh\ntest -n "$ZSH_VERSION" && echo zsh\n', {}, 'zsh'],
  // Others
  ['perl', 'file', 'a.pl', PL, {}, '0 []'],
  ['perl', 'file', 'lib/a.pl', `#!/usr/bin/perl -w\n${PL}`, {}, '1 []'],
  ['perl', 'arguments', 'a.pl', `#!/usr/bin/perl\n${PL}`, {}, '0 [--name,x y,2,*.none]'],
  ['perl', 'task', 'a.pl', PL, {}, '0 [a  b,$X,*]'],
  ['ruby', 'file', 'a.rb', RB, {}, 'false\n[]\nnil'],
  ['ruby', 'file', 'a.rb', `#!/usr/bin/ruby -w\n${RB}`, {}, 'true\n[]\nnil'],
  ['ruby', 'arguments', 'a.rb', RB, {}, 'false\n["--name", "x y", "2", "*.none"]\nnil'],
  ['bundle', 'file', 'app/a.rb', RB, { 'app/Gemfile': '' }, 'false\n[]\n"constant"'],
  ['bundle', 'task', 'app/lib/a.rb', RB, { 'app/Gemfile': '' }, 'false\n["a  b", "$X", "*"]\n"constant"'],
  ['php', 'file', 'a.php', PHP, {}, '14[]'],
  ['php', 'file', 'web/a.php', `#!/usr/bin/env -S php -d precision=5\n${PHP}`, {}, '5[]'],
  ['php', 'arguments', 'a.php', PHP, {}, '14["--name","x y","2","*.none"]'],
  ['go', 'file', 'a.go', GO.replace(' + os.Args[len(os.Args)-1]', ''), {}, 'alone '],
  ['go', 'file', 'main.go', GO_TWO, { 'go.mod': GO_MOD, 'help.go': GO_HELP }, 'helped'],
  [
    'go',
    'file',
    'backend/cmd/x/main.go',
    GO_TWO,
    { 'backend/go.mod': GO_MOD, 'backend/cmd/x/help.go': GO_HELP },
    'helped',
  ],
  [
    'go',
    'file',
    'one.go',
    GO.replace(' + os.Args[len(os.Args)-1]', ''),
    { 'go.mod': GO_MOD, 'two.go': GO_TWO },
    'alone ',
  ],
  ['go', 'arguments', 'gen.go', `//go:build ignore\n\n${GO}`, { 'go.mod': GO_MOD }, 'alone *.none'],
  ['go', 'task', 'cmd/main.go', GO, { 'go.mod': GO_MOD }, 'alone *'],
  ['Rscript', 'file', 'a.r', 'cat(sum(1:4), "\\n")\n', {}, '10 '],
  ['lua', 'file', 'a.lua', 'print(#arg, 1 << 3)\n', {}, '0\t8'],
  ['lua', 'arguments', 'a.lua', 'print(arg[2])\n', {}, 'x y'],
  ['awk', 'file', 'tool', '#! /usr/bin/awk -f\nBEGIN { print 6 * 7 }\n', {}, '42'],
  ['make', 'lens', 'Makefile', 'all: ; @echo $@ in $(CURDIR)\n', {}, 'all in @'],
  ['make', 'lens', 'tools/rules.mk', 'lint: ; @echo $@ in $(CURDIR)\n', {}, 'lint in @/tools'],
  ['julia', 'file', 'a.jl', 'println(6 * 7)\n', {}, '42'],
  [
    'julia',
    'file',
    'study/src/a.jl',
    'println(Base.active_project())\n',
    { 'study/Project.toml': '' },
    '@/study/Project.toml',
  ],
  ['deno', 'file', 'a.ts', '#!/usr/bin/env -S deno run --no-prompt\nconsole.log(6 * (7 as number))\n', {}, '42'],
  ['bun', 'file', 'a.js', '#!/usr/bin/env bun\nconsole.log(typeof Bun)\n', {}, 'object'],
  ['tsx', 'file', 'a.ts', '#!/usr/bin/env tsx\nconsole.log(6 * (7 as number))\n', {}, '42'],
];

/** Sandboxes of Local Modal have the programs of this computer's system folders. */
function isInstalled(program: string): boolean {
  const env = { PATH: process.platform === 'linux' ? '/usr/local/bin:/usr/bin:/bin' : process.env.PATH };
  return spawnSync('sh', ['-c', `command -v ${program}`], { env }).status === 0;
}

describe('Files run by their language, by what they say, and by where they are', () => {
  const needed = [...new Set(CASES.map(([program]) => program))];
  const missing = needed.filter((program) => !isInstalled(program));
  const possible = CASES.filter(([program]) => !missing.includes(program));
  const printed = new Map<Case, string>();
  const ending: Promise<unknown>[] = [];
  let server: RunningLocalModal;
  let folder: LocalFolder;

  const folderOf = (each: Case) => String(CASES.indexOf(each)).padStart(2, '0');

  before(async () => {
    server = await startLocalModal();
    folder = await localFolder(server);
    for (const each of CASES) {
      const [, , path, text, beside] = each;
      for (const [name, content] of Object.entries({ ...beside, [path]: text })) {
        const file = join(folder.path, folderOf(each), name);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, content);
      }
    }
    // The only one that syncs.
    await output(runRequest({ folder: own(), label: 'true', programs: [{ argv: ['true'] }] }));
    await eachLimited(possible, 4, async (each) => printed.set(each, await result(each).catch(String)));
  });
  after(async () => {
    await Promise.all(ending);
    await folder.dispose();
    await server.stop();
  });

  const own = () => ({ name: 'folder', path: folder.path });

  async function output(request: RunRequest): Promise<string> {
    let text = '';
    const stdout = (bytes: Uint8Array) => (text += Buffer.from(bytes).toString());
    const errors: string[] = [];
    const stderr = (bytes: Uint8Array) => errors.push(Buffer.from(bytes).toString());
    const run = new Run(request, folder.services, { status: () => {}, progress: () => {}, stdout, stderr });
    const { exitCode, error } = await run.done;
    return `${text.replace(/\r?\n$/, '')}${exitCode === 0 ? '' : (error ?? `[${exitCode}]${errors.join('')}`)}`;
  }

  async function result(each: Case): Promise<string> {
    const [, door, name, text] = each;
    const path = `${folderOf(each)}/${name}`;
    const base = posix.basename(name);
    const languageId = languageOf(base);
    const projects = projectsOf(folder.path, path);
    // Without npm's own lines.
    const apart = { pty: false, sync: false, env: { npm_config_loglevel: 'silent' } };
    const whole = (args: readonly string[] = []) => {
      const runner = runnerOf({ name: base, languageId, text, projects });
      assert.ok(runner);
      return { ...fileRequest(own(), path, runner, args), ...apart };
    };
    switch (door) {
      case 'file':
        return output(whole());
      case 'arguments':
        return output({ ...whole(), shellArgs: TYPED });
      case 'task': {
        const task = parseTask({ type: 'modal', file: path, args: ['a  b', '$X', '*'], env: { GREETING: 'hi there' } });
        assert.ok(typeof task === 'object');
        return output({ ...whole(task.args), env: task.env });
      }
      case 'lens': {
        const target = findTargets(base, languageId, text).at(-1);
        assert.ok(target && target.kind !== 'file' && target.kind !== 'cell');
        const command = commandOf(target, base, projects);
        return output(
          command ? { ...runRequest({ folder: own(), ...command, cwd: posix.dirname(path) }), ...apart } : whole(),
        );
      }
      case 'selection':
        return selected(text, path, languageId);
    }
  }

  async function selected(code: string, path: string, languageId: string): Promise<string> {
    const interpreter = interpreterOf(languageId);
    assert.ok(interpreter);
    const programs = interpreter.programs({}, projectsOf(folder.path, path));
    let text = '';
    const process = new SelectionProcess({
      interpreter,
      request: runRequest({ folder: own(), label: path, programs, sync: false }),
      services: folder.services,
      idleTimeoutMs: 600_000,
      output: { status: () => {}, progress: () => {}, code: () => {}, text: (more) => (text += more) },
    });
    const { exitCode, error } = await process.run({ code, file: `${REMOTE_ROOT}/${path}`, line: 1, languageId });
    process.cancel();
    // A shell doesn't end before it's killed.
    ending.push(process.ended);
    return `${stripVTControlCharacters(text).trim()}${exitCode === 0 ? '' : (error ?? `[${exitCode}]`)}`;
  }

  for (const each of possible) {
    const [program, door, path, text, beside, prints] = each;
    const others = Object.keys(beside).length > 0 ? ` beside ${Object.keys(beside).join(', ')}` : '';
    it(`run with ${program} (${door}): ${path}${others} that begins with ${JSON.stringify(text.slice(0, 60))}`, () => {
      const place = `${REMOTE_ROOT}/${folderOf(each)}`;
      assert.equal(printed.get(each), prints.replace('npm@', `npm${place}`).replaceAll('@', place));
    });
  }
  for (const program of missing)
    it(`run with ${program}: not tried, because ${program} isn't installed on this computer`);
});
