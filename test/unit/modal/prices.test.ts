import assert from 'node:assert/strict';
import { formatUsd, type Hardware, Prices } from '../../../src/modal/prices.ts';

const perHour = (hardware: Hardware) => new Prices().perHourUsd(hardware)?.toFixed(4);

describe('price estimates', () => {
  it('count what Modal reserves by itself when nothing is asked for', () => {
    assert.equal(perHour({}), '0.0207');
    assert.equal(perHour({ cpu: 0.01, memoryMiB: 1 }), '0.0207');
  });

  it('add up cores, memory and GPUs', () => {
    assert.equal(perHour({ cpu: 2, memoryMiB: 4096 }), '0.3799');
    assert.equal(perHour({ gpu: 'h100:2' }), (0.0207388 + 2 * 3.9492).toFixed(4));
    assert.equal(perHour({ gpu: 'H100!' }), perHour({ gpu: 'H100' }));
  });

  it('are absent for a GPU without a known price', () => {
    assert.equal(perHour({ gpu: 'X1' }), undefined);
  });

  it('never look like nothing when they are something', () => {
    assert.deepEqual([0, 0.00001, 0.00213, 0.5, 12.345].map(formatUsd), [
      '$0',
      'under $0.0001',
      '$0.0021',
      '$0.5',
      '$12.35',
    ]);
  });
});
