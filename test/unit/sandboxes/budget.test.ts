import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Budget, type BudgetState, budgetState } from '../../../src/sandboxes/cost/budget.ts';
import { SpendRecord } from '../../../src/sandboxes/cost/spend.ts';
import { MachineState } from '../../../src/sandboxes/machine-state.ts';
import { strings } from '../../../src/sandboxes/strings.ts';
import { Time } from '../../helpers/time.ts';

const HOUR_MS = 3_600_000;
const MORNING = new Date(2026, 10, 21, 9).getTime();
/** The cost of a sandbox that doesn't reach its idle timeout. */
const STEADY = { usdPerHour: 2, idleTimeoutMs: 24 * HOUR_MS, timeoutMs: 24 * HOUR_MS };

describe('budgetState', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'budget-'));
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('reports a budget as near from 80% and spent from 100%, by day or hour, and never for a limit of 0', async () => {
    const time = new Time(MORNING);
    const spend = new SpendRecord(new MachineState(dir), time);
    await spend.recordStart('sb-1', STEADY);
    const level = async (perDayUsd: number, perHourUsd: number) =>
      (await budgetState(spend, { perDayUsd, perHourUsd })).level;
    await time.pass(0.79 * HOUR_MS);
    assert.equal(await level(2, 0), 'ok');
    await time.pass(0.02 * HOUR_MS);
    assert.equal(await level(2, 0), 'near');
    assert.equal(await level(0, 0), 'ok');
    await time.pass(HOUR_MS);
    assert.equal(await level(2, 0), 'spent');
    assert.equal(await level(100, 2), 'spent');
    const { summary } = await budgetState(spend, { perDayUsd: 4, perHourUsd: 0 });
    assert.equal(summary, strings.spentToday('about $3.62', '$4.00'));
  });
});

describe('Budget', () => {
  let dir: string;
  let time: Time;
  let answers: boolean[];
  let levels: BudgetState['level'][];
  let budget: Budget;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'budget-'));
    time = new Time(MORNING);
    answers = [];
    levels = [];
    const spend = new SpendRecord(new MachineState(dir), time);
    await spend.recordStart('sb-1', STEADY);
    budget = new Budget({
      spend,
      limits: () => ({ perDayUsd: 2, perHourUsd: 0 }),
      confirm: async () => answers.shift() ?? assert.fail('was asked'),
    });
    budget.onDidChangeLevel(({ level }) => levels.push(level));
  });
  afterEach(() => rm(dir, { recursive: true }));

  it('fires an event once per level, and only for checks', async () => {
    await time.pass(0.9 * HOUR_MS);
    await budget.state();
    assert.deepEqual(levels, []);
    await budget.check();
    await budget.check();
    await time.pass(HOUR_MS);
    await budget.check();
    assert.deepEqual(levels, ['near', 'spent']);
  });

  it('allows a start until the budget is spent, and then asks each time', async () => {
    await budget.require();
    await time.pass(HOUR_MS);
    answers = [true, false];
    await budget.require();
    const { summary } = await budget.state();
    await assert.rejects(budget.require(), { message: strings.budgetSpent(summary) });
    assert.deepEqual(answers, []);
  });
});
