import { strict as assert } from 'node:assert';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SpendRecord } from '../../../src/sandboxes/cost/spend.ts';
import { MachineState } from '../../../src/sandboxes/machine-state.ts';
import { Time } from '../../helpers/time.ts';

const HOUR_MS = 3_600_000;
const MORNING = new Date(2026, 10, 21, 9).getTime();
const COST = { usdPerHour: 2, idleTimeoutMs: 600_000, timeoutMs: 24 * HOUR_MS };
/** The cost of a sandbox that doesn't reach its idle timeout. */
const STEADY = { ...COST, idleTimeoutMs: COST.timeoutMs };

describe('SpendRecord', () => {
  let dir: string;
  let time: Time;
  const window = (id: string) => new SpendRecord(new MachineState(dir, id), time);
  const near = (actual: number, expected: number) =>
    assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is ${expected}`);

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'spend-'));
    time = new Time(MORNING);
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('counts a sandbox from its start to its end', async () => {
    const spend = window('a');
    await spend.recordStart('sb-1', STEADY);
    await time.pass(HOUR_MS / 2);
    near(await spend.usdToday(), 1);
    await spend.recordEnd('sb-1');
    await time.pass(HOUR_MS);
    near(await spend.usdToday(), 1);
  });

  it('adds up across windows and restarts', async () => {
    const [a, b] = [window('a'), window('b')];
    await a.recordStart('sb-1', STEADY);
    await b.recordStart('sb-2', STEADY);
    await time.pass(HOUR_MS / 2);
    await Promise.all([a.recordEnd('sb-1'), b.recordEnd('sb-2')]);
    near(await window('c').usdToday(), 2);
  });

  it('counts a sandbox of a killed window until its idle timeout, and no longer', async () => {
    const killed = window('killed');
    await killed.recordStart('sb-1', COST);
    await time.pass(60_000);
    await killed.recordUse('sb-1');
    await time.pass(5 * HOUR_MS);
    near(await window('next').usdToday(), (2 * 660_000) / HOUR_MS);
  });

  it('counts a sandbox until its idle timeout, even if that is noticed late', async () => {
    const spend = window('a');
    await spend.recordStart('sb-1', COST);
    await time.pass(60_000);
    await spend.recordUse('sb-1');
    await time.pass(2 * HOUR_MS);
    near(await spend.usdToday(), (2 * 660_000) / HOUR_MS);
    await spend.recordEnd('sb-1');
    near(await spend.usdToday(), (2 * 660_000) / HOUR_MS);
  });

  it('saves the latest of many concurrent changes, and reads no partially written files', async () => {
    const spend = window('a');
    const ids = Array.from({ length: 20 }, (_, index) => `sb-${index}`);
    await Promise.all(ids.map((id) => spend.recordStart(id, STEADY)));
    await writeFile(join(dir, 'spend', 'a.json.draft'), JSON.stringify([{ sandboxId: 'sb-1', lastUsedAt: 0 }]));
    await time.pass(HOUR_MS);
    near(await window('b').usdToday(), 40);
    await Promise.all(ids.map((id) => spend.recordEnd(id)));
    await time.pass(HOUR_MS);
    near(await window('b').usdToday(), 40);
  });

  it('counts a sandbox that is taken over only once', async () => {
    await window('killed').recordStart('sb-1', COST);
    await time.pass(300_000);
    const next = window('next');
    await next.recordTakeover('sb-1', 'killed', COST);
    await time.pass(300_000);
    near(await next.usdToday(), (2 * 600_000) / HOUR_MS);
    assert.deepEqual(await readdir(join(dir, 'spend')), ['next.json']);
    await window('last').recordTakeover('sb-1', 'next', COST);
    near(await window('other').usdToday(), (2 * 600_000) / HOUR_MS);
  });

  it('starts over at midnight, and sums up the last hour separately', async () => {
    const spend = window('a');
    await spend.recordStart('sb-1', STEADY);
    await time.pass(3 * HOUR_MS);
    near(await spend.usdToday(), 6);
    near(await spend.usdLastHour(), 2);
    await time.pass(13 * HOUR_MS);
    near(await spend.usdToday(), 2);
  });

  it('neither forgets nor invents costs when the clock is set back or forward', async () => {
    const steady = new Time();
    const spend = new SpendRecord(new MachineState(dir, 'a'), time, steady);
    const pass = (ms: number) => Promise.all([time.pass(ms), steady.pass(ms)]);
    await spend.recordStart('sb-1', COST);
    await spend.recordStart('sb-ended', STEADY);
    await pass(300_000);
    await Promise.all([spend.recordUse('sb-1'), spend.recordEnd('sb-ended')]);
    const costs = (...ms: number[]) => (2 * ms.reduce((sum, each) => sum + each, 0)) / HOUR_MS;
    for (const backMs of [HOUR_MS, 20 * HOUR_MS]) {
      await time.set(time.now() - backMs);
      near(await spend.usdToday(), costs(300_000, 300_000));
      near(await spend.usdLastHour(), costs(300_000, 300_000));
    }
    await pass(300_000);
    near(await spend.usdToday(), costs(600_000, 300_000));
    await spend.recordUse('sb-1');
    await time.set(MORNING + HOUR_MS);
    const today = await spend.usdToday();
    assert.ok(today >= costs(600_000, 300_000) && today <= costs(1_200_000, 300_000), 'within an idle timeout');
    await spend.recordEnd('sb-1');
    near(await spend.usdToday(), today);
  });

  it('counts the sandbox of a killed window until its idle timeout if the clock was set back', async () => {
    const killed = window('killed');
    await killed.recordStart('sb-1', COST);
    await time.pass(60_000);
    await killed.recordUse('sb-1');
    await time.set(MORNING - 10 * HOUR_MS);
    near(await window('next').usdToday(), (2 * 660_000) / HOUR_MS);
  });

  it('removes entries older than two days', async () => {
    await window('old').recordStart('sb-1', COST);
    await time.pass(80 * HOUR_MS);
    const now = window('now');
    await now.usdToday();
    assert.deepEqual(await new MachineState(dir).list('spend'), []);
  });

  it('treats a corrupt file as empty', async () => {
    const spend = window('a');
    await spend.recordStart('sb-1', COST);
    await writeFile(join(dir, 'spend', 'broken.json'), '{"no');
    assert.equal(await spend.usdToday(), 0);
  });
});
