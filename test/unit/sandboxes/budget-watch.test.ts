import { strict as assert } from 'node:assert';
import { MINUTE_MS } from '../../../src/base/clock.ts';
import { BudgetWatch } from '../../../src/sandboxes/cost/budget-watch.ts';
import { Time } from '../../helpers/time.ts';

describe('BudgetWatch', () => {
  let time: Time;
  let checks: number;
  let isSpending: boolean;
  let watch: BudgetWatch;
  beforeEach(() => {
    time = new Time();
    checks = 0;
    isSpending = false;
    watch = new BudgetWatch({
      clock: time,
      check: async () => {
        checks += 1;
        if (checks === 2) throw new Error('a limit is invalid');
      },
      isSpending: async () => isSpending,
    });
  });
  afterEach(() => watch.dispose());

  it('checks at each update, and sets no timer while no sandbox costs money', async () => {
    await watch.update();
    await watch.update();
    assert.equal(checks, 2);
    assert.deepEqual(time.next(), []);
  });

  it('checks every minute while sandboxes cost money, also after a check that fails', async () => {
    isSpending = true;
    await Promise.all([watch.update(), watch.update()]);
    assert.deepEqual(time.next(), [MINUTE_MS]);
    await time.pass(MINUTE_MS);
    assert.equal(checks, 3);
    isSpending = false;
    await time.pass(MINUTE_MS);
    assert.equal(checks, 4);
    assert.deepEqual(time.next(), []);
  });

  it('checks no more once it is disposed', async () => {
    isSpending = true;
    await watch.update();
    watch.dispose();
    assert.deepEqual(time.next(), []);
  });
});
