/**
 * Compares the sync engine with `tar | tar` and `rsync -a`, on the same trees in the same run. `through a pipe` is the
 * engine under the same conditions as its peers. `end to end` adds the thread, the official SDK, gRPC over loopback,
 * Local Modal, and a sandbox, and is compared with the SDK's own stream of the same number of bytes.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandbox } from 'modal';
import { execWith } from '../src/modal/exec.ts';
import { SyncEngine } from '../src/sync/engine.ts';
import { GitRepos } from '../src/sync/rules/git-repo.ts';
import { Rules } from '../src/sync/rules/rules.ts';
import { scan } from '../src/sync/scan/scan.ts';
import { type RunningLocalModal, startLocalModal } from '../test/helpers/local-modal.ts';
import { type BenchContext, medianMs } from './row.ts';
import { behindSlowLink } from './slow-link.ts';
import { PipeSync } from './sync-pipe.ts';
import { fileAt, makeTree, TREES, type TreeName } from './sync-trees.ts';
import { watched } from './watched.ts';

const hasRsync = !spawnSync('rsync', ['--version']).error;
const MIB = 1024 * 1024;

export async function run(context: BenchContext): Promise<void> {
  const bench = await SyncBench.start(context);
  try {
    for (const name of context.quick ? (['S'] as const) : (['S', 'M', 'L'] as const)) await bench.tree(name);
    await bench.pruning();
    await bench.slowLink();
    await bench.largeFile();
  } finally {
    await bench.stop();
  }
}

class SyncBench {
  readonly #context: BenchContext;
  readonly #folder: string;
  readonly #server: RunningLocalModal;
  readonly #sandbox: Sandbox;
  #engines = 0;

  private constructor(context: BenchContext, folder: string, server: RunningLocalModal, sandbox: Sandbox) {
    this.#context = context;
    this.#folder = folder;
    this.#server = server;
    this.#sandbox = sandbox;
  }

  static async start(context: BenchContext): Promise<SyncBench> {
    // In memory, so that the disk isn't measured.
    const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'sync-bench-'));
    const dataDir = join(folder, 'modal');
    mkdirSync(dataDir);
    const server = await startLocalModal({ dataDir });
    const client = server.client();
    const app = await client.apps.fromName('bench', { createIfMissing: true });
    const image = await client.images.fromRegistry('python:3.13-slim').build(app);
    const sandbox = await client.sandboxes.create(app, image, { timeoutMs: 3_600_000 });
    return new SyncBench(context, folder, server, sandbox);
  }

  async stop(): Promise<void> {
    await this.#sandbox.terminate();
    await this.#server.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  /** Creates an engine with a running thread, each for another folder in the sandbox. */
  async #engine(root: string, compression: 'auto' | 'never' = 'never'): Promise<SyncEngine> {
    this.#engines += 1;
    const remoteRoot = `/bench/${this.#engines}`;
    const engine = new SyncEngine({
      root,
      remoteRoot,
      compression,
      storageDir: this.#path('storage'),
      ask: () => true,
    });
    await engine.explain(['x']);
    return engine;
  }

  async #forget(engine: SyncEngine): Promise<void> {
    await engine.dispose();
    const process = await this.#sandbox.exec(['rm', '-rf', engine.remoteRoot]);
    await process.wait();
  }

  async tree(name: TreeName): Promise<void> {
    const root = this.#path(name);
    mkdirSync(root);
    makeTree(root, name);
    const rounds = name === 'L' ? 3 : 5;
    const tar = await medianMs(
      rounds,
      (round) =>
        void execFileSync('sh', [
          '-c',
          `mkdir ${root}.tar${round} && tar -cf - -C ${root} . | tar -xf - -C ${root}.tar${round}`,
        ]),
    );
    for (let round = 0; round < rounds; round += 1) rmSync(`${root}.tar${round}`, { recursive: true });
    const rsync = hasRsync
      ? await medianMs(
          rounds,
          () => this.#rsync(root),
          () => rmSync(`${root}.rsync`, { recursive: true, force: true }),
        )
      : undefined;
    let engine = await this.#engine(root);
    const { value: first, ...ours } = await watched(() =>
      medianMs(
        rounds,
        async () => void (await engine.push(this.#sandbox, { fresh: true })),
        async (round) => {
          if (round === 0) return;
          await this.#forget(engine);
          engine = await this.#engine(root);
        },
      ),
    );
    const pipe = await medianMs(rounds, (round) =>
      new PipeSync(root, this.#path(`storage${round}`), `${root}.pipe${round}`).push(),
    );
    for (let round = 0; round < rounds; round += 1) rmSync(`${root}.pipe${round}`, { recursive: true });
    const bytes = TREES[name].bytes + TREES[name].files * 1024;
    const { value: stream, ...theirs } = await watched(() => medianMs(rounds, () => this.#stream(bytes)));
    this.#row(`G1 first sync ${name} through a pipe, to tar | tar`, pipe, tar, name === 'S' ? undefined : 3);
    this.#row(`G1 first sync ${name} through a pipe, to rsync -a`, pipe, rsync, name === 'S' ? 0.5 : 1.5);
    this.#row(`G1 first sync ${name} end to end, to rsync -a`, first, rsync, undefined);
    this.#row(`G1 first sync ${name} end to end, to the SDK's stream`, first, stream, undefined);
    if (name === 'L') {
      const note = (number: number) => `the SDK's stream alone: ${Math.round(number)}`;
      this.#fact('G7 event loop delay p99 while sending L', ours.delayMs, 'ms', 20, note(theirs.delayMs));
      this.#fact("G7 longest turn in the thread's own time", ours.stallMs, 'ms', 8, note(theirs.stallMs));
      this.#fact('G8 memory over idle while sending L', ours.grownMiB, 'MiB', 96);
    }
    await this.#deltas(name, root, engine);
    await this.#forget(engine);
    rmSync(`${root}.rsync`, { recursive: true, force: true });
    if (name !== 'M') rmSync(root, { recursive: true });
  }

  async #deltas(name: TreeName, root: string, engine: SyncEngine): Promise<void> {
    const rounds = name === 'L' ? 3 : 5;
    const rsync = (before?: () => void) => (hasRsync ? medianMs(rounds, () => this.#rsync(root), before) : undefined);
    const noChangePeer = await rsync();
    const runUnchanged = async () => {
      const prepared = await engine.prepareRun(this.#sandbox);
      await prepared.settle({ kind: 'same' });
    };
    // Users' runs are seconds apart, so the second thread, which the first scan starts, is ready for the next one.
    await runUnchanged();
    await sleep(1000);
    const noChange = await medianMs(rounds, runUnchanged);
    this.#row(`G2 no change ${name}, to rsync`, noChange, noChangePeer, { S: undefined, M: 0.3, L: 0.6 }[name]);
    this.#fact(
      `G2 calls of a run without changes ${name}`,
      await this.#callsOf(async () => void (await (await engine.prepareRun(this.#sandbox)).settle({ kind: 'same' }))),
      'calls',
      0,
    );
    const edit = (number: number) => {
      for (let at = 0; at < number; at += 1)
        appendFileSync(join(root, fileAt(name, Math.floor((at * TREES[name].files) / number))), 'x\n');
    };
    const onePeer = await rsync(() => edit(1));
    const one = await medianMs(
      rounds,
      async () => void (await engine.push(this.#sandbox)),
      () => edit(1),
    );
    this.#row(`G3 one file ${name}, whole scan, to rsync`, one, onePeer, name === 'L' ? 0.7 : undefined);
    const local = await medianMs(
      rounds,
      async () => void (await engine.status(this.#sandbox, { paths: [fileAt(name, 0)] })),
      () => edit(1),
    );
    this.#fact(`G3 one file ${name}, told which, local part`, local, 'ms', 15);
    const saved = await medianMs(
      rounds,
      async () => void (await engine.push(this.#sandbox, { paths: [fileAt(name, 0)] })),
      () => edit(1),
    );
    this.#fact(`G3 one file ${name}, told which, to the sandbox and back`, saved, 'ms');
    this.#fact(
      `G5 calls of a push of one file ${name}`,
      await this.#callsOf(async () => {
        edit(1);
        await engine.push(this.#sandbox);
      }),
      'calls',
      3,
    );
    if (name === 'S') return;
    const manyPeer = await rsync(() => edit(1000));
    const many = await medianMs(
      rounds,
      async () => void (await engine.push(this.#sandbox)),
      () => edit(1000),
    );
    this.#row(`G4 1,000 files ${name}, to rsync`, many, manyPeer, name === 'L' ? 0.75 : undefined);
    this.#fact(
      `G5 calls of a push of 1,000 files ${name}`,
      await this.#callsOf(async () => {
        edit(1000);
        await engine.push(this.#sandbox);
      }),
      'calls',
      3,
    );
    const { messages = 0, bytes = 0 } = (await this.#server.control.messages()).TaskExecStdinWriteStream ?? {};
    this.#fact(
      `G5 messages of a push of 1,000 files ${name}`,
      messages,
      'messages',
      Math.floor(bytes / (256 * 1024)) + 4,
    );
  }

  /** Measures what 30,000 ignored files in one folder add to a scan. */
  async pruning(): Promise<void> {
    const root = this.#path('M');
    if (!existsSync(root)) {
      mkdirSync(root);
      makeTree(root, 'S');
    }
    execFileSync('git', ['init', '-q', root]);
    writeFileSync(join(root, '.gitignore'), 'ignored/\n');
    const git = new GitRepos();
    const without = await medianMs(9, () => void scan(new Rules(root, {}, git)));
    for (let at = 0; at < 30_000; at += 1) {
      if (at % 100 === 0) mkdirSync(join(root, `ignored/d${at / 100}`), { recursive: true });
      writeFileSync(join(root, `ignored/d${Math.floor(at / 100)}/f${at}`), '');
    }
    const withThem = await medianMs(9, () => void scan(new Rules(root, {}, git)));
    this.#context.add({
      name: 'G9 scan with 30,000 ignored files',
      ours: withThem,
      peer: without,
      ratio: withThem / without,
      unit: 'ms',
      goal: 'at most 1 ms more, within the noise',
      holds: withThem - without <= Math.max(1, without * 0.15),
    });
  }

  /** Sends 50 MB of incompressible data over 100 Mbit/s with a round-trip time of 100 ms. */
  async slowLink(): Promise<void> {
    const bytes = this.#context.quick ? 10_000_000 : 50_000_000;
    const root = this.#path('slow');
    mkdirSync(root);
    const { randomBytes } = await import('node:crypto');
    for (let at = 0; at < 50; at += 1) writeFileSync(join(root, `f${at}`), randomBytes(bytes / 50));
    const sandbox = behindSlowLink(this.#sandbox, { bytesPerSecond: 12_500_000, roundTripMs: 100 });
    const engine = await this.#engine(root, 'auto');
    const startedAt = performance.now();
    await engine.push(sandbox, { fresh: true });
    const ms = performance.now() - startedAt;
    const rate = bytes / (ms / 1000);
    this.#context.add({
      name: 'G6 share of 100 Mbit/s at 100 ms, first sync',
      ours: (rate / 12_500_000) * 100,
      unit: '%',
      goal: 'at least 85%',
      holds: rate >= 0.85 * 12_500_000,
      note: `${Math.round(ms)} ms`,
    });
    await this.#forget(engine);
    rmSync(root, { recursive: true });
  }

  async largeFile(): Promise<void> {
    const root = this.#path('large');
    const bytes = this.#context.quick ? 200_000_000 : 2_000_000_000;
    mkdirSync(root);
    writeFileSync(join(root, 'file'), '');
    truncateSync(join(root, 'file'), bytes);
    const engine = await this.#engine(root);
    const startedAt = performance.now();
    const { grownMiB } = await watched(async () => void (await engine.push(this.#sandbox, { fresh: true })));
    const rate = bytes / 1e6 / ((performance.now() - startedAt) / 1000);
    this.#context.add({
      name: `G8 memory over idle while sending ${bytes / 1e9} GB`,
      ours: grownMiB,
      unit: 'MiB',
      goal: 'at most 96',
      holds: grownMiB <= 96,
      note: `${Math.round(rate)} MB/s`,
    });
    await this.#forget(engine);
    rmSync(root, { recursive: true });
  }

  /** Sends this many bytes through the SDK's own stream. The sandbox discards them. */
  async #stream(bytes: number): Promise<void> {
    const piece = Buffer.alloc(MIB, 'x');
    async function* readFrom(offset: number): AsyncGenerator<Uint8Array> {
      for (let at = offset; at < bytes; at += MIB) yield piece;
    }
    const options = { source: () => ({ readFrom }), maxBytes: 100, timeoutMs: 600_000 };
    await execWith(this.#sandbox, ['sh', '-c', 'cat > /dev/null; echo done'], options);
  }

  #rsync(root: string): void {
    execFileSync('rsync', ['-a', `${root}/`, `${root}.rsync/`]);
  }

  async #callsOf(work: () => Promise<void>): Promise<number> {
    await this.#server.control.resetCalls();
    await work();
    return Object.values(await this.#server.control.calls()).reduce((sum, count) => sum + count, 0);
  }

  #row(name: string, ours: number, peer: number | undefined, limit: number | undefined): void {
    const ratio = peer === undefined ? undefined : ours / peer;
    this.#context.add({
      name,
      ours,
      unit: 'ms',
      ...(peer === undefined ? { note: 'rsync is not installed' } : { peer, ratio }),
      ...(limit !== undefined && { goal: `at most ${limit}`, holds: ratio === undefined || ratio <= limit }),
    });
  }

  #fact(name: string, ours: number, unit: string, limit?: number, note?: string): void {
    this.#context.add({
      name,
      ours,
      unit,
      ...(note !== undefined && { note }),
      ...(limit !== undefined && { goal: `at most ${limit}`, holds: ours <= limit }),
    });
  }
}
