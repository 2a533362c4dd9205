import assert from 'node:assert/strict';
import { findRemotePaths } from '../../../src/run/remote-paths.ts';

const links = (text: string) =>
  findRemotePaths(text).map(({ start, length, path, line, column }) => [
    text.slice(start, start + length),
    path,
    line,
    column,
  ]);

describe('findRemotePaths', () => {
  it('finds paths in tracebacks, with their line', () => {
    assert.deepEqual(links('  File "/workspace/a b/main.py", line 12, in <module>'), [
      ['"/workspace/a b/main.py", line 12', 'a b/main.py', 12, undefined],
    ]);
  });

  it("finds paths in compilers' messages, with line and column", () => {
    assert.deepEqual(links('/workspace/a.c:3:14: error and at /workspace/src/b.ts(7,2) or /workspace/c.rs:9'), [
      ['/workspace/a.c:3:14', 'a.c', 3, 14],
      ['/workspace/src/b.ts(7,2)', 'src/b.ts', 7, 2],
      ['/workspace/c.rs:9', 'c.rs', 9, undefined],
    ]);
    assert.deepEqual(links('    at run (/workspace/a.js:3:5)'), [['/workspace/a.js:3:5', 'a.js', 3, 5]]);
  });

  it('finds the paths of copies of files from outside the folder', () => {
    assert.deepEqual(links('  File "/tmp/modal-copies/1f/a.py", line 2'), [
      ['"/tmp/modal-copies/1f/a.py", line 2', '/tmp/modal-copies/1f/a.py', 2, undefined],
    ]);
  });

  it('finds no path that leads out of the folder', () => {
    assert.deepEqual(links('/workspace/../etc/hosts "/workspace/a/../../x" /workspace/..'), []);
    assert.deepEqual(links('/workspace/a/../b.c'), [['/workspace/a/../b.c', 'a/../b.c', undefined, undefined]]);
  });

  it('finds nothing in the middle of other paths', () => {
    assert.deepEqual(links('/x/workspace/a.c ./workspace/b /workspaces/c /workspace'), []);
  });
});
