import assert from 'node:assert/strict';
import { execute } from '../../../src/api/execute.ts';
import { runRequest } from '../../../src/run/request.ts';
import type { Run } from '../../../src/run/run.ts';
import { runnerOf } from '../../../src/run/runners.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { localRuns } from './local-runs.ts';

describe('Controlling a run on Local Modal', () => {
  const runs = localRuns();
  const { start } = runs;

  const countLeft = async () => {
    const { run, text } = await start('ps ax -o stat,args | grep -v "^Z" | grep -c "[s]leep 1000"');
    await run.done;
    return text.output.trim();
  };

  for (const [name, program] of [
    ['by an interrupt', 'sleep 1000; echo never'],
    ['by TERM if it ignores interrupts', 'trap "" INT; sleep 1000 & echo ready; wait; echo never'],
    [
      'by KILL if it ignores both',
      'trap "" INT TERM; sleep 1000 & (trap "" INT TERM; while :; do sleep 1000; done) & wait; wait; sleep 1000',
    ],
    ['and its background jobs', 'set -m; sleep 1000 & sleep 1000 & wait'],
    ['and what runs in a session of its own', 'setsid sleep 1000 & wait'],
    ['and what runs in a session of its own without a parent', "setsid sh -c 'sleep 1000 & sleep 1000 &'; sleep 1000"],
    ['and what ignores hangups', 'nohup sleep 1000 >/dev/null 2>&1 & nohup setsid sleep 1000 >/dev/null 2>&1 & wait'],
    [
      'and a daemon that was forked twice',
      `python3 -c '
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.chdir("/"); os.closerange(0, 3)
        os.execv("/bin/sleep", ["sleep", "1000"])
    os._exit(0)
time.sleep(1000)'`,
    ],
    ['and what runs in a terminal of its own', "script -qec 'sleep 1000' /dev/null & wait"],
    ['and what runs in a session of its own without variables', 'setsid env -i /bin/sleep 1000 & sleep 1000'],
    [
      'by KILL if it ignores both in a session of its own',
      `setsid sh -c 'trap "" INT TERM; sleep 1000; sleep 1000' & trap "" INT; wait; sleep 1000`,
    ],
    [
      'and what it started from Node in a session of its own',
      `node -e '
      require("child_process").spawn("sleep", ["1000"], { detached: true, stdio: "ignore" }).unref();
      setInterval(() => {}, 1000)'`,
    ],
    ['and what outlives the shell that started it', '(setsid sh -c "sleep 1000 & exec sleep 1000" &); sleep 1000'],
  ] as const) {
    it(`stops the program ${name} when the run is canceled, and leaves no processes behind`, async () => {
      const { run, text, shows } = await start(`echo ready; ${program}`);
      await shows('ready');
      run.cancel();
      assert.notEqual((await run.done).exitCode, 0);
      assert.doesNotMatch(text.output, /never/);
      await waitFor('no processes', 15_000, countLeft, (count) => count === '0');
    });
  }

  it('stops what a program of the API has started in sessions of its own when its time is up', async () => {
    for (const program of ['setsid sleep 1000 & wait', "setsid sh -c 'sleep 1000 & sleep 1000' & exec sleep 1000"]) {
      const request = runRequest({
        folder: { name: 'folder', path: runs.folder.path },
        label: 'api',
        programs: [{ argv: ['sh', '-c', `echo ready; ${program}`] }],
        cwd: '/',
        sync: false,
      });
      // Not before the program has started its children.
      const ready = Promise.withResolvers<void>();
      const ended = execute(request, runs.folder.services, { timeoutMs: 3_000, onStdout: () => ready.resolve() });
      await ready.promise;
      const { timedOut, returncode, stdout } = await ended;
      assert.deepEqual([timedOut, returncode, stdout], [true, 124, 'ready\n']);
      await waitFor('no processes', 15_000, countLeft, (count) => count === '0');
    }
  });

  for (const [name, stop, call] of [
    ['by Ctrl+C', (run: Run) => run.write('\u0003'), 'TaskExecStdinWrite'],
    ['by a closed terminal', (run: Run) => run.cancel(), 'TaskExecStart'],
  ] as const)
    it(`is told to stop ${name} with a single call`, async () => {
      const { run, shows } = await start('trap "exit 7" INT; echo ready; while :; do sleep 0.05; done');
      await shows('ready');
      await runs.server.control.resetCalls();
      stop(run);
      assert.equal((await run.done).exitCode, 7);
      const { TaskExecWait, TaskExecPoll, TaskExecStdioRead, ...calls } = await runs.server.control.calls();
      assert.deepEqual(calls, { [call]: 1 });
    });

  for (const [name, script, exitCode, signal] of [
    ['no signal for a program that exits with such a code', 'exit 137', 137, undefined],
    ['no signal for a code of none', 'exit 150', 150, undefined],
    ['SIGKILL', 'kill -KILL $$', 137, 'SIGKILL'],
    ['SIGUSR1', 'kill -USR1 $$', 138, 'SIGUSR1'],
    ['SIGALRM', 'kill -ALRM $$', 142, 'SIGALRM'],
    ['SIGXCPU', 'kill -XCPU $$', 152, 'SIGXCPU'],
    ['SIGSYS', 'kill -SYS $$', 159, 'SIGSYS'],
  ] as const)
    for (const pty of [true, false])
      it(`names ${name} at the end of a program ${pty ? 'in' : 'without'} a terminal`, async () => {
        const result = await (await start(script, { pty })).run.done;
        assert.equal(result.outcome, 'exited');
        assert.deepEqual([result.exitCode, result.signal], [exitCode, signal]);
      });

  it('shows all of a long line of a Python file, in a terminal and without one', async () => {
    const { programs = [] } = runnerOf({ name: 'a.py', languageId: 'python', text: '' }) ?? {};
    for (const pty of [true, false]) {
      const args = ['-c', 'print("x" * 300_000)'];
      const { run, text } = await start('', { programs, args, pty });
      assert.equal((await run.done).exitCode, 0);
      assert.equal(text.output.trimEnd().length, 300_000);
    }
  });

  it('tells the terminal a size that it gets while the program is being started', async () => {
    await (await start('true')).run.done;
    await runs.server.control.addFault({ method: 'TaskExecStart', delayMs: 1_000, times: 1 });
    await runs.server.control.resetCalls();
    const { run, text } = await start('until [ "$(stty size)" = "31 97" ]; do sleep 0.05; done; exit 5');
    await waitFor('the start', 10_000, runs.server.control.calls, (calls) => calls.TaskExecStart !== undefined);
    run.resize({ rows: 31, columns: 97 });
    assert.equal((await run.done).exitCode, 5, text.output);
  });

  it('lets what a program has started run on after a normal end', async () => {
    const { run } = await start('setsid sleep 1000 >/dev/null 2>&1 & exit 3', { pty: false });
    assert.equal((await run.done).exitCode, 3);
    assert.equal(await countLeft(), '1');
  });

  for (const [name, variables, expected] of [
    ['that sets none', {}, 'C.UTF-8'],
    ['that sets an empty one', { LANG: '' }, 'C.UTF-8'],
    ['that sets only other things', { LANGUAGE: 'de', LC_TIME: 'C', LC_ALL: '' }, 'C.UTF-8'],
    ['except for everything, in UTF-8', { LC_ALL: 'en_US.utf8' }, 'unset  en_US.utf8'],
    ['except for a language', { LANG: 'de_DE.UTF-8' }, 'de_DE.UTF-8'],
    ['except for the characters', { LC_CTYPE: 'POSIX' }, 'unset POSIX'],
    ['except for everything', { LC_ALL: 'C' }, 'unset  C'],
  ] as const)
    it(`gives a program a UTF-8 locale in a sandbox ${name}`, async () => {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: of the shell
      const script = 'echo "${LANG-unset}" $LC_CTYPE "" $LC_ALL';
      const { run, text } = await start(script, { env: variables, pty: false });
      await run.done;
      assert.equal(text.output.trimEnd(), expected);
    });

  it('sets the initial size of the terminal and follows later sizes', async () => {
    const script = 'stty size; trap "stty size; exit 5" WINCH; echo ready; while :; do sleep 0.05; done';
    const { run, text, shows } = await start(script, { size: { rows: 31, columns: 97 } });
    await shows('ready');
    for (const columns of [50, 60, 72]) run.resize({ rows: 40, columns });
    assert.equal((await run.done).exitCode, 5);
    assert.match(text.output, /^31 97\r\nready\r\n40 72\r\n$/);
  });

  const WAITS = 'trap "stty size; exit 5" WINCH; echo ready; while :; do sleep 0.05; done';
  for (const [name, script] of [
    ['a child of its shell', `sh -c '${WAITS}'; exit $?`],
    ['a child in a process group of its own', `set -m; bash -c '${WAITS}'; exit $?`],
    ['a child in a pipeline', `(${WAITS}) | cat; exit "\${PIPESTATUS[0]}"`],
    [
      'a program in Python',
      `exec python3 -c '
import os, signal, time
def resized(*_):
    print(*reversed(os.get_terminal_size()), flush=True)
    os._exit(5)
signal.signal(signal.SIGWINCH, resized)
print("ready", flush=True)
time.sleep(60)'`,
    ],
    [
      'a program in Node.js',
      `exec node -e '
process.stdout.on("resize", () => { const { rows, columns } = process.stdout; console.log(rows + " " + columns); process.exit(5); });
console.log("ready");
setTimeout(() => {}, 60000)'`,
    ],
  ] as const)
    it(`tells ${name} a new size of its terminal`, async () => {
      const { run, text, shows } = await start(script, { size: { rows: 31, columns: 97 } });
      await shows('ready');
      run.resize({ rows: 40, columns: 72 });
      assert.equal((await run.done).exitCode, 5);
      assert.match(text.output, /\n40 72\r\n$/);
    });

  it('skips the waiting output when a flood is interrupted, except for its last lines', async () => {
    const script = 'trap "echo; echo interrupted; exit 130" INT; echo ready; while :; do seq 1 100000; done';
    const { run, text, shows } = await start(script);
    await shows('ready');
    await waitFor(
      'a flood',
      10_000,
      async () => text.output.length,
      (length) => length >= 4_000_000,
    );
    run.write('\u0003');
    assert.equal((await run.done).exitCode, 130);
    assert.match(text.output, /interrupted\r\n$/);
  });

  it('can be canceled before it has a sandbox', async () => {
    const { run } = await start('true');
    run.cancel();
    assert.deepEqual(await run.done, { outcome: 'canceled' });
  });
});
