import assert from 'node:assert/strict';
import { Rules } from '../../../src/sync/rules/rules.ts';
import { settingPatterns } from '../../../src/sync/rules/setting-patterns.ts';
import { scan } from '../../../src/sync/scan/scan.ts';
import { removeTemporary, temporaryFolder, writeTree } from './temporary.ts';

describe('settingPatterns', () => {
  after(removeTemporary);

  const isMatched = (entry: string, path: string) =>
    settingPatterns('setting', [entry]).last(path, path.slice(path.lastIndexOf('/') + 1), false) !== undefined;

  const cases: readonly (readonly [entry: string, matched: readonly string[], others: readonly string[]])[] = [
    ['./results/a.csv', ['results/a.csv'], ['x/results/a.csv', 'results/b.csv']],
    ['./a.csv', ['a.csv'], ['x/a.csv']],
    ['././a.csv', ['a.csv'], ['x/a.csv']],
    ['./results/*.csv', ['results/a.csv'], ['results/x/a.csv']],
    ['./**/*.csv', ['a.csv', 'x/y/a.csv'], ['a.txt']],
    ['results/./a.csv', ['results/a.csv'], ['a.csv']],
    ['results//a.csv', ['results/a.csv'], ['a.csv']],
    ['results/../a.csv', ['a.csv'], ['results/a.csv', 'x/a.csv']],
    ['results/x/../*.csv', ['results/a.csv'], ['results/x/a.csv']],
    ['/workspace/results/a.csv', ['results/a.csv', 'workspace/results/a.csv'], ['x/results/a.csv']],
    ['/workspace/*.csv', ['a.csv'], ['x/a.csv']],
    ['/workspace/r[1].csv', ['r[1].csv', 'r1.csv'], ['r2.csv']],
    ['/workspaces/a.csv', ['workspaces/a.csv'], ['a.csv']],
    ['r[1].csv', ['r[1].csv', 'x/r[1].csv', 'r1.csv'], ['r.csv', 'r[2].csv']],
    ['data[a-c]/*.csv', ['data[a-c]/x.csv', 'datab/x.csv'], ['datad/x.csv']],
    ['r\\[1\\].csv', ['r[1].csv'], ['r1.csv']],
    ['a[.csv', ['a[.csv'], ['a.csv']],
    ['a].csv', ['a].csv'], ['a.csv']],
    ['results\\a.csv', ['results/a.csv'], ['x/results/a.csv']],
    ['results\\*.csv', ['results/a.csv', 'results*.csv'], ['results/x/a.csv']],
    ['.\\results\\r[1].csv', ['results/r[1].csv', 'results/r1.csv'], ['r1.csv']],
    ['#notes#', ['#notes#'], ['notes']],
    ['a.csv  ', ['a.csv'], ['a.csv  x']],
    ['a\\ ', ['a '], ['a']],
    ['../a.csv', [], ['a.csv', 'x/a.csv']],
    ['.', ['a', 'x/a'], []],
    ['/workspace', ['a', 'x/a'], []],
    ['/workspace/', [], []],
  ];
  for (const [entry, matched, others] of cases)
    it(`reads ${JSON.stringify(entry)} as a path and as a pattern`, () => {
      const all = [...matched, ...others];
      assert.deepEqual(
        all.filter((path) => isMatched(entry, path)),
        matched,
      );
    });

  it('reads entries with many wildcards in reasonable time', () => {
    const name = 'ab'.repeat(120);
    const path = `${'a/'.repeat(120)}b`;
    const starts = ['a*b*', '?*', '[ab]*', '**/*a*/', '*/**/'];
    for (const entry of starts.flatMap((start) => [`${start.repeat(30)}c`, `./${start.repeat(30)}c`]))
      for (const each of [name, path]) assert.equal(isMatched(entry, each), false, entry);
  });

  it('shows the entry as it was written, with its place in the setting', () => {
    const { text, line, negated } =
      settingPatterns('s', ['*.csv', '!./r[1].csv']).last('r[1].csv', 'r[1].csv', false) ?? {};
    assert.deepEqual({ text, line, negated }, { text: '!./r[1].csv', line: 2, negated: true });
  });

  it('applies to modal.sync.include and modal.sync.exclude', () => {
    const root = writeTree(temporaryFolder(), {
      '.gitignore': 'out/\n',
      'out/r[1].csv': '',
      'out/b.csv': '',
      'out/c.csv': '',
      'tmp/a.log': '',
      'tmp/[b].log': '',
      'tmp/c.log': '',
    });
    const include = ['/workspace/out/r[1].csv', '.\\out\\b.csv'];
    const exclude = ['./tmp/a.log', '/workspace/tmp/[b].log'];
    const paths = scan(new Rules(root, { include, exclude })).entries.map(({ path }) => path);
    assert.deepEqual(paths.sort(), ['.gitignore', 'out/b.csv', 'out/r[1].csv', 'tmp/c.log']);
  });
});
