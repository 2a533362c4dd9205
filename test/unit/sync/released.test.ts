import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { SyncIndex } from '../../../src/sync/index/entries.ts';
import { makePlan } from '../../../src/sync/push/plan.ts';
import { Rules } from '../../../src/sync/rules/rules.ts';
import { scan } from '../../../src/sync/scan/scan.ts';
import { removeTemporary, type TreeSpec, temporaryFolder, writeTree } from './temporary.ts';

describe('Files that a rule excludes after they were synced', () => {
  after(removeTemporary);

  /** Syncs a tree, replaces some of its paths, and plans the next push. */
  function planAfter(tree: TreeSpec, removed: readonly string[], added: TreeSpec) {
    const root = writeTree(temporaryFolder(), tree);
    const first = scan(new Rules(root));
    const index = new SyncIndex(first.entries.map((entry) => ({ ...entry, hash: '', racy: false, uncertain: false })));
    for (const path of removed) rmSync(join(root, path), { recursive: true });
    writeTree(root, added);
    const { deletes, released, emptied } = makePlan(index, scan(new Rules(root), { index }));
    return { deletes, released, emptied };
  }

  it('stay in the sandbox while they are in the folder', () => {
    assert.deepEqual(planAfter({ 'a.log': '', 'out/x': '', 'out/y': '' }, [], { '.gitignore': '*.log\nout/\n' }), {
      deletes: [],
      released: ['a.log', 'out/x', 'out/y'],
      emptied: [],
    });
  });

  it('are deleted in the sandbox if they are gone', () => {
    assert.deepEqual(
      planAfter({ 'out/x': '', 'out/y': '', 'out/z/w': '' }, ['out/y', 'out/z'], { '.gitignore': 'out/' }),
      {
        deletes: ['out/y', 'out/z/w'],
        released: ['out/x'],
        emptied: ['out/z'],
      },
    );
  });

  for (const [change, tree, removed, added, deletes] of [
    [
      'a file becomes an excluded folder',
      { '.gitignore': 'build/', build: '' },
      ['build'],
      { 'build/x': '' },
      ['build'],
    ],
    [
      'a folder becomes an excluded file',
      { '.gitignore': '*\n!*/\n!*.py', 'pkg/a.py': '' },
      ['pkg'],
      { pkg: '' },
      ['pkg/a.py'],
    ],
    [
      'a folder becomes an excluded link',
      { '.gitignore': '/pkg\n!/pkg/', 'pkg/a.py': '' },
      ['pkg'],
      { pkg: { link: 'x' } },
      ['pkg/a.py'],
    ],
    [
      'a link becomes an excluded folder',
      { '.gitignore': 'data/', x: '', data: { link: 'x' } },
      ['data'],
      { 'data/y': '' },
      ['data'],
    ],
    [
      'a file in a folder becomes a folder that .modalignore excludes',
      { '.modalignore': '!dist/a\ntool/', 'bin/tool': '' },
      ['bin/tool'],
      { 'bin/tool/x': '' },
      ['bin/tool'],
    ],
    [
      'a folder of folders becomes an excluded file',
      { '.gitignore': '/data\n!/data/', 'data/a/b/c': '', 'data/d': '' },
      ['data'],
      { data: '' },
      ['data/a/b/c', 'data/d'],
    ],
    ['a link becomes an excluded file', { x: '', a: { link: 'x' } }, ['a'], { '.gitignore': 'a', a: '' }, ['a']],
    [
      'a file becomes a folder that built-in rules exclude',
      { x: '', node_modules: '' },
      ['node_modules'],
      { 'node_modules/a': '' },
      ['node_modules'],
    ],
    [
      'a file becomes a Python environment',
      { x: '', env: '' },
      ['env'],
      { 'env/pyvenv.cfg': '', 'env/bin/python': '' },
      ['env'],
    ],
    [
      'a folder becomes the data of a Git repository',
      { x: '', 'cache/x': '', 'cache/deep/y': '' },
      ['cache'],
      { 'cache/HEAD': 'ref: refs/heads/main', 'cache/objects/x': '', 'cache/refs/x': '', 'cache/x': { link: 'HEAD' } },
      ['cache/deep/y', 'cache/x'],
    ],
    [
      'a file becomes a folder that a new rule of its own folder excludes',
      { 'a/out': '', 'a/b': '' },
      ['a/out'],
      { 'a/.gitignore': 'out/', 'a/out/c/d': '' },
      ['a/out'],
    ],
    [
      'folders become files that editors leave behind',
      { '4913/a': '', '#x#/b': '', 'old~/c': '' },
      ['4913', '#x#', 'old~'],
      { '4913': '', '#x#': '', 'old~': '' },
      ['#x#/b', '4913/a', 'old~/c'],
    ],
    [
      'a link becomes a folder that built-in rules exclude',
      { x: '', '.venv': { link: 'x' }, 'a/.terraform': { link: '../x' } },
      ['.venv', 'a/.terraform'],
      { '.venv/bin/python': '', 'a/.terraform/y': '' },
      ['.venv', 'a/.terraform'],
    ],
    [
      'a folder becomes a link that .modalignore excludes',
      { '.modalignore': '/dist\n!/dist/', 'dist/a/b': '', 'src/x': '' },
      ['dist'],
      { dist: { link: 'src' } },
      ['dist/a/b'],
    ],
    [
      'a file becomes a folder of only excluded files',
      { '.gitignore': 'log/*', log: '' },
      ['log'],
      { 'log/a': '', 'log/b/c': '' },
      ['log'],
    ],
    ['a file becomes an excluded link', { x: '', a: '' }, ['a'], { '.gitignore': 'a', a: { link: 'x' } }, ['a']],
  ] as const) {
    it(`are deleted in the sandbox if ${change}`, () => {
      const plan = planAfter(tree, removed, added);
      assert.deepEqual([plan.deletes, plan.released], [deletes, []]);
    });
  }
});
