import assert from 'node:assert/strict';
import { cleanLine } from '../../../src/base/text.ts';
import { strings } from '../../../src/run/strings.ts';
import { progressLine, pullReport, syncReport } from '../../../src/run/sync-report.ts';
import { notice } from '../../../src/sync/scan/notices.ts';
import { strings as syncStrings } from '../../../src/sync/strings.ts';

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

  for (const [path, shown] of [
    ['x\u001b[2J\ny', 'x\\x1b[2J\\ny'],
    ['a\u001b]0;title\u0007b', 'a\\x1b]0;title\\x07b'],
    ['a\u009b2Jb', 'a\\x9b2Jb'],
    ['a\u202etxt.exe', 'a\\u202etxt.exe'],
    ['a\u2066b\u2069', 'a\\u2066b\\u2069'],
    ['a\r\tb\u0000\u007f', 'a\\r\\tb\\x00\\x7f'],
    ['a\u2028b\u0085', 'a\\u2028b\\x85'],
  ] as const)
    it(`shows the name ${shown} so that it identifies its file, wherever it is named`, () => {
      const result = { ...nothing, skipped: [{ path, reason: syncStrings.linkOutside(path) }], credentials: [path] };
      const notices = [notice('left-out', path)];
      const lines = syncReport({ ...result, replaced: [path], released: [path], large: [{ path, bytes: 1 }], notices });
      lines.push(progressLine({ stage: 'sending', files: 1, bytes: 1, totalBytes: 1, bytesPerSecond: 1, path }));
      lines.push(
        pullReport({
          ...{
            written: [],
            same: [],
            sensitive: [],
            missing: [],
            unmatched: [path],
            files: 0,
            bytes: 0,
            durationMs: 0,
          },
          ...{ conflicts: [{ path, copy: path }], refused: [{ path, reason: syncStrings.linkTo(path) }] },
        }),
      );
      for (const line of lines.slice(1)) assert.ok(line.includes(shown) && line === cleanLine(line), line);
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
    assert.equal(progressLine({ stage: 'waiting', ...progress }), strings.waitingForDrive());
    assert.ok(strings.waitingForDrive().length < 80, 'fits a line');
  });
});
