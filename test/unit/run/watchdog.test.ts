import assert from 'node:assert/strict';
import type { Sandbox } from 'modal';
import { heartbeatCommand } from '../../../src/modal/watchdog.ts';
import { endCommand, resizeCommand } from '../../../src/run/control.ts';
import { onGvisor, startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { runCommand } from '../../helpers/run-command.ts';
import { shortenWaits } from '../../helpers/time.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { localRuns } from './local-runs.ts';

describe("A run's watchdog", () => {
  let workbench: Workbench;
  let sandbox: Sandbox;

  before(async () => {
    workbench = await startWorkbench();
    sandbox = await workbench.modal.sandboxes.create(workbench.app, workbench.image, { timeoutMs: 600_000 });
    // Folders of programs in which five minutes pass within about a second.
    await workbench.shell(
      sandbox,
      `for folder in /setsid /plain; do
        mkdir $folder; for name in sh rm printf tail stty tty; do ln -s "$(command -v $name)" $folder/$name; done
        printf '#!/bin/sh\nexec /bin/sleep 0.01\n' > $folder/sleep; chmod +x $folder/sleep
      done
      ln -s "$(command -v setsid)" /setsid/setsid`,
    );
  });
  after(() => workbench.server.stop());

  function start(runId: string, script: string, env: Record<string, string> = {}) {
    const programs = [{ argv: ['sh', '-c', script] as const }];
    return sandbox.exec(runCommand(programs, [], { runId, cwd: '/', shellArgs: '' }), { env });
  }

  const leftFiles = () => workbench.shell(sandbox, 'ls -A /tmp | grep modal-run || true');
  const watchdogs = () =>
    workbench.shell(sandbox, 'cat /proc/[0-9]*/cmdline | tr "\\0" "\\n" | grep -cx modal-watchdog || true');
  const isGone = (text: string) => text.trim() === '' || text.trim() === '0';

  it('leaves no file and no process behind after 50 runs', async () => {
    const codes = await Promise.all(
      Array.from({ length: 50 }, async (_, at) => (await start(`many-${at}`, 'exit 3')).wait()),
    );
    assert.deepEqual([...new Set(codes)], [3]);
    await waitFor('no files of runs', 15_000, leftFiles, isGone);
    await waitFor('no watchdogs', 15_000, watchdogs, isGone);
  });

  for (const [name, folder] of [
    ['setsid', '/setsid'],
    ['only a shell, sleep, and rm', '/plain'],
  ] as const)
    it(`stops a run whose window is lost in an image with ${name}, and leaves nothing behind`, async () => {
      const process = await start(`lost-${folder.slice(1)}`, 'echo started; tail -f /dev/null', { PATH: folder });
      assert.match(await process.stdout.readText(), /^started/);
      assert.notEqual(await process.wait(), 0);
      await waitFor('no files of runs', 15_000, leftFiles, isGone);
    });

  it('stops what a run whose window is lost has started in sessions of its own, too', async () => {
    const script = 'echo started; setsid tail -f /dev/null & setsid env -i tail -f /dev/null & wait';
    await workbench.shell(sandbox, 'ln -s "$(command -v env)" "$(command -v grep)" /setsid');
    const process = await start('lost-sessions', script, { PATH: '/setsid' });
    assert.match(await process.stdout.readText(), /^started/);
    const left = () =>
      workbench.shell(sandbox, 'cat /proc/[0-9]*/cmdline | tr "\\0" "\\n" | grep -cx /dev/null || true');
    await waitFor('no programs', 15_000, left, isGone);
  });

  for (const [name, programs, sizes] of [
    ['in one step where there is Perl', ['perl'], ['30 100']],
    ['in one step where there is Python', ['python3'], ['30 100']],
    ['with stty', ['stty'], ['30 100', '30 80']],
    ['with nothing but a signal', [], ['24 80']],
  ] as const)
    it(`resizes a terminal ${name}, and tells the program in its foreground`, async () => {
      const id = `resized-${programs}`;
      const folder = `/${id}`;
      const links = ['sh', 'rm', 'tty', 'setsid', 'sleep', ...programs];
      await workbench.shell(
        sandbox,
        `mkdir ${folder}; for name in ${links.join(' ')}; do ln -s "$(command -v $name)" ${folder}; done`,
      );
      const script = 'trap "/bin/stty size" WINCH; trap "exit 5" USR1; echo ready; while :; do /bin/sleep 0.05; done';
      const command = runCommand([{ argv: ['sh', '-c', script] }], [], {
        runId: id,
        cwd: '/',
        shellArgs: '',
      });
      const process = await sandbox.exec(command, { env: { PATH: folder }, pty: true });
      let output = '';
      const copied = (async () => {
        for await (const text of process.stdout as AsyncIterable<string>) output += text;
      })();
      const shows = (text: string) =>
        waitFor(
          text,
          15_000,
          async () => output,
          (all) => all.includes(text),
        );
      await shows('ready');
      await (await sandbox.exec(resizeCommand(id, { rows: 30, columns: 100 }), { env: { PATH: folder } })).wait();
      await shows(sizes[0]);
      await workbench.shell(sandbox, `kill -USR1 "$(head -1 /tmp/.modal-run-${id})"; rm /tmp/.modal-run-${id}`);
      assert.equal(await process.wait(), 5);
      await copied;
      const seen = output.trim().split('\r\n').slice(1);
      assert.deepEqual(
        seen.filter((size) => !(sizes as readonly string[]).includes(size)),
        [],
      );
    });

  it('is told to stop before any process is started for that, and what it starts to clean up may finish', async () => {
    // `grep` waits until the program was told.
    await workbench.shell(
      sandbox,
      `mkdir /first; for name in sh sleep rm setsid; do ln -s "$(command -v $name)" /first/$name; done
      { echo '#!/bin/sh'
        echo 'for _ in 1 2 3 4 5 6 7 8 9 10; do [ -e /first/told ] && break; /bin/sleep 0.5; done'
        echo '[ -e /first/told ] && echo $$ >> /first/started || echo never >> /first/started'
        echo 'exec ${'$'}(command -v /bin/grep || echo /usr/bin/grep) "$@"'
      } > /first/grep; chmod +x /first/grep`,
    );
    const program = await start(
      'first',
      // It starts nothing before `grep`, whose process ID tells how many processes were started since.
      `trap ': > /first/told; until [ -s /first/started ]; do :; done; sh -c "sleep 0.1; echo cleaned"; exit 5' INT
      sleep 1000 & echo ready; wait; echo never`,
      { PATH: '/first' },
    );
    const reading = program.stdout.readText();
    await waitFor('the program', 15_000, () => workbench.shell(sandbox, 'cat /tmp/.modal-run-first || true'), Boolean);
    const [, , script] = endCommand('first');
    const startedAt = performance.now();
    const end = await sandbox.exec(['sh', '-c', `echo $$\n${script}`], { env: { PATH: '/first' } });
    const [shell, last] = (await end.stdout.readText()).split('\n');
    const first = (await workbench.shell(sandbox, 'head -1 /first/started')).trim();
    assert.equal(await program.wait(), 5);
    // The background job ignores INT. Where that can be seen, it gets TERM at once.
    assert.deepEqual([await reading, last], ['ready\ncleaned\n', onGvisor ? 'TERM' : 'INT']);
    // The watchdog starts another one every two seconds.
    const ticks = Math.ceil((performance.now() - startedAt) / 2000);
    // In gVisor, the IDs of processes that are started one after the other have gaps.
    assert.ok(onGvisor || Number(first) - Number(shell) <= 1 + ticks, `the first process is ${first}, after ${shell}`);
  });

  it('keeps a run for as long as heartbeats come', async () => {
    const process = await start('kept', 'echo started; tail -f /dev/null', { PATH: '/setsid' });
    let hasEnded = false;
    const ended = process.wait().then(() => (hasEnded = true));
    const beats = await sandbox.exec([
      'sh',
      '-c',
      `for i in $(seq 1 100); do ${heartbeatCommand('kept')[2]}; sleep 0.02; done`,
    ]);
    await beats.wait();
    assert.ok(!hasEnded);
    await ended;
  });

  it('creates nothing for a heartbeat that comes after the end', async () => {
    await (await sandbox.exec(heartbeatCommand('over'))).wait();
    assert.ok(isGone(await leftFiles()));
    await (await sandbox.exec(endCommand('over'))).wait();
    assert.ok(isGone(await leftFiles()));
  });
});

describe('A run on Local Modal whose end is not reported', () => {
  const runs = localRuns();
  let lengthenWaits: () => void;

  before(() => {
    lengthenWaits = shortenWaits();
  });
  after(() => lengthenWaits());

  const hang = (method: string) => runs.server.control.addFault({ method, delayMs: 600_000 });

  it('learns the exit code in another way', async () => {
    await hang('TaskExecWait');
    const { run, text } = await runs.start('echo out; exit 5');
    assert.deepEqual([(await run.done).exitCode, text.output], [5, 'out\r\n']);
  });

  it('is ended by Ctrl+C', async () => {
    await hang('TaskExecWait');
    await hang('TaskExecPoll');
    const { run, shows } = await runs.start('echo out');
    await shows('out');
    const result = await waitFor(
      'the run to end',
      20_000,
      () => {
        run.write('\u0003');
        return Promise.race([run.done, Promise.resolve(undefined)]);
      },
      (value) => value !== undefined,
    );
    assert.equal(result?.outcome, 'canceled');
  });
});
