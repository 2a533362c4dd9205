/** Measures how much time until a run's first output a warm sandbox saves, compared with starting one for the run. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wallClock } from '../src/base/clock.ts';
import { ProfileSchema } from '../src/profiles/schema.ts';
import { runRequest } from '../src/run/request.ts';
import { FolderSyncs } from '../src/sandboxes/folder-syncs.ts';
import { MachineState } from '../src/sandboxes/machine-state.ts';
import { WarmPool } from '../src/sandboxes/warm/pool.ts';
import { poolDependencies } from '../src/sandboxes/warm/pool-dependencies.ts';
import { REMOTE_ROOT } from '../src/sync/options.ts';
import { startLocalModal } from '../test/helpers/local-modal.ts';
import { accountOf, sessionsOf, starterOf } from '../test/helpers/sessions.ts';
import { type BenchContext, medianMs } from './row.ts';
import { firstByteOfRun } from './run.ts';

/** The start time of a sandbox, as on Modal with an image that isn't cached nearby. */
const COLD_START_MS = 3_000;
const FILES = 200;
const MAX_RATIO = 0.1;

export async function run({ quick, add }: BenchContext): Promise<void> {
  const server = await startLocalModal();
  const path = mkdtempSync(join(tmpdir(), 'bench-warm-'));
  const storage = mkdtempSync(join(tmpdir(), 'bench-warm-storage-'));
  const raw = { image: 'python:3.13-slim', hostVolume: false, warm: { sandboxes: 1 } };
  const folder = { name: 'bench', path };
  const syncs = new FolderSyncs({ storageDir: () => storage, rules: () => ({}), isLocal: () => true });
  const machine = new MachineState(join(storage, 'machine'));
  const starter = starterOf(() => accountOf(server), { machine });
  const pool = new WarmPool(poolDependencies({ starter, syncs, clock: wallClock, account: () => 'bench' }));
  const sessions = sessionsOf(starter, raw, { warm: pool });
  const profile = ProfileSchema.parse(raw);
  const request = runRequest({
    folder,
    label: 'a.sh',
    programs: [{ argv: ['sh'] }],
    args: [`${REMOTE_ROOT}/a.sh`],
  });
  const firstByte = () => firstByteOfRun(request, { sessions, syncs, ask: () => true });
  try {
    writeFileSync(join(path, 'a.sh'), 'echo first');
    for (let file = 0; file < FILES; file += 1) writeFileSync(join(path, `f${file}.txt`), `${file}\n`.repeat(50));
    await firstByte();
    await server.control.set({ coldStartMs: COLD_START_MS });
    const rounds = quick ? 1 : 5;
    const cold = await medianMs(rounds, firstByte, () => sessions.dispose());
    const warm = await medianMs(rounds, firstByte, async (round) => {
      await sessions.dispose();
      if (!profile.warm) throw new Error("The profile isn't warm.");
      await pool.fill(
        { folder, named: { name: 'default', profile, origin: 'user' }, warm: profile.warm },
        AbortSignal.timeout(60_000),
      );
      writeFileSync(join(path, 'f0.txt'), `edited ${round}\n`);
    });
    add({
      name: 'first output, warm against cold',
      ours: warm,
      peer: cold,
      ratio: warm / cold,
      unit: 'ms',
      goal: `at most ${MAX_RATIO * 100}%`,
      holds: warm <= cold * MAX_RATIO,
      note: `starting a sandbox takes ${COLD_START_MS / 1000} s; ${FILES} files, one of them edited`,
    });
  } finally {
    await pool.retire(() => true);
    await Promise.all([sessions.dispose(), syncs.dispose()]);
    await server.stop();
    rmSync(path, { recursive: true });
    rmSync(storage, { recursive: true });
  }
}
