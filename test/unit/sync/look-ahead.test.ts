import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, copyFileSync, lstatSync, mkdirSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Entry, SyncIndex } from '../../../src/sync/index/entries.ts';
import { Rules } from '../../../src/sync/rules/rules.ts';
import { LookAhead } from '../../../src/sync/scan/look-ahead.ts';
import { type Scan, scan } from '../../../src/sync/scan/scan.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { removeTemporary, temporaryFolder, writeTree } from './temporary.ts';

const FILES = 400;
const minFiles = 100;
const BUNDLE = fileURLToPath(new URL('../../../dist/sync-look-ahead.cjs', import.meta.url));

/** The path of the file with this number, ten in each folder. */
function fileAt(number: number): string {
  return `folder ${1000 + Math.floor(number / 10)}/é${1000 + number}`;
}

function writeFiles(): string {
  const paths = Array.from({ length: FILES }, (_, number) => fileAt(number));
  return writeTree(temporaryFolder(), Object.fromEntries(paths.map((path) => [path, path])));
}

/** Returns the index of a sandbox that these entries were synced to a while ago. */
function syncedIndex(entries: readonly Entry[]): SyncIndex {
  return new SyncIndex(entries.map((entry) => ({ ...entry, hash: 'h', racy: false, uncertain: false })));
}

/** Returns a scan without its time. */
function untimed({ startedAtMs: _, ...rest }: Scan): Omit<Scan, 'startedAtMs'> {
  return rest;
}

describe('LookAhead', () => {
  let root: string;
  let index: SyncIndex;

  beforeEach(() => {
    root = writeFiles();
    index = syncedIndex(scan(new Rules(root)).entries);
  });
  afterEach(removeTemporary);

  function scanWith(ahead: LookAhead, checkpoint?: () => void): Scan {
    return ahead.assist(root, index, (looking) =>
      scan(new Rules(root), { index, ahead: looking, ...(checkpoint && { checkpoint }) }),
    );
  }

  /** Scans until the thread contributes. */
  function untilItHelps(ahead: LookAhead): Promise<Scan> {
    return waitFor(
      'the thread to contribute',
      15_000,
      async () => scanWith(ahead),
      () => ahead.savedChecks > 0,
    );
  }

  for (const [from, file] of [
    ['the source', undefined],
    ['the bundle', BUNDLE],
  ] as const)
    it(`finds what a scan without it finds, with the thread from ${from}`, async () => {
      const ahead = new LookAhead({ file, minFiles });
      await untilItHelps(ahead);
      const full = (number: number) => join(root, fileAt(number));
      const edits = [
        () => appendFileSync(full(390), 'more'),
        () => chmodSync(full(20), 0o755),
        () => rmSync(join(root, fileAt(130), '..'), { recursive: true }),
        () => writeTree(root, { 'folder 1026/new': 'n', [`${fileAt(200)} too`]: 'n', '.gitignore': 'folder 1035/\n' }),
        () => {
          // Only the inode differs, not the size or the time.
          const { atimeMs, mtimeMs } = lstatSync(full(270));
          copyFileSync(full(270), join(root, 'copy'));
          utimesSync(join(root, 'copy'), atimeMs / 1000, mtimeMs / 1000);
          renameSync(join(root, 'copy'), full(270));
        },
        () => {
          rmSync(full(90));
          mkdirSync(full(90));
          rmSync(full(330));
          writeTree(root, { [fileAt(330)]: { link: 'é' } });
        },
      ];
      for (const edit of edits) {
        edit();
        const found = untimed(await untilItHelps(ahead));
        assert.deepEqual(found, untimed(scan(new Rules(root), { index })));
        index = syncedIndex(found.entries);
      }
    });

  it("finds what a scan without it finds if the thread can't be started", async () => {
    const ahead = new LookAhead({ file: join(root, 'not there.cjs'), minFiles });
    for (let round = 0; round < 3; round += 1) {
      appendFileSync(join(root, fileAt(round)), 'more');
      assert.deepEqual(untimed(scanWith(ahead)), untimed(scan(new Rules(root), { index })));
      await waitFor(
        'the thread to fail',
        10_000,
        async () => ahead.hasThread,
        (has) => !has,
      );
    }
    assert.equal(ahead.savedChecks, 0);
  });

  it('starts no thread for few files', async () => {
    const ahead = new LookAhead();
    for (let round = 0; round < 3; round += 1) scanWith(ahead);
    assert.equal(ahead.hasThread, false);
  });

  it('serves the next scan after one was canceled', async () => {
    const ahead = new LookAhead({ minFiles });
    await untilItHelps(ahead);
    let folders = 0;
    const cancel = () => {
      folders += 1;
      if (folders === 20) throw new Error('canceled');
    };
    assert.throws(() => scanWith(ahead, cancel), /canceled/);
    appendFileSync(join(root, fileAt(395)), 'more');
    assert.deepEqual(untimed(await untilItHelps(ahead)), untimed(scan(new Rules(root), { index })));
  });

  it("reports a folder that can't be read", async () => {
    const ahead = new LookAhead({ minFiles });
    await untilItHelps(ahead);
    const isSuperuser = process.geteuid?.() === 0;
    chmodSync(root, 0o755);
    chmodSync(join(root, fileAt(270), '..'), 0);
    if (isSuperuser) process.seteuid?.(65534);
    try {
      const found = await untilItHelps(ahead);
      assert.deepEqual(untimed(found), untimed(scan(new Rules(root), { index })));
      assert.deepEqual(found.unreadable, ['folder 1027']);
    } finally {
      if (isSuperuser) process.seteuid?.(0);
      chmodSync(join(root, fileAt(270), '..'), 0o755);
    }
  });

  it('relies on the listing of the scan if files change after the thread checked them', () => {
    // Stands for a thread that checked everything before anything changed.
    const ahead = { isUntouched: () => true };
    rmSync(join(root, fileAt(0)));
    rmSync(join(root, fileAt(1)));
    writeTree(root, { [`${fileAt(1)}/inside`]: 'i', [`${fileAt(2)} too`]: 'new', '.modalignore': 'folder 1015/\n' });
    const found = scan(new Rules(root), { index, ahead });
    assert.deepEqual(untimed(found), untimed(scan(new Rules(root), { index })));
    appendFileSync(join(root, fileAt(2)), 'more');
    const then = (options: object) => scan(new Rules(root), { index, ...options }).entries;
    assert.equal(
      then({ ahead }).find(({ path }) => path === fileAt(2)),
      index.get(fileAt(2)),
    );
    assert.notEqual(
      then({}).find(({ path }) => path === fileAt(2)),
      index.get(fileAt(2)),
    );
  });
});
