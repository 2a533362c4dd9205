/**
 * Measures how views and remote files scale: with thousands of sandboxes, a volume folder with many entries, and large files.
 * Response times are those of Local Modal. The goals apply to what the extension adds: its thread must stay responsive,
 * and memory must not grow with the size of a file.
 */
import { createWriteStream } from 'node:fs';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Prices } from '../src/modal/prices.ts';
import type { RemoteFiles } from '../src/modal/remote-files.ts';
import { sandboxFiles } from '../src/modal/sandbox-files.ts';
import { listSandboxes } from '../src/modal/sandbox-list.ts';
import { download, upload } from '../src/modal/transfer.ts';
import { volumeFiles } from '../src/modal/volume-files.ts';
import { createVolume, listVolumeFiles } from '../src/modal/volumes.ts';
import { describeSandbox, groupsOf } from '../src/views/sandboxes/sandbox-rows.ts';
import { VolumeBrowser } from '../src/views/volumes/volume-browser.ts';
import { startWorkbench } from '../test/helpers/local-modal.ts';
import { startWithEndedSandboxes } from '../test/helpers/many-sandboxes.ts';
import { type BenchContext, medianMs } from './row.ts';
import { watched } from './watched.ts';

const MiB = 1024 * 1024;
const SANDBOXES = 5_000;
const ENTRIES = 20_000;
/** Stalls that are longer are noticeable in the window. */
const MAX_STALL_MS = 50;
const MAX_GROWTH_MIB = 300;

export async function run({ quick, add }: BenchContext): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-views-'));
  try {
    await manySandboxes(join(folder, 'data'), add);
    await longFolderAndLargeFiles(folder, (quick ? 128 : 2048) * MiB, add);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Add = BenchContext['add'];

async function manySandboxes(dataDir: string, add: Add): Promise<void> {
  const server = await startWithEndedSandboxes(dataDir, 'bench', SANDBOXES);
  try {
    const modal = server.client();
    const app = await modal.apps.fromName('bench');
    const hourAgo = new Date(Date.now() - 2 * 3_600_000);
    const { ms, stallMs, value: sandboxes } = await watched(() => listSandboxes(modal, app, hourAgo));
    add({ name: `${sandboxes.length} sandboxes listed`, ours: ms, unit: 'ms' });
    add(stall(`longest stall while ${SANDBOXES} are listed`, stallMs));
    const prices = new Prices();
    const rows = await medianMs(5, () => {
      for (const group of groupsOf({ sandboxes, prices }, { folderKeys: ['a'], machineKey: 'b' }))
        for (const each of group.sandboxes) describeSandbox(each, prices, Date.now());
    });
    add(stall(`rows of ${SANDBOXES} sandboxes made`, rows));
  } finally {
    await server.stop();
  }
}

async function longFolderAndLargeFiles(folder: string, bytes: number, add: Add): Promise<void> {
  const bench = await startWorkbench();
  try {
    await createVolume(bench.modal, 'bench');
    const { volumeId: id } = await bench.modal.volumes.fromName('bench');
    const files = Array.from({ length: ENTRIES }, (_, n) => ({ path: `many/f${n}`, size: 0, blocks: [] }));
    await bench.modal.cpClient.volumePutFiles2({ volumeId: id, files });
    const volume = { id, name: 'bench', version: 2 as const, createdAt: new Date() };
    const browser = new VolumeBrowser({
      list: async (each, at) => shuffled(await listVolumeFiles(bench.modal, each, at)),
      onChange: () => {},
    });
    const { ms, stallMs } = await watched(() => browser.open(volume, '/many'));
    browser.keep([]);
    add({ name: `a folder of ${ENTRIES} entries expanded`, ours: ms, unit: 'ms' });
    add(stall(`longest stall while ${ENTRIES} entries come`, stallMs));

    const local = join(folder, 'large.bin');
    await writeLarge(local, bytes);
    const peer = await timed(() => copy(local, join(folder, 'copy.bin')));
    await rm(join(folder, 'copy.bin'));
    const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image, { timeoutMs: 3_600_000 });
    await measureTransfer(
      'a volume',
      volumeFiles(async () => bench.modal, 'bench'),
      { local, bytes, peer, add },
    );
    await measureTransfer(
      'a sandbox',
      sandboxFiles(async () => sandbox),
      { local, bytes, peer, add },
    );
  } finally {
    await bench.server.stop();
  }
}

/** Shuffles items: Modal guarantees no order, and sorting sorted items would be too fast. */
function shuffled<T>(items: readonly T[]): T[] {
  return items.map((_, index) => items[(index * 7919) % items.length] as T);
}

interface TransferOptions {
  readonly local: string;
  readonly bytes: number;
  /** The time that a plain copy takes, in milliseconds. */
  readonly peer: number;
  readonly add: Add;
}

async function measureTransfer(
  where: string,
  files: RemoteFiles,
  { local, bytes, peer, add }: TransferOptions,
): Promise<void> {
  const options = { signal: new AbortController().signal, onBytes: () => {} };
  const size = `${bytes / MiB} MiB`;
  const rate = (ms: number) => bytes / MiB / (ms / 1000);
  const up = await watched(() => upload(files, { local, remote: '/large.bin', bytes }, options));
  const back = `${local}.back`;
  const down = await watched(() => download(files, { local: back, remote: '/large.bin', bytes }, options));
  if ((await stat(back)).size !== bytes) throw new Error('The downloaded file has another size.');
  await rm(back);
  for (const [way, { ms, grownMiB }] of [
    [`${size} to ${where}`, up],
    [`${size} from ${where}`, down],
  ] as const) {
    add({ name: way, ours: rate(ms), peer: rate(peer), ratio: ms / peer, unit: 'MiB/s', note: 'peer: a plain copy' });
    add({
      name: `memory grown by ${way}`,
      ours: grownMiB,
      unit: 'MiB',
      goal: `at most ${MAX_GROWTH_MIB} MiB`,
      holds: grownMiB <= MAX_GROWTH_MIB,
    });
  }
}

function stall(name: string, ms: number) {
  return { name, ours: ms, unit: 'ms', goal: `at most ${MAX_STALL_MS} ms`, holds: ms <= MAX_STALL_MS };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** Writes a file of different blocks, because blocks that Modal already has wouldn't be sent. */
async function writeLarge(file: string, bytes: number): Promise<void> {
  const piece = Buffer.alloc(MiB, 7);
  function* pieces() {
    for (let at = 0; at < bytes; at += MiB) {
      piece.writeUInt32LE(at / MiB, 0);
      yield Buffer.from(piece);
    }
  }
  await pipeline(Readable.from(pieces()), createWriteStream(file));
}

/** Copies a file by reading and writing it. The system's own copy might share blocks. */
async function copy(from: string, to: string): Promise<void> {
  const handle = await open(from);
  await pipeline(handle.createReadStream({ highWaterMark: MiB }), createWriteStream(to));
}
