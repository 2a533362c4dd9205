import { strict as assert } from 'node:assert';
import { Prices } from '../../../src/modal/prices.ts';
import { accountRates, parseRates } from '../../../src/modal/rates.ts';
import { startLocalModal } from '../../helpers/local-modal.ts';

describe('Account rates', () => {
  const reply = (rates: Record<string, string>, deprecationErrors = {}) => ({
    rates,
    deprecationErrors,
    deprecationWarnings: {},
    formatted: '',
  });

  it('replaces the published rates that an account overrides, and keeps the others', () => {
    const published = new Prices().perHourUsd({ gpu: 'H100' }) ?? 0;
    const prices = new Prices();
    prices.use(
      parseRates(
        reply({
          cpu_hour_cost: '9',
          cpu_hour_cost_sandbox: '0.2',
          mem_gib_hour_cost_sandbox: '0.1',
          gpu_hour_cost_a100_80gb: '2',
          gpu_hour_cost_a10g: '1',
          volume_storage_gib_month_cost: '0.09',
        }),
      ),
    );
    assert.equal(prices.perHourUsd({ cpu: 2, memoryMiB: 1024 }), 0.5);
    assert.equal(prices.perHourUsd({ cpu: 2, memoryMiB: 1024, gpu: 'A100-80GB:2' }), 4.5);
    assert.equal(prices.perHourUsd({ cpu: 2, memoryMiB: 1024, gpu: 'A10' }), 1.5);
    assert.ok((prices.perHourUsd({ gpu: 'H100' }) ?? 0) > published - 0.1);
  });

  it("ignores account rates that aren't numbers, are zero, or have been withdrawn", () => {
    const withdrawn = { gpu_hour_cost_t4: 'withdrawn' };
    const rates = { cpu_hour_cost_sandbox: 'soon', mem_gib_hour_cost_sandbox: '0', gpu_hour_cost_t4: '1' };
    assert.deepEqual(parseRates(reply(rates, withdrawn)), { perGpu: {} });
  });

  it("returns no account rates if the server doesn't report any", async () => {
    const server = await startLocalModal();
    try {
      assert.deepEqual(await accountRates(server.client()), {});
      assert.equal((await server.control.calls()).WorkspaceBillingRates, 1);
    } finally {
      await server.stop();
    }
  });
});
