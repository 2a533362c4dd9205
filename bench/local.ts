/**
 * Measures the overhead of Local Modal: starting sandboxes, running commands, and streaming bytes through the unmodified SDK, each
 * compared with a plain local process.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Sandbox } from 'modal';
import { newClient, startWorkbench, type Workbench } from '../test/helpers/local-modal.ts';
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
    await throughput(sandbox, bytes, add);
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
  return median(times);
}

function median(values: number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}

async function starts({ modal, app, image }: Workbench, quick: boolean, add: Add): Promise<void> {
  const started: Sandbox[] = [];
  const create = async () => started.push(await modal.sandboxes.create(app, image));
  add({ name: 'one sandbox started', ours: await medianOf(quick ? 3 : 15, create), unit: 'ms' });
  const count = quick ? 20 : 200;
  const all = await timed(() => Promise.all(Array.from({ length: count }, create)));
  add({ name: `${count} sandboxes started at once`, ours: all, unit: 'ms', note: `${started.length} running` });
  await Promise.all(started.map((sandbox) => sandbox.terminate()));
}

async function commands(sandbox: Sandbox, quick: boolean, add: Add): Promise<void> {
  const rounds = quick ? 5 : 50;
  const ours = await medianOf(rounds, async () => (await sandbox.exec(['true'])).wait());
  const peer = await medianOf(rounds, async () => once(spawn('true', { stdio: 'pipe' }), 'close'));
  add({ name: 'a command that does nothing', ours, peer, ratio: ours / peer, unit: 'ms' });
}

/** The maximum time of a stream, relative to a plain pipe. */
const MAX_SLOWDOWN = 2;

/** Moves the bytes once. */
type Method = () => Promise<unknown>;

/**
 * Measures both directions, compared with a pipe without a server and with a server that does no work, which shows the
 * share of the SDK's own client. The three take turns, so that other load on the computer affects all of them.
 */
async function throughput(sandbox: Sandbox, bytes: number, add: Add): Promise<void> {
  const idle = await startIdleServer(bytes);
  try {
    const nothing = await idle.client.sandboxes.fromId('sb-idle');
    await compared(`${bytes / MiB} MiB through stdin`, bytes, add, {
      ours: () => streamIn(sandbox, bytes),
      pipe: () => pipeIn(bytes),
      idle: () => streamIn(nothing, bytes),
    });
    await compared(`${bytes / MiB} MiB out of stdout`, bytes, add, {
      ours: () => streamOut(sandbox, bytes),
      pipe: () => pipeOut(bytes),
      idle: () => streamOut(nothing, bytes),
    });
  } finally {
    idle.stop();
  }
}

async function compared(name: string, bytes: number, add: Add, methods: { ours: Method; pipe: Method; idle: Method }) {
  const times = { ours: [] as number[], pipe: [] as number[], idle: [] as number[] };
  for (let round = 0; round < 3; round++) {
    for (const method of ['ours', 'pipe', 'idle'] as const) times[method].push(await timed(methods[method]));
  }
  const rate = (method: keyof typeof times) => bytes / MiB / (median(times[method]) / 1000);
  const [ours, pipe, idle] = [rate('ours'), rate('pipe'), rate('idle')];
  const ratio = pipe / ours;
  const goal = `at most ${MAX_SLOWDOWN} times as slow as a pipe`;
  add({ name, ours, peer: pipe, ratio, unit: 'MiB/s', goal, holds: ratio <= MAX_SLOWDOWN });
  const note = 'peer: the same client with a server that does no work';
  add({ name: `${name}, our share`, ours, peer: idle, ratio: idle / ours, unit: 'MiB/s', note });
}

async function startIdleServer(bytes: number) {
  const script = fileURLToPath(new URL('idle-server.ts', import.meta.url));
  const child = spawn(process.execPath, [script, String(bytes)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [url] = await once(child.stdout, 'data');
  const client = newClient(String(url).trim(), { tokenId: 'ak-idle', tokenSecret: 'as-idle', logLevel: 'error' });
  const stop = () => {
    client.close();
    child.kill();
  };
  return { client, stop };
}

const sink = ['sh', '-c', 'cat > /dev/null'];
const source = (bytes: number) => ['sh', '-c', `head -c ${bytes} /dev/zero`];

async function streamIn(sandbox: Sandbox, bytes: number): Promise<void> {
  const process = await sandbox.exec(sink, { mode: 'binary' });
  await process._stdinWriteStream({
    async *readFrom(offset: number) {
      for (let at = offset; at < bytes; at += piece.length) yield piece;
    },
  });
  await process.wait();
}

async function pipeIn(bytes: number): Promise<void> {
  const child = spawn('sh', sink.slice(1), { stdio: ['pipe', 'ignore', 'ignore'] });
  for (let at = 0; at < bytes; at += piece.length) if (!child.stdin.write(piece)) await once(child.stdin, 'drain');
  child.stdin.end();
  await once(child, 'close');
}

async function streamOut(sandbox: Sandbox, bytes: number): Promise<void> {
  const process = await sandbox.exec(source(bytes), { mode: 'binary' });
  const reader = process.stdout.getReader();
  let seen = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) seen += part.value.length;
  if (seen !== bytes) throw new Error(`Read ${seen} of ${bytes} bytes.`);
}

async function pipeOut(bytes: number): Promise<void> {
  const child = spawn('sh', source(bytes).slice(1), { stdio: ['ignore', 'pipe', 'ignore'] });
  child.stdout.resume();
  await once(child, 'close');
}
