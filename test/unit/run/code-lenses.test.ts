import assert from 'node:assert/strict';
import { findCells } from '../../../src/run/targets/cells.ts';
import { findTargets } from '../../../src/run/targets/find.ts';

describe('Files of a language with a runner', () => {
  it('have no code lens if only other programs read them', () => {
    const kinds = (name: string, languageId: string, text = '') =>
      findTargets(name, languageId, text).map(({ kind }) => kind);
    for (const [name, languageId, text] of [
      ['store.go', 'go', '// Package store keeps values.\npackage store\n'],
      ['Gemfile', 'ruby', 'source "https://rubygems.org"\n'],
      ['a.gemspec', 'ruby', ''],
      ['config.ru', 'ruby', ''],
      ['report.rake', 'ruby', 'task :report\n'],
      ['index.d.ts', 'typescript', ''],
      ['index.d.mts', 'typescript', ''],
      ['stubs.pyi', 'python', ''],
    ] as const)
      assert.deepEqual(kinds(name, languageId, text), [], name);
    for (const [name, languageId, text] of [
      ['main.go', 'go', '// Command x.\npackage main\n'],
      ['store_test.go', 'go', 'package store\n'],
      ['rails', 'ruby', '#!/usr/bin/env ruby\n'],
      ['Rakefile', 'ruby', ''],
      ['a.rb', 'ruby', ''],
      ['index.ts', 'typescript', ''],
    ] as const)
      assert.deepEqual(kinds(name, languageId, text), ['file'], name);
  });
});

describe('findCells', () => {
  const cells = (text: string) => findCells(text).map(({ line, first, last }) => [line, first, last]);

  it('finds the code between the lines that begin cells', () => {
    assert.deepEqual(cells('import x\n# %% One\n\na = 1\n\nb = 2\n\n#%%\n# only a comment\n\n# In[3]:\nc = 3\n'), [
      [1, 3, 5],
      [10, 11, 11],
    ]);
  });

  it("skips cells with text, and lines that don't begin one", () => {
    assert.deepEqual(
      cells('# %% [markdown]\n# # Title\n# %% Notes [md]\nx\ny = """\n# %%\n"""\nif y:\n    # %%\n    z()\n'),
      [],
    );
    assert.deepEqual(cells('# %%\r\na = 1\r\n# %%%% \r\nb = 2\r\n'), [
      [0, 1, 1],
      [2, 3, 3],
    ]);
  });

  it('has a code lens for each, after those of the file', () => {
    const kinds = findTargets('a.py', 'python', '# %%\nx = 1\n# %%\ny = 2\n').map(
      ({ kind, line }) => `${line} ${kind}`,
    );
    assert.deepEqual(kinds, ['0 file', '0 cell', '2 cell']);
  });
});
