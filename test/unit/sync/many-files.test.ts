import assert from 'node:assert/strict';
import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { strings as reportStrings } from '../../../src/run/strings.ts';
import { syncReport } from '../../../src/run/sync-report.ts';
import type { SyncEngine, SyncProgress } from '../../../src/sync/engine.ts';
import type { SyncQuestion } from '../../../src/sync/push/questions.ts';
import { engineFor, inSandbox } from './sandboxes.ts';
import { ending, sandbox, withEach } from './setup.ts';
import { writeTree } from './temporary.ts';

const FILES = 300_000;
const FOLDERS = 300;

describe('A folder of 300,000 files', () => {
  let many: string;
  let large: SyncEngine;
  let asked: SyncQuestion[];

  before(() => {
    // In memory, because a disk would take most of the time, and hard links, because they need no inodes.
    many = mkdtempSync('/dev/shm/many-');
    writeTree(many, { 'main.py': 'print(1)', 'data/images/label.txt': 'one of many' });
    for (let folder = 0; folder < FOLDERS; folder += 1) {
      mkdirSync(join(many, `data/images/${folder}`));
      for (let at = 0; at < FILES / FOLDERS; at += 1)
        linkSync(join(many, 'data/images/label.txt'), `${many}/data/images/${folder}/${at}.txt`);
    }
  });
  after(() => rmSync(many, { recursive: true }));
  withEach(() => {
    asked = [];
    const ask = (question: SyncQuestion) => {
      asked.push(question);
      return true;
    };
    large = ending(engineFor(many, { remoteRoot: '/dev/shm/many', ask }));
  });

  it('is scanned in bounded memory, with progress, and names the folder that may be data', async () => {
    const before = process.memoryUsage().rss;
    const seen: number[] = [];
    const { puts, crowded } = await large.status(undefined, { onProgress: ({ files }) => seen.push(files) });
    const grownMiB = (process.memoryUsage().rss - before) / 2 ** 20;
    assert.deepEqual([puts, crowded], [FILES + 2, { path: 'data/images', files: FILES + 1 }]);
    assert.ok(seen.length >= 3 && seen.every((files, at) => at === 0 || files >= (seen[at - 1] ?? 0)), `${seen}`);
    assert.ok(grownMiB < 500, `${grownMiB} MiB`);
  });

  for (const stage of ['scanning', 'sending'] as const)
    it(`isn't sent if the user cancels while it is ${stage}, and nothing goes on`, async () => {
      const cancel = new AbortController();
      let late = 0;
      const onProgress = (progress: SyncProgress): void => {
        if (cancel.signal.aborted) late = progress.files;
        else if (progress.stage === stage && progress.files > 5_000) cancel.abort(new Error('canceled by the test'));
      };
      await assert.rejects(large.push(sandbox, { signal: cancel.signal, onProgress }), /canceled by the test/);
      // The thread that was scanning or packing answers again.
      assert.deepEqual(
        (await large.explain(['main.py'])).map(({ included }) => included),
        [true],
      );
      // What was on its way may still be read.
      assert.ok(late < FILES / 3, `${late} files`);
      assert.equal(
        await inSandbox(sandbox, 'ls /dev/shm/many 2>&1 || true', '/tmp').then((text) => /main\.py/.test(text)),
        false,
      );
    });

  it('is sent without the folder once .modalignore names it, as the question and the report suggest', async () => {
    await assert.rejects(large.push(sandbox, { ask: (question) => void asked.push(question) }));
    const [question] = asked;
    assert.ok(question?.kind === 'first-sync');
    assert.equal(question.plan.crowded?.path, 'data/images');
    const { notices } = question.plan;
    const lines = syncReport({ ...NOTHING, notices });
    assert.ok(lines.includes(reportStrings.crowded('data/images/')), lines.join('\n'));
    writeFileSync(join(many, '.modalignore'), 'data/images/\n');
    assert.equal((await large.push(sandbox)).files, 2);
    assert.deepEqual((await large.status(sandbox)).crowded, undefined);
  });
});

const NOTHING = {
  files: 0,
  bytes: 0,
  deleted: 0,
  durationMs: 0,
  skipped: [],
  credentials: [],
  released: [],
  replaced: [],
  writtenThrough: [],
  movedAside: [],
  large: [],
  heldBack: [],
};
