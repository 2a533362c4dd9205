/**
 * Measures the time until a run's program prints its first byte, compared with a plain `exec` of the SDK in the same sandbox: in
 * milliseconds and in round trips, with 0, 50, and 100 ms added to every call. Then what the record of a run costs: whole runs
 * with records and without, which take turns.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sandbox } from 'modal';
import { wallClock } from '../src/base/clock.ts';
import { ProfileSchema } from '../src/profiles/schema.ts';
import { RunRecords } from '../src/run/records/run-records.ts';
import { type RunRequest, runRequest } from '../src/run/request.ts';
import { Run } from '../src/run/run.ts';
import { describeEnd } from '../src/run/summary.ts';
import { FolderSyncs } from '../src/sandboxes/folder-syncs.ts';
import { REMOTE_ROOT } from '../src/sync/options.ts';
import { startLocalModal } from '../test/helpers/local-modal.ts';
import { accountOf, sessionsOf, starterOf } from '../test/helpers/sessions.ts';
import { type BenchContext, medianMs, mediansByTurns } from './row.ts';

const DELAYS_MS = [0, 50, 100];
const PRINT = 'echo first';
const MiB = 1024 * 1024;
const MAX_RECORD_MS = 5;
const MAX_RECORD_RATIO = 1.01;

export async function run({ quick, add }: BenchContext): Promise<void> {
  const server = await startLocalModal();
  const path = mkdtempSync(join(tmpdir(), 'bench-run-'));
  const storage = mkdtempSync(join(tmpdir(), 'bench-run-storage-'));
  const sessions = sessionsOf(starterOf(() => accountOf(server)));
  const syncs = new FolderSyncs({ storageDir: () => storage, rules: () => ({}), isLocal: () => true });
  const folder = { name: 'bench', path };
  const request = runRequest({
    folder,
    label: 'a.sh',
    programs: [{ argv: ['sh'] }],
    args: [`${REMOTE_ROOT}/a.sh`],
  });
  try {
    writeFileSync(join(path, 'a.sh'), PRINT);
    for (let file = 0; file < 200; file += 1) writeFileSync(join(path, `f${file}.txt`), `${file}\n`.repeat(50));
    const ours = () => firstByteOfRun(request, { sessions, syncs, ask: () => true });
    await ours();
    const { sandbox } = await sessions.acquire(folder);
    const bare = () => firstByteOfExec(sandbox);
    const rounds = quick ? 3 : 11;
    const base = new Map<string, number>();
    for (const delayMs of DELAYS_MS) {
      await server.control.clearFaults();
      if (delayMs > 0) await server.control.addFault({ method: '*', delayMs });
      const changes: [string, number][] = [
        ['nothing changed', 0],
        ['3 files changed', 3],
      ];
      for (const [what, files] of changes) {
        const change = (round: number) => {
          for (let file = 0; file < files; file += 1)
            writeFileSync(join(path, `f${file}.txt`), `${delayMs} ${round}\n`);
        };
        const peer = await medianMs(rounds, bare);
        const own = await medianMs(rounds, ours, change);
        const name = `first byte, ${what}`;
        add({ name: `${name}, ${delayMs} ms added`, ours: own, peer, ratio: own / peer, unit: 'ms' });
        if (delayMs === 0) {
          base.set(`${name} ours`, own);
          base.set(`${name} peer`, peer);
          continue;
        }
        const trips = Math.round((own - (base.get(`${name} ours`) ?? 0)) / delayMs);
        const peerTrips = Math.round((peer - (base.get(`${name} peer`) ?? 0)) / delayMs);
        const maxTrips = peerTrips + (files === 0 ? 1 : 2);
        const goal = `at most ${maxTrips}`;
        const row = {
          ours: trips,
          peer: peerTrips,
          ratio: trips / peerTrips,
          unit: 'trips',
          goal,
          holds: trips <= maxTrips,
        };
        add({ name: `${name}, ${delayMs} ms added, round trips`, ...row });
      }
    }
    await server.control.clearFaults();
    const records = new RunRecords({
      dir: join(storage, 'runs'),
      windowId: 'bench',
      clock: wallClock,
      profile: async () => ({ profile: ProfileSchema.parse({}) }),
      root: () => path,
    });
    const services = { sessions, syncs, ask: () => true };
    const turns = async (rounds: number, script: string) => {
      writeFileSync(join(path, 'a.sh'), script);
      // Sends the script.
      await wholeRun(request, services);
      const recorded = async () => {
        const tookMs = await wholeRun(request, { ...services, records });
        await records.flush();
        return tookMs;
      };
      return mediansByTurns(rounds, recorded, () => wholeRun(request, services));
    };
    const short = await turns(quick ? 3 : 51, PRINT);
    add({
      name: 'recorded against not, a run that prints a line',
      ...short,
      ratio: short.ours / short.peer,
      unit: 'ms',
      goal: `at most ${MAX_RECORD_MS} ms more`,
      holds: short.ours - short.peer <= MAX_RECORD_MS,
    });
    const bytes = (quick ? 64 : 512) * MiB;
    const long = await turns(quick ? 1 : 7, `head -c ${bytes} /dev/zero | tr '\\0' x`);
    const ratio = long.ours / long.peer;
    add({
      name: `recorded against not, ${bytes / MiB} MiB of output`,
      ...long,
      ratio,
      unit: 'ms',
      goal: `at most ${MAX_RECORD_RATIO}`,
      holds: ratio <= MAX_RECORD_RATIO,
    });
  } finally {
    await server.control.clearFaults();
    await Promise.all([sessions.dispose(), syncs.dispose()]);
    await server.stop();
    rmSync(path, { recursive: true });
    rmSync(storage, { recursive: true });
  }
}

/** Runs a request and resolves at the program's first byte, without waiting for the rest of the run. */
export async function firstByteOfRun(
  request: RunRequest,
  services: ConstructorParameters<typeof Run>[1],
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const output = { status: () => {}, progress: () => {}, stdout: () => resolve(), stderr: () => {} };
    const { done } = new Run(request, services, output);
    void done.then((result) => reject(new Error(`The program printed nothing. ${describeEnd(result)}`)));
  });
}

/** Returns the time that a run takes, in milliseconds. Its output isn't shown, and so not slowed to what a terminal can show. */
async function wholeRun(request: RunRequest, services: ConstructorParameters<typeof Run>[1]): Promise<number> {
  const startedAt = performance.now();
  const output = { status: () => {}, progress: () => {}, stdout: () => {}, stderr: () => {}, isUnpaced: true };
  const result = await new Run({ ...request, pty: false }, services, output).done;
  if (result.exitCode !== 0) throw new Error(`The program failed. ${describeEnd(result)}`);
  return performance.now() - startedAt;
}

async function firstByteOfExec(sandbox: Sandbox): Promise<void> {
  const process = await sandbox.exec(['sh', '-c', PRINT], { mode: 'binary', pty: true });
  const reader = process.stdout.getReader();
  await reader.read();
  void reader.cancel();
}
