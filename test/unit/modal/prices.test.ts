import assert from 'node:assert/strict';
import { formatUsd, type Hardware, Prices } from '../../../src/modal/prices.ts';

const perHour = (hardware: Hardware) => new Prices().perHourUsd(hardware)?.toFixed(4);

describe('Prices', () => {
  it('includes the resources that Modal reserves by default', () => {
    assert.equal(perHour({}), '0.0207');
    assert.equal(perHour({ cpu: 0.01, memoryMiB: 1 }), '0.0207');
  });

  it('adds up cores, memory, and GPUs', () => {
    assert.equal(perHour({ cpu: 2, memoryMiB: 4096 }), '0.3799');
    assert.equal(perHour({ gpu: 'h100:2' }), (0.0207388 + 2 * 3.9492).toFixed(4));
    assert.equal(perHour({ gpu: 'H100!' }), perHour({ gpu: 'H100' }));
  });

  it('has no price for an unknown GPU', () => {
    assert.equal(perHour({ gpu: 'X1' }), undefined);
  });

  it('never rounds a price down to zero', () => {
    assert.deepEqual([0, 0.00001, 0.00213, 0.5, 12.345].map(formatUsd), [
      '$0',
      'under $0.0001',
      '$0.0021',
      '$0.5',
      '$12.35',
    ]);
  });
});
