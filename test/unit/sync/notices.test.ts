import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { strings as reportStrings } from '../../../src/run/strings.ts';
import { syncReport } from '../../../src/run/sync-report.ts';
import { type RuleSettings, Rules } from '../../../src/sync/rules/rules.ts';
import { type Scan, scan } from '../../../src/sync/scan/scan.ts';
import { strings } from '../../../src/sync/strings.ts';
import { engineFor, inSandbox } from './sandboxes.ts';
import { ending, engine, root, sandbox, storageDir, withEach } from './setup.ts';
import { removeTemporary, type TreeSpec, temporaryFolder, writeTree } from './temporary.ts';

const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12345\n`;

describe('What a scan notices', () => {
  after(removeTemporary);

  function scanned(tree: TreeSpec, settings: RuleSettings = {}): Scan {
    return scan(new Rules(writeTree(temporaryFolder(), tree), settings));
  }
  const noticed = ({ notices }: Scan) => notices.map(({ kind, path }) => `${kind} ${path}`).sort();

  it('names what only built-in rules keep back, if it could be data', () => {
    const tree = {
      'node_modules/a.js': '',
      'sub/.venv/x': '',
      'env/pyvenv.cfg': '',
      'env/lib/x.py': '',
      'notes~': '',
      '#draft#': '',
      '4913': '',
      '.terraform/terraform.tfstate': '',
      '__pycache__/a.pyc': '',
      '.DS_Store': '',
      '.main.py.swp': '',
      'a.py': '',
      'deep/.gradle/x': '',
      '.tox/x': '',
      'x~/y~': '',
      '.nox/x': '',
      'api/.mypy_cache/x': '',
      'docs/.ipynb_checkpoints/x': '',
      'conda/pyvenv.cfg': '',
      'deep/er/#a b#': '',
      '.#lock': '',
      'sub/.notes.md.swo': '',
      // These may be anything.
      Node_Modules: '',
      'other/node_modules': '',
      'report~1.csv': '',
      '.swp': '',
      'data.swp': '',
      '#a': '',
      '49130': '',
      'Desktop.ini': '',
      venv: '',
    };
    const names = [
      '.tox/',
      'deep/.gradle/',
      '.nox/',
      'conda/',
      'deep/er/#a b#',
      'x~/y~',
      '#draft#',
      '.terraform/',
      '4913',
      'env/',
      'node_modules/',
      'notes~',
      'sub/.venv/',
    ];
    assert.deepEqual(noticed(scanned(tree)), names.map((name) => `left-out ${name}`).sort());
  });

  it("doesn't name what Git or the user's rules keep back as well", () => {
    const tree = {
      '.gitignore': 'node_modules/\n*~\n',
      '.modalignore': '.venv/\n',
      'node_modules/a': '',
      'a~': '',
      '.venv/x': '',
    };
    assert.deepEqual(noticed(scanned(tree)), []);
    const others = { '.nox/x': '', '4913': '', 'env/pyvenv.cfg': '', 'a/.gitignore': '/.tox\n', 'a/.tox/x': '' };
    assert.deepEqual(noticed(scanned(others, { exclude: ['.nox/', '4913', 'env'] })), []);
    assert.deepEqual(noticed(scanned({ '4913': '', 'b~': '' }, { include: ['4913', '*~'] })), []);
  });

  it('syncs folders that have the name of an editor’s temporary file', () => {
    const tree = { '4913/a': '', 'backup~/a': '', '#1#/a': '', '.#x/a': '', 'Thumbs.db/a': '', 'desktop.ini/a': '' };
    assert.deepEqual(
      scanned(tree)
        .entries.map(({ path }) => path)
        .sort(),
      Object.keys(tree).sort(),
    );
  });

  it('names the data of Git repositories, but not the .git of a checkout', () => {
    const top = writeTree(temporaryFolder(), { a: '' });
    execFileSync('git', ['init', '-q', top]);
    execFileSync('git', ['init', '-q', '--bare', join(top, 'cache/x.git')]);
    assert.deepEqual(noticed(scan(new Rules(top))), ['git-data cache/x.git/']);
  });

  it("doesn't send links to what built-in rules keep back, and notes links to what other rules keep back", () => {
    const tree = {
      '.gitignore': 'runs/\n',
      'node_modules/x': '',
      'runs/1/x': '',
      'a/real': '',
      'packages/a/node_modules': { link: '../../node_modules' },
      'packages/b/x': { link: '../../node_modules/x' },
      'packages/c/python': { link: '../../.venv/bin/python' },
      key: { link: '.env' },
      latest: { link: 'runs/1' },
      'next/run': { link: '../runs/2' },
      fine: { link: 'a/real' },
      broken: { link: 'a/nothing' },
      top: { link: '.' },
    };
    const found = scanned(tree);
    assert.deepEqual(found.skipped.map(({ path, reason, isLasting }) => [path, reason, isLasting]).sort(), [
      ['key', strings.linkToExcluded('.env'), true],
      ['packages/a/node_modules', strings.linkToExcluded('../../node_modules'), true],
      ['packages/b/x', strings.linkToExcluded('../../node_modules/x'), true],
      ['packages/c/python', strings.linkToExcluded('../../.venv/bin/python'), true],
    ]);
    assert.deepEqual(noticed(found), ['dangling-link latest', 'dangling-link next/run', 'left-out node_modules/']);
    const links = found.entries.filter(({ kind }) => kind === 'link').map(({ path }) => path);
    assert.deepEqual(links.sort(), ['broken', 'fine', 'latest', 'next/run', 'top']);
  });

  it('names patterns of settings that match nothing', () => {
    const tree = { '.gitignore': 'out/\n', 'out/a.csv': '', 'x.log': '', 'y.log': '', 'z.txt': '' };
    const include = ['./out/*.csv', 'out/b.csv', '!out/c.csv'];
    const exclude = ['*.log', 'x.log', './none/', 'r[1].txt', '!y.log'];
    assert.deepEqual(noticed(scanned(tree, { include, exclude })), [
      'unmatched-exclude ./none/',
      'unmatched-exclude r[1].txt',
      'unmatched-include out/b.csv',
    ]);
  });
});

describe('What users are told about a sync', () => {
  withEach();

  const told = async (options = {}) => {
    const { notices } = await engine.push(sandbox, options);
    return notices.map(({ kind, path }) => `${kind} ${path}`).sort();
  };

  it('tells it once for each folder, also in later windows', async () => {
    writeTree(root, { a: '', 'node_modules/x': '', 'model.bin': POINTER, out: { link: '/etc' } });
    assert.deepEqual(await told(), ['left-out node_modules/', 'lfs-pointer model.bin', 'skipped out']);
    writeTree(root, {
      a: 'changed',
      'sub/node_modules/x': '',
      'other.bin': POINTER,
      'notes~': '',
      more: { link: '/usr' },
    });
    assert.deepEqual(await told({ expectMore: true }), ['left-out notes~', 'skipped more']);
    assert.deepEqual(await told(), ['left-out notes~', 'skipped more']);
    const later = ending(engineFor(root, { storageDir }));
    rmSync(join(root, 'more'));
    symlinkSync('/var', join(root, 'new'));
    assert.deepEqual(
      (await later.push(sandbox)).notices.map(({ path }) => path),
      ['new'],
    );
  });

  it('recognizes each form of a pointer of Git LFS, but no text about them', async () => {
    const [version, oid, size] = POINTER.split('\n') as [string, string, string];
    writeTree(root, {
      'crlf.bin': `${version}\r\n${oid}\r\n${size}\r\n`,
      'extended.bin': `${version}\next-0-foo ${oid.slice(4)}\n${oid}\n${size}\n`,
      'old.bin': POINTER.replace('git-lfs', 'hawser'),
      'older.bin': POINTER.replace('https://git-lfs.github.com/spec/v1', 'http://git-media.io/v/2'),
      'notes.md': `${version}\nis how they begin.\n`,
      'data.txt': `${POINTER}${'x'.repeat(1024)}`,
      'quoted.txt': `> ${POINTER}`,
    });
    const { notices } = await engine.push(sandbox);
    const names = notices.filter(({ kind }) => kind === 'lfs-pointer').map(({ path }) => path);
    assert.deepEqual(names.sort(), ['crlf.bin', 'extended.bin', 'old.bin', 'older.bin']);
  });

  it('tells it with a run that sends its own changes, and with one that sends none', async () => {
    writeTree(root, { a: '' });
    await engine.push(sandbox);
    for (const [name, change] of [
      ['notes~', true],
      ['4913', false],
    ] as const) {
      writeTree(root, { [name]: '', ...(change && { a: 'b' }) });
      const run = await engine.prepareRun(sandbox);
      await inSandbox(sandbox, run.script);
      const result = await run.settle(
        change ? { kind: 'ok', tools: [], writtenThrough: [], movedAside: [] } : { kind: 'same' },
      );
      assert.deepEqual(
        result?.notices.map(({ path }) => path),
        [name],
      );
      assert.deepEqual(syncReport(result as NonNullable<typeof result>)[1], reportStrings.leftOut(name));
    }
    assert.deepEqual(await told(), []);
  });
});
