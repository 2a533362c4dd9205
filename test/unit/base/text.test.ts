import assert from 'node:assert/strict';
import { formatBytes, formatDuration } from '../../../src/base/text.ts';

describe('numbers for people', () => {
  it('have the unit that suits a duration', () => {
    assert.deepEqual([0.4, 45, 999.6, 2149, 59_949, 65_432, 3_725_000].map(formatDuration), [
      '0 ms',
      '45 ms',
      '1.0 s',
      '2.1 s',
      '1 min 0 s',
      '1 min 5 s',
      '1 h 2 min',
    ]);
  });

  it('have the unit that suits a size', () => {
    assert.deepEqual([0, 999, 1000, 3_400_000, 5e15].map(formatBytes), [
      '0 B',
      '999 B',
      '1.0 KB',
      '3.4 MB',
      '5000.0 TB',
    ]);
  });
});
