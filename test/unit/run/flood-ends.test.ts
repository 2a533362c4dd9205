import assert from 'node:assert/strict';
import { type ChildProcess, spawn as spawnProcess } from 'node:child_process';
import { execute, spawn } from '../../../src/api/execute.ts';
import { runRequest } from '../../../src/run/request.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { localRuns } from './local-runs.ts';

const BUSY_PROCESSES = 4;
/** Ends by itself, in case this process is killed. */
const BUSY = 'for (const end = Date.now() + 180_000; Date.now() < end; );';
/** A tenth of the time that the output that is waiting would take, even on a computer with far more to do than this. */
const LIMIT_MS = 5_000;
const TIMEOUT_MS = 3_000;
const KiB = 1024;
/** The end of the output that is shown after it was skipped, and what was on its way when the run was canceled. */
const SHOWN_BYTES = 64 * KiB + 2 * 256 * KiB;
const FLOOD = `yes ${'x'.repeat(200)}`;

describe('A flood of output on a busy computer', () => {
  const runs = localRuns();
  const busy: ChildProcess[] = [];
  before(() => {
    for (let each = 1; each <= BUSY_PROCESSES; each += 1)
      busy.push(spawnProcess(process.execPath, ['-e', BUSY], { stdio: 'ignore' }));
  });
  after(() => {
    for (const each of busy) each.kill('SIGKILL');
  });

  const request = (script: string) =>
    runRequest({
      folder: { name: 'folder', path: runs.folder.path },
      label: 'flood',
      programs: [{ argv: ['bash', '-c', script] as const }],
      cwd: '/',
      sync: false,
      pty: false,
    });

  /** Throws unless an action took little time, compared with what waits to be shown. */
  async function isSoon<T>(action: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const result = await action();
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs < LIMIT_MS, `took ${Math.round(tookMs)} ms`);
    return result;
  }

  async function startFlood(script: string, pty: boolean) {
    const started = await runs.start(script, { pty });
    const shown = () => started.text.output.length + started.text.errors.length;
    // The program is far ahead of what is shown.
    await waitFor(
      'a flood',
      30_000,
      async () => shown(),
      (length) => length > 4_000_000,
    );
    return { ...started, shown };
  }

  for (const end of ['a timeout', 'an abort signal', 'kill()'])
    it(`doesn't delay ${end} of the API`, async () => {
      await execute(request('true'), runs.folder.services);
      const controller = new AbortController();
      const flooded = Promise.withResolvers<void>();
      let chars = 0;
      const command = spawn(request(FLOOD), runs.folder.services, {
        ...(end === 'a timeout' && { timeoutMs: TIMEOUT_MS }),
        signal: controller.signal,
        onStdout: (text) => {
          chars += text.length;
          if (chars > 4_000_000) flooded.resolve();
        },
      });
      if (end === 'a timeout') {
        const { timedOut, returncode, durationSecs } = await command.wait();
        assert.deepEqual([timedOut, returncode], [true, 124]);
        assert.ok(durationSecs * 1000 < TIMEOUT_MS + LIMIT_MS, `took ${durationSecs} s`);
        return;
      }
      await flooded.promise;
      const before = chars;
      if (end === 'kill()') command.kill();
      else controller.abort();
      await isSoon(() => command.wait().catch((error) => assert.equal(error.name, 'AbortError')));
      assert.ok(chars - before <= SHOWN_BYTES, `${chars - before} characters`);
    });

  it('gives the API all of a long output as fast as it comes', async () => {
    const { stdout, returncode } = await execute(request('yes | head -c 12000000; exit 3'), runs.folder.services);
    assert.deepEqual([stdout.length, returncode], [12_000_000, 3]);
  });

  for (const [name, script, pty] of [
    ['in a terminal', FLOOD, true],
    ['to stdout without a terminal', FLOOD, false],
    ['to stderr without a terminal', `${FLOOD} >&2`, false],
  ] as const)
    it(`doesn't delay the end of a canceled run ${name}, and is skipped`, async () => {
      const { run, shown } = await startFlood(script, pty);
      const before = shown();
      run.cancel();
      await isSoon(() => run.done);
      assert.ok(shown() - before <= SHOWN_BYTES, `${shown() - before} bytes were shown`);
    });

  it('shows what a canceled program says at its end', async () => {
    // A shell lets its background jobs ignore interrupts, and in gVisor nobody can see that, so they'd flood on after that.
    const script = `trap 'sleep 0.3; echo "goodbye"; exit 4' INT; env --default-signal=INT ${FLOOD} & wait`;
    const { run, text } = await startFlood(script, false);
    run.cancel();
    assert.equal((await run.done).exitCode, 4);
    assert.match(text.output, /\ngoodbye\n$/);
  });

  it('is skipped after an interrupt', async () => {
    const { run, shown } = await startFlood(FLOOD, true);
    const before = shown();
    run.write('\u0003');
    assert.equal((await isSoon(() => run.done)).exitCode, 130);
    assert.ok(shown() - before <= SHOWN_BYTES, `${shown() - before} bytes were shown`);
  });
});
