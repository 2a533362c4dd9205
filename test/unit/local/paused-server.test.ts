import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import type { Sandbox } from 'modal';
import { inTerminal } from '../../../local/isolation/pty.ts';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';

const TIMEOUT_MS = 20_000;

/** Returns the state of a process on this computer, such as `S` (sleeping) or `Z` (ended); empty if it's gone. */
function stateOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] ?? '';
  } catch {
    return '';
  }
}

/** Returns what a process waits for in the kernel. */
function waitOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/wchan`, 'utf8');
  } catch {
    return '';
  }
}

/** Returns the IDs of the processes of this computer whose command line contains a word. */
function processesWith(word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(word);
      } catch {
        return false;
      }
    })
    .map(Number);
}

describe('A terminal of Local Modal whose server stands still for a while', () => {
  let bench: Workbench;
  let sandbox: Sandbox;
  before(async () => {
    bench = await startWorkbench();
    sandbox = await bench.modal.sandboxes.create(bench.app, bench.image);
  });
  after(() => bench.server.stop());

  /** Runs Perl code in a terminal. Returns the running command, and the process that runs the code. */
  async function start(code: string) {
    const mark = randomUUID();
    const command = await sandbox.exec(['perl', '-e', code, mark], { pty: true, mode: 'binary' });
    const chunks: Uint8Array[] = [];
    const copied = (async () => {
      for await (const chunk of command.stdout as AsyncIterable<Uint8Array>) chunks.push(chunk);
    })();
    const output = () => Buffer.concat(chunks).toString();
    const shown = (text: string) =>
      waitFor(
        text,
        TIMEOUT_MS,
        async () => output(),
        (all) => all.includes(text),
      );
    await shown('ready');
    // The relay has the code in its arguments, too, and comes first.
    const pid =
      processesWith(mark)
        .sort((a, b) => a - b)
        .at(-1) ?? 0;
    return { command, copied, output, shown, pid };
  }

  const becomes = (pid: number, states: readonly string[]) =>
    waitFor(
      `process ${pid} to be “${states}”`,
      TIMEOUT_MS,
      async () => stateOf(pid),
      (state) => states.includes(state),
    );

  async function whileStopped(action: () => Promise<unknown>): Promise<void> {
    process.kill(bench.server.pid, 'SIGSTOP');
    try {
      await becomes(bench.server.pid, ['T']);
      await action();
    } finally {
      process.kill(bench.server.pid, 'SIGCONT');
    }
  }

  // More than fits into the pipe to the server, so the relay has to wait, and about what the terminal's own buffer takes
  // besides: the program ends, or waits for its turn.
  const bytes = 72 * 1024;
  it('passes on the last bytes and the exit code of a program that ends meanwhile, ten times', async () => {
    const code = `$SIG{USR1} = sub { print 'x' x ${bytes}; print "end"; exit 7 }; $| = 1; print 'ready'; sleep 1 while 1`;
    for (let round = 1; round <= 10; round += 1) {
      const { command, copied, output, pid } = await start(code);
      const before = waitOf(pid);
      await whileStopped(async () => {
        process.kill(pid, 'SIGUSR1');
        const hasWritten = () => ['Z', ''].includes(stateOf(pid)) || !['', '0', before].includes(waitOf(pid));
        await waitFor(
          'the program to write',
          TIMEOUT_MS,
          async () => hasWritten(),
          (written) => written,
        );
      });
      assert.equal(await command.wait(), 7);
      await copied;
      assert.equal(output(), `ready${'x'.repeat(bytes)}end`);
    }
  });

  it('passes on everything that a program prints that was stopped and continued meanwhile, and its input', async () => {
    const code = `$SIG{USR1} = sub { print 'x' x 400_000; print "asks"; print "got $_" for scalar <STDIN>; exit 7 }; $| = 1; print 'ready'; sleep 1 while 1`;
    const { command, copied, output, shown, pid } = await start(code);
    await whileStopped(async () => {
      process.kill(pid, 'SIGUSR1');
      for (let round = 1; round <= 5; round += 1) {
        process.kill(pid, 'SIGSTOP');
        await becomes(pid, ['T']);
        process.kill(pid, 'SIGCONT');
        await becomes(pid, ['S']);
      }
    });
    await shown('asks');
    const writer = command.stdin.getWriter();
    await writer.write(Buffer.from('line\n'));
    assert.equal(await command.wait(), 7);
    await copied;
    assert.equal(output(), `ready${'x'.repeat(400_000)}asksline\r\ngot line\r\n`);
  });

  it('interrupts a program whose output nobody reads', async () => {
    const mark = randomUUID();
    const [program = '', ...args] = inTerminal(['yes', mark], { rows: 24, cols: 80 });
    // Its output is read by nobody, as that of a server that stands still.
    const relay = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    const ended = once(relay, 'exit');
    const latest: string[] = [];
    await waitFor(
      'the program to wait',
      TIMEOUT_MS,
      async () => {
        const pid = processesWith(mark).find((each) => each !== relay.pid) ?? 0;
        return latest.push(pid === 0 ? '' : stateOf(pid)) && latest.slice(-4).join('');
      },
      (states) => states === 'SSSS',
    );
    relay.stdin.write('\x03');
    await waitFor(
      'the program to end',
      TIMEOUT_MS,
      async () => processesWith(mark).filter((pid) => pid !== relay.pid && stateOf(pid) !== 'Z'),
      (left) => left.length === 0,
    );
    relay.stdout.resume();
    assert.deepEqual(await ended, [null, 'SIGINT']);
  });
});
