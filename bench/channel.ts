/**
 * Measures a channel into a sandbox: bytes per second compared with one exec stream of the SDK in the same sandbox, the
 * first byte of a new connection with 0, 50, and 100 ms added to every call, 40 requests at once, and memory.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Sandbox } from 'modal';
import { type Channel, Channels, type SandboxSocket } from '../src/channel/channels.ts';
import { Forwarder } from '../src/channel/forwarder.ts';
import { startWorkbench, type Workbench } from '../test/helpers/local-modal.ts';
import { startServer } from '../test/unit/channel/sandbox-server.ts';
import { type BenchContext, medianMs } from './row.ts';

const MiB = 1024 * 1024;
const MAX_MEMORY_MIB = 64;
/** 1 / 0.8. */
const MAX_SLOWDOWN = 1.25;
const MAX_TRIPS = 1.2;
const DELAYS_MS = [0, 50, 100];
const REQUESTS = 40;
const MAX_CROWD_SLOWDOWN = 1.3;

interface Parts {
  readonly bench: Workbench;
  readonly sandbox: Sandbox;
  readonly channel: Channel;
  readonly port: number;
  readonly context: BenchContext;
}

export async function run(context: BenchContext): Promise<void> {
  const bench = await startWorkbench();
  const channels = new Channels({ client: async () => bench.modal });
  try {
    const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image);
    const channel = channels.of(sandbox, { owner: 'Bench', reason: 'measure' });
    const parts = { bench, sandbox, channel, port: await startServer(sandbox), context };
    await throughput(parts);
    await firstBytes(parts);
    await crowd(parts);
    await memory(parts);
  } finally {
    channels.dispose();
    await bench.server.stop();
  }
}

async function throughput({ sandbox, channel, context: { quick, add } }: Parts): Promise<void> {
  const bytes = (quick ? 64 : 256) * MiB;
  const rounds = quick ? 3 : 5;
  const payload = Buffer.alloc(bytes / 64, 7);
  const source = ['head', '-c', String(bytes), '/dev/zero'] as const;
  const sink = ['sh', '-c', 'cat > /dev/null'] as const;
  const directions: readonly [string, () => Promise<void>, () => Promise<void>][] = [
    [
      'out of a command',
      async () => read((await channel.spawn(source)).stdout, bytes),
      async () => read((await sandbox.exec([...source], { mode: 'binary' })).stdout, bytes),
    ],
    [
      'into a command',
      async () => {
        const process = await channel.spawn(sink);
        for (let at = 0; at < 64; at += 1) if (!process.stdin.write(payload)) await once(process.stdin, 'drain');
        process.stdin.end();
        await process.exit;
      },
      async () => {
        const process = await sandbox.exec([...sink], { mode: 'binary' });
        await process._stdinWriteStream({
          async *readFrom(offset: number) {
            for (let at = offset; at < bytes; at += payload.length) yield payload;
          },
        });
        await process.wait();
      },
    ],
  ];
  for (const [name, ours, peer] of directions) {
    const times: [number[], number[]] = [[], []];
    // They take turns, so that other load on the computer affects both.
    for (let round = 0; round < rounds; round += 1)
      for (const [at, work] of [ours, peer].entries()) times[at]?.push(await medianMs(1, work));
    const [own = 0, other = 0] = times.map((each) => each.sort((one, two) => one - two)[rounds >> 1]);
    const rate = (ms: number) => bytes / MiB / (ms / 1000);
    add({
      name: `${bytes / MiB} MiB ${name}`,
      ours: rate(own),
      peer: rate(other),
      ratio: own / other,
      unit: 'MiB/s',
      goal: `at most ${MAX_SLOWDOWN} times the time of the SDK's stream`,
      holds: own / other <= MAX_SLOWDOWN,
    });
  }
}

async function firstBytes({ bench: { server }, channel, port, context: { quick, add } }: Parts): Promise<void> {
  const rounds = quick ? 5 : 15;
  const first = async () => {
    const socket = await channel.connect({ port });
    socket.end('echo\nfirst');
    await once(socket, 'data');
    socket.destroy();
  };
  await first();
  const times = new Map<number, number[]>(DELAYS_MS.map((delayMs) => [delayMs, []]));
  // They take turns, so that other load on the computer affects all of them.
  for (let round = 0; round < rounds; round += 1)
    for (const [delayMs, all] of times) {
      await server.control.clearFaults();
      if (delayMs > 0) await server.control.addFault({ method: '*', delayMs });
      all.push(await medianMs(1, first));
    }
  await server.control.clearFaults();
  // The fastest, because the turns of a busy computer aren't round trips.
  const fastest = (delayMs: number) => Math.min(...(times.get(delayMs) ?? []));
  for (const delayMs of DELAYS_MS) {
    const ours = fastest(delayMs);
    add({ name: `first byte of a connection, ${delayMs} ms added`, ours, unit: 'ms' });
    if (delayMs === 0) continue;
    const trips = (ours - fastest(0)) / delayMs;
    const goal = `at most ${MAX_TRIPS}`;
    const name = `first byte of a connection, ${delayMs} ms added, round trips`;
    add({ name, ours: trips, unit: 'trips', goal, holds: trips <= MAX_TRIPS });
  }
}

async function crowd({ bench: { server }, channel, port, context: { add } }: Parts): Promise<void> {
  const forwarder = await Forwarder.listen(channel, { port }, { preferredPort: 0 });
  const request = async () => {
    const startedAt = performance.now();
    const socket = connect({ port: forwarder.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.end(`echo\n${'request '.repeat(500)}`);
    await text(socket);
    return performance.now() - startedAt;
  };
  await server.control.addFault({ method: '*', delayMs: 100 });
  await request();
  const alone: number[] = [];
  for (let at = 0; at < REQUESTS; at += 1) alone.push(await request());
  const [peer, ours] = [alone, await Promise.all(Array.from({ length: REQUESTS }, request))].map((all) =>
    Math.max(...all),
  ) as [number, number];
  await server.control.clearFaults();
  const ratio = ours / peer;
  const goal = `at most ${MAX_CROWD_SLOWDOWN} times the slowest alone`;
  const name = `slowest of ${REQUESTS} requests at once, 100 ms added`;
  add({ name, ours, peer, ratio, unit: 'ms', goal, holds: ratio <= MAX_CROWD_SLOWDOWN });
}

/** Measures both sides with 500 connections that no one reads, next to one that carries 256 MiB. */
async function memory({ channel, port, context: { add } }: Parts): Promise<void> {
  // Without garbage, whose amount depends on when Node.js collects it.
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const used = () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return (heapUsed + external) / MiB;
  };
  const before = used();
  let peak = before;
  const stalled: SandboxSocket[] = [];
  for (let at = 0; at < 500; at += 1) {
    const socket = await channel.connect({ port });
    socket.on('error', () => {});
    socket.write('send 64\n');
    stalled.push(socket);
  }
  await Promise.all(stalled.map((socket) => once(socket, 'readable')));
  const busy = await channel.connect({ port });
  busy.end('send 4096\n');
  let bytes = 0;
  for await (const part of busy) {
    const before16MiB = bytes >> 24;
    bytes += part.length;
    if (bytes >> 24 > before16MiB) peak = Math.max(peak, used());
  }
  const status = await channel.spawn(['sh', '-c', 'grep VmHWM /proc/$PPID/status']);
  const helper = Number(/\d+/.exec(await text(status.stdout))?.[0]) / 1024;
  for (const each of stalled) each.destroy();
  const limits = { unit: 'MiB', goal: `at most ${MAX_MEMORY_MIB} MiB` };
  const own = peak - before;
  add({
    name: 'memory of the window with 500 stalled connections',
    ours: own,
    ...limits,
    holds: own <= MAX_MEMORY_MIB,
  });
  add({ name: 'memory of the helper at its peak', ours: helper, ...limits, holds: helper <= MAX_MEMORY_MIB });
}

async function read(stream: unknown, bytes: number): Promise<void> {
  let seen = 0;
  for await (const part of stream as AsyncIterable<Uint8Array>) seen += part.length;
  if (seen !== bytes) throw new Error(`Read ${seen} of ${bytes} bytes.`);
}
