// biome-ignore-all lint/suspicious/noTemplateCurlyInString: snippets of shells contain them
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { terminateSandbox } from '../../../src/modal/sandboxes.ts';
import { NO_PROJECTS } from '../../../src/run/projects.ts';
import { runRequest } from '../../../src/run/request.ts';
import type { ShellScript } from '../../../src/run/runners.ts';
import { interpreterOf } from '../../../src/run/selection/interpreters.ts';
import { NODE_DRIVER } from '../../../src/run/selection/node-driver.ts';
import { SelectionProcess } from '../../../src/run/selection/process.ts';
import { strings } from '../../../src/run/strings.ts';
import { REMOTE_ROOT } from '../../../src/sync/options.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { type LocalFolder, localFolder } from './local-runs.ts';

describe('SelectionProcess on Local Modal', () => {
  let server: RunningLocalModal;
  let folder: LocalFolder;
  const started: SelectionProcess[] = [];

  before(async () => {
    server = await startLocalModal();
    folder = await localFolder(server);
  });
  after(async () => {
    await folder.dispose();
    await server.stop();
  });
  afterEach(async () => {
    for (const process of started.splice(0)) {
      process.cancel();
      await process.ended;
    }
  });

  function start(languageId: string, idleTimeoutMs = 600_000, script?: ShellScript, env = {}) {
    const { services, path } = folder;
    const interpreter = interpreterOf(languageId, script);
    assert.ok(interpreter);
    const shown = { text: '', status: '' };
    const process = new SelectionProcess({
      interpreter,
      request: runRequest({
        folder: { name: 'folder', path },
        label: languageId,
        programs: interpreter.programs({}, NO_PROJECTS),
        env,
      }),
      services,
      idleTimeoutMs,
      output: {
        status: (line) => (shown.status += `${line}\n`),
        progress: () => {},
        code: () => {},
        text: (text) => (shown.text += text),
      },
    });
    started.push(process);
    const file = `${REMOTE_ROOT}/a.${languageId === 'python' ? 'py' : languageId === 'typescript' ? 'ts' : 'js'}`;
    /** Returns what a snippet shows, with its exit code if that isn't 0. */
    async function run(code: string, line = 1, of = file): Promise<string> {
      const from = shown.text.length;
      const { outcome, exitCode, error } = await process.run({ code, line, file: of, languageId });
      const text = stripVTControlCharacters(shown.text.slice(from)).replaceAll('\r\n', '\n');
      return `${text}${exitCode === 0 ? '' : (error ?? (outcome === 'canceled' ? outcome : `[${exitCode}]`))}`;
    }
    const shows = (words: string) =>
      waitFor(
        `the text “${words}”`,
        30_000,
        async () => shown.text,
        (text) => text.includes(words),
      );
    return { process, shown, run, shows };
  }

  describe('Python', () => {
    it('keeps Python variables between snippets and shows the value of the last expression', async () => {
      const { run } = start('python');
      assert.equal(await run('x = 3'), '');
      assert.equal(await run('y = x * 2\ny + 1'), '7\n');
      assert.equal(await run('_'), '7\n');
      assert.equal(await run('None'), '');
      assert.equal(await run('# nothing\n'), '');
      assert.equal(await run('for i in range(2):\n    print(i, x)'), '0 3\n1 3\n');
    });

    it('leaves a record of each snippet, but none of its process', async () => {
      const { run } = start('python');
      await run('print("first snippet")');
      await run('1 / 0');
      const { records } = folder.services;
      await records.flush();
      const found = await records.latest(2, ({ label }) => label === 'python');
      const outputs = await Promise.all(found.map(async (each) => String((await records.output(each))?.head)));
      assert.deepEqual(
        found.map(({ command, end }) => [command.split(' -c ')[1], end?.exitCode]),
        [
          ["'1 / 0'", 1],
          ['\'print("first snippet")\'', 0],
        ],
      );
      assert.match(outputs[0] ?? '', /ZeroDivisionError/);
      assert.equal(outputs[1], 'first snippet\r\n');
    });

    it('runs an indented Python block unchanged, including multiline strings', async () => {
      const { run } = start('python');
      assert.equal(await run('    def f():\n        return """a\n    b"""\n    f()', 5), "'a\\n    b'\n");
      assert.equal(await run('\tz = 1\nz'), '1\n');
      assert.match(await run('    x = 1\nelse:\n    pass', 5), /IndentationError[\s\S]*\[1\]$/);
    });

    it('awaits at the top level, in an event loop that lasts', async () => {
      const { run, process, shows } = start('python');
      assert.equal(await run('import asyncio\nawait asyncio.sleep(0, "slept")'), "'slept'\n");
      assert.equal(
        await run('later = asyncio.create_task(asyncio.sleep(0.01, 5)) if await asyncio.sleep(0, 1) else 0'),
        '',
      );
      assert.equal(await run('await later'), '5\n');
      assert.equal(await run('async def f():\n    return 6\nasyncio.run(f())'), '6\n');
      assert.equal(await run('    await f() + 1', 3), '7\n');
      assert.match(await run('await 1', 4), /line 4, in <module>[\s\S]*TypeError: [^\n]*\n\[1\]$/);
      const waiting = run('print("waits", flush=True)\nawait asyncio.sleep(60)');
      await shows('waits');
      process.write('\u0003');
      assert.match(await waiting, /KeyboardInterrupt\n\[130\]$/);
      assert.equal(await run('await f()'), '6\n');
    });

    it("isn't confused by modules of the project that are called like Python's own", async () => {
      const list = spawnSync('python3', ['-c', 'import sys; print(*sys.stdlib_module_names)'], { encoding: 'utf8' });
      const names = list.stdout.split(/\s+/).filter(Boolean);
      assert.ok(names.includes('asyncio'), list.stderr);
      for (const name of names) await writeFile(join(folder.path, `${name}.py`), `mine = "${name}"\n`);
      try {
        const { run } = start('python');
        assert.equal(await run('x = 3\nx'), '3\n');
        assert.equal(await run('import json, signal\njson.mine + signal.mine'), "'jsonsignal'\n");
        assert.equal(await run('async def f():\n    return 5\nawait f()'), '5\n');
        assert.equal(await run('import socket, asyncio\nsocket.mine + asyncio.mine'), "'socketasyncio'\n");
        assert.equal(await run('await f() + 1'), '6\n');
        assert.match(await run('1 / 0', 2), /a\.py", line 2, in <module>[\s\S]*ZeroDivisionError/);
        assert.match(await run('x = (', 7), /a\.py", line 7\n[\s\S]*SyntaxError/);
        assert.equal(await run('import queue, tokenize\nqueue.mine + tokenize.mine'), "'queuetokenize'\n");
      } finally {
        for (const name of names) await rm(join(folder.path, `${name}.py`));
      }
    });

    it("isn't confused by such modules beside the file, or in folders that PYTHONPATH names", async () => {
      const names = ['asyncio', 'json', 'contextvars'];
      for (const sub of ['below', 'path']) {
        await mkdir(join(folder.path, sub));
        for (const name of names) await writeFile(join(folder.path, sub, `${name}.py`), `mine = "${sub}"\n`);
      }
      await writeFile(join(folder.path, 'below/a.py'), '');
      try {
        const below = start('python');
        assert.equal(await below.run('x = 3\nx', 1, `${REMOTE_ROOT}/below/a.py`), '3\n');
        const code = 'async def f():\n    return 5\nimport asyncio, json\n(await f(), asyncio.mine, json.mine)';
        assert.equal(await below.run(code, 1, `${REMOTE_ROOT}/below/a.py`), "(5, 'below', 'below')\n");
        const { run } = start('python', undefined, undefined, { PYTHONPATH: `${REMOTE_ROOT}/path` });
        assert.equal(await run(code), "(5, 'path', 'path')\n");
      } finally {
        for (const sub of ['below', 'path']) await rm(join(folder.path, sub), { recursive: true });
      }
    });

    it("isn't confused by what a snippet does to Python, or by names like those of its own program", async () => {
      for (const [name, part] of [
        ['json', '__init__.py'],
        ['asyncio', '__init__.py'],
        ['types', 'notes.txt'],
      ] as const) {
        await mkdir(join(folder.path, name));
        await writeFile(join(folder.path, name, part), 'mine = 1\n');
      }
      try {
        const { run } = start('python');
        for (const code of [
          'main = run = read = report = loop = handler = modules = 5',
          'import json, sys; assert json.mine; del sys.modules["json"]',
          'import sys; path = sys.path; sys.path = []; sys.argv = None',
          'import os; os.chdir("/tmp"); os.environ.clear()',
          'import signal; x = signal.signal(signal.SIGINT, signal.SIG_DFL)',
          'import io; old = sys.stdout; sys.stdout = io.StringIO(); print("hidden")',
          'sys.stdout = old; sys.path = path',
        ])
          assert.equal(await run(code), '', code);
        assert.equal(await run('async def f():\n    return main\nawait f()'), '5\n');
        assert.match(await run('1 / 0', 2), /a\.py", line 2, in <module>[\s\S]*ZeroDivisionError/);
      } finally {
        for (const name of ['json', 'asyncio', 'types']) await rm(join(folder.path, name), { recursive: true });
      }
    });

    it('reports Python errors with the file and its lines, without internal frames', async () => {
      const { run } = start('python');
      await writeFile(join(folder.path, 'a.py'), '\n\n\ndef f():\n    return 1 / 0\nf()\n');
      assert.equal(await run('def f():\n    return 1 / 0', 4), '');
      const failed = await run('f()', 6);
      assert.match(
        failed,
        /^Traceback \(most recent call last\):\n {2}File "\/workspace\/a\.py", line 6, in <module>\n {4}f\(\)\n/,
      );
      assert.match(failed, /File "\/workspace\/a\.py", line 5, in f\n {4}return 1 \/ 0/);
      assert.match(failed, /ZeroDivisionError: division by zero\n\[1\]$/);
      assert.doesNotMatch(failed, /<string>/);
      assert.match(
        await run('    x = (\n    1]', 11),
        /^ {2}File "\/workspace\/a\.py", line 12\n[\s\S]*SyntaxError: .*\n\[1\]$/,
      );
      assert.equal(await run('x = 5\nx'), '5\n', 'the process survives errors');
    });

    it('finds Python modules next to the file, and the file itself', async () => {
      await mkdir(join(folder.path, 'sub'));
      await writeFile(join(folder.path, 'sub/beside.py'), 'name = "beside"');
      await writeFile(join(folder.path, 'sub/b.py'), '');
      const { run } = start('python');
      const file = `${REMOTE_ROOT}/sub/b.py`;
      assert.equal(
        await run('import beside\nbeside.name, __file__, __name__', 1, file),
        `('beside', '${file}', '__main__')\n`,
      );
    });

    it('syncs changes in the folder before each snippet', async () => {
      const { run, shown } = start('python');
      await run('x = 1');
      await writeFile(join(folder.path, 'data.txt'), 'fresh');
      assert.equal(await run('open("data.txt").read()'), "'fresh'\n");
      assert.match(shown.status, /Synced 1 file \(5 B\) in \S+ m?s\n$/);
      const before = shown.status;
      await run('x');
      assert.equal(shown.status, before, 'nothing is reported if nothing was sent');
    });

    it('runs Python code of any size unchanged', async () => {
      const { run } = start('python');
      const long = 'é"\\n\'\t'.repeat(40_000);
      assert.equal(await run(`text = r'''${long.replaceAll("'", '’')}'''\nlen(text)`), `${long.length}\n`);
    });

    it('sends typed text to the running Python snippet', async () => {
      const { run, process, shows } = start('python');
      const running = run('input("name? ")');
      await shows('name?');
      process.write('me\r');
      assert.match(await running, /'me'\n$/);
    });

    it('interrupts Python on Ctrl+C and keeps its variables', async () => {
      const { run, process, shows } = start('python');
      await run('import time; x = 4');
      const running = run('print("begun"); time.sleep(1000)');
      const waiting = run('print("never")');
      await shows('begun');
      process.write('\u0003');
      assert.match(await running, /KeyboardInterrupt\n\[130\]$/);
      assert.match(await waiting, /canceled$/, 'the waiting snippet is dropped');
      process.write('\u0003');
      // The terminal may echo the interrupt later.
      assert.match(await run('x'), /4\n(?:\^C)?$/);
    });

    it('ends when the Python code exits, and reports the exit code', async () => {
      const { run, process } = start('python');
      assert.match(await run('import sys; sys.exit(3)'), /Exited with code 3$/);
      assert.equal((await process.ended).exitCode, 3);
    });
  });

  describe('Node.js', () => {
    it('keeps JavaScript names, allows redeclaring them, and shows the value of the last expression', async () => {
      const { run } = start('javascript');
      assert.equal(await run('const x = 3'), '');
      assert.equal(await run('const x = 4; function f() { return x * 2 }'), '');
      assert.equal(await run('({ f: f() })'), '{ f: 8 }\n');
      assert.equal(await run('[null, undefined, 12n, -0]'), '[ null, undefined, 12n, -0 ]\n');
      assert.equal(await run('12n'), '12n\n');
      assert.equal(await run('await new Promise((done) => setTimeout(done, 10, "later"))'), "'later'\n");
    });

    it('runs JavaScript import and export statements', async () => {
      await writeFile(join(folder.path, 'beside.mjs'), 'export const name = "beside"; export default 1;');
      const { run } = start('javascript');
      assert.equal(await run("import path, { join as glue } from 'node:path';\nexport const x = glue('a', 'b');"), '');
      assert.equal(await run('[x, path.sep]'), "[ 'a/b', '/' ]\n");
      assert.equal(await run("import one, { name } from './beside.mjs'; [one, name]"), "[ 1, 'beside' ]\n");
      assert.equal(await run("(await import('./beside.mjs')).default"), '1\n');
    });

    it('reports JavaScript errors with the file and its lines, without internal frames', async () => {
      const { run } = start('javascript');
      const failed = await run('function g() {\n  throw new Error("no")\n}\ng()', 10);
      assert.equal(failed, 'Uncaught Error: no\n    at g (/workspace/a.js:11:9)\n    at /workspace/a.js:13:1\n[1]');
      assert.equal(
        await run('let y = 1\nlet = (', 10),
        '/workspace/a.js:11\nlet = (\n       ^\nSyntaxError: Unexpected end of input\n[1]',
      );
      assert.match(await run('Promise.reject(new Error("late")); 0'), /0\n/);
      assert.equal(await run('1 + 1').then((text) => text.endsWith('2\n')), true);
    });

    it('interrupts Node.js on Ctrl+C, in a loop or an await, and keeps its variables', async () => {
      const { run, process, shows } = start('javascript');
      await run('const x = 4');
      // Shown once the code awaits: Node.js has no handler of interrupts for a moment before.
      const awaits = 'setTimeout(() => console.log("waits"), 1); await new Promise(() => {})';
      for (const [code, begun] of [
        ['console.log("loops"); for (;;);', 'loops'],
        [awaits, 'waits'],
      ] as const) {
        const running = run(code);
        await shows(begun);
        process.write('\u0003');
        assert.match(await running, /Interrupted\n\[130\]$/);
      }
      assert.match(await run('x'), /4\n$/);
    });
  });

  describe('TypeScript', () => {
    it('runs TypeScript in a Node.js that can strip types, with the line numbers of the file', async () => {
      const pipe = join(folder.path, 'pipe');
      const child = spawn(process.execPath, ['-e', NODE_DRIVER, pipe, 'ready\n']);
      let shown = '';
      child.stdout.on('data', (text) => (shown += text));
      child.stderr.on('data', (text) => (shown += text));
      const shows = (words: string) =>
        waitFor(
          words,
          10_000,
          async () => shown,
          (text) => text.includes(words),
        );
      await shows('ready');
      const code = 'const a: number = 6;\nconst b: number = a * 7;\nconsole.log(b);\nthrow new Error("no");';
      const snippet = { code, line: 5, file: '/workspace/a.ts', languageId: 'typescript' };
      await appendFile(pipe, interpreterOf('typescript')?.frame(snippet, 'done %s') ?? '');
      assert.match(await shows('done 1'), /^42$[\s\S]*Uncaught Error: no\n {4}at \/workspace\/a\.ts:8:7\n/m);
      child.kill();
    });
  });

  describe('shell', () => {
    it('keeps shell variables, functions, and the working directory', async () => {
      const { run } = start('shellscript');
      assert.equal(await run('x=3\nf() {\n  echo "it’s $x \'$1\'"\n}'), '');
      assert.equal(await run('f "a  b"; cd /tmp'), "it’s 3 'a  b'\n");
      assert.equal(await run('pwd; cat <<END\n$x\nEND'), '/tmp\n3\n');
      assert.match(await run('no-such-command'), /no-such-command: command not found\n\[127\]$/);
      assert.match(await run('if then'), /syntax error near unexpected token.*\n\[2\]$/);
      assert.equal(await run('echo "$x"'), '3\n');
    });

    it('interrupts a whole shell snippet on Ctrl+C and keeps its variables', async () => {
      const { run, process, shows } = start('shellscript');
      await run('x=4');
      const running = run('f() { echo begun; sleep 1000; echo never; }; f; echo never');
      await shows('begun');
      // A shell that is just starting the next command may miss one.
      const text = await waitFor(
        'the end of the snippet',
        30_000,
        () => {
          process.write('\u0003');
          return Promise.race([running, Promise.resolve(undefined)]);
        },
        (value) => value !== undefined,
      );
      assert.match(text ?? '', /^begun\n((\^C|\u0003)\n?)+\[130\]$/);
      assert.match(await run('echo $x'), /4\n$/);
    });
  });

  describe('zsh', () => {
    for (const [name, text, expected] of [
      ['a.sh', '', 'Shell'],
      ['a.sh', '#!/usr/bin/env bash', 'Shell'],
      ['a.zsh', '', 'Zsh'],
      ['a.sh', '#!/bin/zsh -f', 'Zsh'],
      ['tool', '#!/usr/bin/env -S zsh -e', 'Zsh'],
      ['a.zsh', '#!/bin/sh\r', 'Shell'],
      ['a.fish', '', undefined],
      ['a.csh', '', undefined],
      ['a.sh', '#!/usr/bin/env fish', undefined],
      ['tool', '#!/bin/mksh', undefined],
    ] as const)
      it(`${expected ? `has the code of ${name} run by ${expected}` : `doesn't run code of ${name}`} if it begins with ${JSON.stringify(text)}`, () =>
        assert.equal(interpreterOf('shellscript', { name, text })?.name, expected));

    if (spawnSync('zsh', ['-c', '']).error) {
      it("isn't tried, because zsh isn't installed on this computer");
      return;
    }

    it('keeps variables, reads input, takes code literally, and is interrupted', async () => {
      const { run, process, shows } = start('shellscript', 600_000, { name: 'a.zsh', text: '' });
      assert.equal(await run('x=three; f() {\n  echo "${(U)x} it’s \'$1\'" # comment\n}'), '');
      assert.equal(await run('f "a  b!x"; print -n ${x[1,2]}'), "THREE it’s 'a  b!x'\nth");
      const reading = run('read y; echo "got $y"');
      process.write('typed\n');
      assert.match(await reading, /got typed\n$/);
      assert.match(await run('no-such-command'), /command not found: no-such-command\n\[127\]$/);
      const running = run('echo begun; sleep 1000; echo never');
      await shows('begun');
      process.write('\u0003');
      assert.match(await running, /^begun\n(\^C|\u0003)*\n?\[130\]$/);
      assert.equal(await run('echo $x'), 'three\n');
    });
  });

  it('ends with its sandbox and explains why', async () => {
    const { run, process, shows } = start('python');
    const running = run('import time; print("begun"); time.sleep(1000)');
    await shows('begun');
    const { client } = await folder.services.sessions.connection();
    const session = await folder.services.sessions.acquire({ name: 'folder', path: folder.path });
    await terminateSandbox(client, session.sandbox.sandboxId);
    assert.match(await running, /The sandbox was terminated\./);
    assert.match((await process.ended).error ?? '', /^The sandbox was terminated\./);
  });

  it('stops after the idle timeout', async () => {
    const { run, process } = start('python', 1_000);
    await run('x = 1');
    assert.equal((await process.ended).error, strings.sessionIdle('1.0 s'));
  });
});
