import assert from 'node:assert/strict';
import { terminateSandbox } from '../../../src/modal/sandboxes.ts';
import { strings } from '../../../src/run/strings.ts';
import { shortenWaits } from '../../helpers/time.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { localFolder, localRuns } from './local-runs.ts';

/** gRPC's status code. */
const UNAVAILABLE = 14;
/** The number of times that the SDK tries to read a stream before it gives up. */
const SDK_TRIES = 10;

describe('A run on Local Modal that loses its connection', () => {
  const runs = localRuns();
  const { start } = runs;
  let lengthenWaits: () => void;

  before(() => {
    lengthenWaits = shortenWaits();
  });
  after(() => lengthenWaits());

  /** Cuts off the next output after some bytes. Reading it then fails for all tries of the SDK and our first ones. */
  async function loseOutput(bytes: number, streams = 1): Promise<void> {
    const method = 'TaskExecStdioRead';
    await runs.server.control.addFault({ method, cutAfterBytes: bytes, times: streams });
    await runs.server.control.addFault({ method, code: UNAVAILABLE, skip: streams, times: (SDK_TRIES + 2) * streams });
  }

  it('resumes the output at the byte where it stopped, and gets the exit code', async () => {
    await (await start('true')).run.done;
    await loseOutput(5_001);
    const { run, text } = await start('for i in $(seq 1 4000); do echo "line $i é"; done; exit 3');
    assert.equal((await run.done).exitCode, 3);
    assert.equal(text.output, Array.from({ length: 4000 }, (_, at) => `line ${at + 1} é\r\n`).join(''));
    assert.match(text.progress, /Connection lost/);
    assert.equal(text.status.match(/Reconnected/g)?.length, 1);
  });

  it('keeps stdout and stderr separate across connection losses in a run without a terminal', async () => {
    await (await start('true')).run.done;
    await loseOutput(3_000, 2);
    const { run, text } = await start('for i in $(seq 1 2000); do echo "$i"; echo "e$i" >&2; done', { pty: false });
    assert.equal((await run.done).exitCode, 0);
    const numbers = Array.from({ length: 2000 }, (_, at) => at + 1);
    assert.equal(text.output, numbers.map((each) => `${each}\n`).join(''));
    assert.equal(text.errors, numbers.map((each) => `e${each}\n`).join(''));
  });

  it('sends the program what was typed while the connection was lost', async () => {
    await (await start('true')).run.done;
    await loseOutput(7);
    await runs.server.control.addFault({ method: 'TaskExecStdinWrite', code: UNAVAILABLE, times: SDK_TRIES + 1 });
    const { run, text, shows } = await start('echo ready; read -r one; read -r two; echo "got $one and $two"');
    await shows('ready');
    run.write('first\r');
    run.write('second\r');
    assert.equal((await run.done).exitCode, 0);
    assert.match(text.output, /got first and second\r\n$/);
  });

  it('can be canceled while the connection is lost', async () => {
    await (await start('true')).run.done;
    await loseOutput(5, 1);
    const { run, text } = await start('echo ready; sleep 1000');
    await waitFor(
      'the connection to be lost',
      30_000,
      async () => text.progress,
      (progress) => progress.includes(strings.connectionLost()),
    );
    run.cancel();
    assert.equal((await run.done).outcome, 'canceled');
  });

  for (const [how, end, sentence] of [
    ['terminated', (id: string) => terminate(id), /^The sandbox was terminated\. Run again/],
    [
      'preempted',
      (id: string) => runs.server.control.preempt(id),
      /^Modal stopped the sandbox to free its machine, .* Run again/,
    ],
  ] as const) {
    it(`reports that its sandbox was ${how}, and the next run starts another sandbox`, async () => {
      const { run, shows } = await start('echo ready; sleep 1000');
      await shows('ready');
      await end(run.sandboxId ?? '');
      assert.match((await run.done).error ?? '', sentence);
      const next = await start('echo fine');
      assert.equal((await next.run.done).exitCode, 0);
      assert.match(next.text.status, /^Started sandbox/);
    });
  }

  it('reports that its sandbox reached its maximum lifetime', async () => {
    await runs.folder.dispose();
    runs.folder = await localFolder(runs.server, {
      image: 'python:3.13-slim',
      hostVolume: false,
      timeoutMs: 3_000,
      idleTimeoutMs: 3_000,
    });
    const { run } = await start('sleep 1000');
    assert.match((await run.done).error ?? '', /^The sandbox reached its maximum lifetime and was stopped\. Run again/);
  });

  async function terminate(sandboxId: string): Promise<void> {
    const { client } = await runs.folder.services.sessions.connection();
    await terminateSandbox(client, sandboxId);
  }
});
