import assert from 'node:assert/strict';
import { strings } from '../../../src/run/strings.ts';
import { progressLine, syncReport } from '../../../src/run/sync-report.ts';

const nothing = {
  files: 0,
  bytes: 0,
  deleted: 0,
  durationMs: 12,
  skipped: [],
  credentials: [],
  released: [],
  replaced: [],
  writtenThrough: [],
  movedAside: [],
  notices: [],
  large: [],
  heldBack: [],
};

describe('Reports of a sync', () => {
  it('reports files, bytes, and deletions, or that nothing had to be sent', () => {
    assert.deepEqual(syncReport(nothing), [strings.upToDate('12 ms')]);
    assert.deepEqual(syncReport({ ...nothing, files: 1, bytes: 3400 }), ['Synced 1 file (3.4 KB) in 12 ms']);
    assert.deepEqual(syncReport({ ...nothing, files: 1200, bytes: 5e6, deleted: 2 }), [
      'Synced 1,200 files (5.0 MB), 2 deletions in 12 ms',
    ]);
    assert.deepEqual(syncReport({ ...nothing, deleted: 1 }), ['Synced 1 deletion in 12 ms']);
  });

  it('names some of the skipped files and counts the rest', () => {
    const skipped = Array.from({ length: 7 }, (_, at) => ({ path: `p${at}`, reason: 'EACCES' }));
    const lines = syncReport({ ...nothing, skipped, credentials: ['.env', 'a.pem', 'b.pem', 'c.pem'] });
    assert.equal(lines[1], strings.credentialsNotSent('.env, a.pem, b.pem, and 1 more'));
    assert.equal(lines[2], 'Not synced: p0 (EACCES)');
    assert.equal(lines.at(-1), 'Not synced: 2 more');
    assert.equal(
      syncReport({ ...nothing, files: 1, bytes: 6e7, large: [{ path: 'data.bin', bytes: 6e7 }] })[1],
      strings.largeFiles('data.bin (60.0 MB)'),
    );
  });

  it('shows what is being sent and how fast', () => {
    const progress = { files: 12, bytes: 3e6, totalBytes: 1e7, bytesPerSecond: 5e6, path: 'a/b.bin' };
    assert.equal(
      progressLine({ stage: 'sending', ...progress }),
      'Sending 12 files, 3.0 MB of 10.0 MB, 5.0 MB/s: a/b.bin',
    );
    const long = progressLine({ stage: 'sending', ...progress, path: `deep/${'x'.repeat(100)}/end.py` });
    assert.match(long, /: …x+\/end\.py$/);
    assert.ok(long.length < 80, 'fits a line');
    assert.equal(
      progressLine({ stage: 'receiving', ...progress, totalBytes: 0 }),
      'Receiving 12 files, 3.0 MB, 5.0 MB/s: a/b.bin',
    );
    assert.equal(progressLine({ stage: 'applying', ...progress }), 'Unpacking in the sandbox…');
    assert.equal(progressLine({ stage: 'scanning', ...progress }), 'Checking for changes… 12 files');
  });
});
