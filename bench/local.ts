/**
 * What the local Modal costs: starts, commands and bytes through the unmodified SDK, each beside the same thing done by a
 * plain process of this machine.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Sandbox } from 'modal';
import { startWorkbench, type Workbench } from '../test/helpers/local-modal.ts';
import type { BenchContext } from './row.ts';

const MiB = 1024 * 1024;
const piece = Buffer.alloc(256 * 1024, 7);

export async function run({ quick, add }: BenchContext): Promise<void> {
  const bench = await startWorkbench();
  try {
    const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image);
    await starts(bench, quick, add);
    await commands(sandbox, quick, add);
    const bytes = (quick ? 64 : 1024) * MiB;
    await bytesIn(sandbox, bytes, add);
    await bytesOut(sandbox, bytes, add);
    const peak = Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${bench.server.pid}/status`, 'utf8'))?.[1]) / 1024;
    add({ name: 'server memory at its peak', ours: peak, unit: 'MiB', goal: 'at most 400 MiB', holds: peak <= 400 });
  } finally {
    await bench.server.stop();
  }
}

type Add = BenchContext['add'];

async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}

async function medianOf(rounds: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(await timed(work));
  times.sort((one, other) => one - other);
  return times[Math.floor(rounds / 2)] ?? 0;
}

async function starts({ modal, app, image }: Workbench, quick: boolean, add: Add): Promise<void> {
  const made: Sandbox[] = [];
  const create = async () => made.push(await modal.sandboxes.create(app, image));
  add({ name: 'one sandbox started', ours: await medianOf(quick ? 3 : 15, create), unit: 'ms' });
  const count = quick ? 20 : 200;
  const all = await timed(() => Promise.all(Array.from({ length: count }, create)));
  add({ name: `${count} sandboxes started at once`, ours: all, unit: 'ms', note: `${made.length} run` });
  await Promise.all(made.map((sandbox) => sandbox.terminate()));
}

async function commands(sandbox: Sandbox, quick: boolean, add: Add): Promise<void> {
  const rounds = quick ? 5 : 50;
  const ours = await medianOf(rounds, async () => (await sandbox.exec(['true'])).wait());
  const peer = await medianOf(rounds, async () => once(spawn('true', { stdio: 'pipe' }), 'close'));
  add({ name: 'a command that does nothing', ours, peer, ratio: ours / peer, unit: 'ms' });
}

const rate = (bytes: number, ms: number) => bytes / MiB / (ms / 1000);

/**
 * How many times as slow as a bare pipe bytes may be. Not reached: the SDK's own client brings 300 to 600 MiB/s with a
 * server that does nothing at all, where a pipe brings 750 and more; and output is written to the disk, to stay readable.
 */
const MOST_TIMES = 2;

function throughput(name: string, [ours, peer]: readonly [number, number], add: Add): void {
  const ratio = peer / ours;
  add({
    name,
    ours,
    peer,
    ratio,
    unit: 'MiB/s',
    goal: 'at most twice as slow as a pipe',
    holds: ratio <= MOST_TIMES,
  });
}

async function bytesIn(sandbox: Sandbox, bytes: number, add: Add): Promise<void> {
  const command = ['sh', '-c', 'cat > /dev/null'];
  const ours = await timed(async () => {
    const process = await sandbox.exec(command, { mode: 'binary' });
    await process._stdinWriteStream({
      async *readFrom(offset: number) {
        for (let at = offset; at < bytes; at += piece.length) yield piece;
      },
    });
    await process.wait();
  });
  const peer = await timed(async () => {
    const child = spawn('sh', command.slice(1), { stdio: ['pipe', 'ignore', 'ignore'] });
    for (let at = 0; at < bytes; at += piece.length) if (!child.stdin.write(piece)) await once(child.stdin, 'drain');
    child.stdin.end();
    await once(child, 'close');
  });
  throughput(`${bytes / MiB} MiB through stdin`, [rate(bytes, ours), rate(bytes, peer)], add);
}

async function bytesOut(sandbox: Sandbox, bytes: number, add: Add): Promise<void> {
  const command = ['sh', '-c', `head -c ${bytes} /dev/zero`];
  const ours = await timed(async () => {
    const process = await sandbox.exec(command, { mode: 'binary' });
    const reader = process.stdout.getReader();
    let seen = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) seen += part.value.length;
    if (seen !== bytes) throw new Error(`${seen} bytes came out of ${bytes}`);
  });
  const peer = await timed(async () => {
    const child = spawn('sh', command.slice(1), { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.resume();
    await once(child, 'close');
  });
  throughput(`${bytes / MiB} MiB out of stdout`, [rate(bytes, ours), rate(bytes, peer)], add);
}
