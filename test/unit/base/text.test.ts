import assert from 'node:assert/strict';
import { strings } from '../../../src/base/strings.ts';
import { formatBytes, formatDuration, formatMinutes } from '../../../src/base/text.ts';

describe('Text formatting', () => {
  it('formats durations in suitable units', () => {
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

  it('formats sizes in suitable units', () => {
    assert.deepEqual([0, 999, 1000, 3_400_000, 5e15].map(formatBytes), [
      '0 B',
      '999 B',
      '1.0 KB',
      '3.4 MB',
      '5000.0 TB',
    ]);
  });

  it('formats times to the minute', () => {
    assert.deepEqual([-5, 59_999, 720_000, 3_720_000].map(formatMinutes), [
      'under 1 min',
      'under 1 min',
      '12 min',
      '1 h 2 min',
    ]);
  });

  it('formats counts with their nouns', () => {
    assert.deepEqual(
      [strings.files(1), strings.files(2000), strings.deletions(0)],
      ['1 file', '2,000 files', '0 deletions'],
    );
  });
});
