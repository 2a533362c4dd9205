import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findLocalFile, isInWorkspace, type LocalFolder } from '../../../src/run/local-files.ts';

describe('Local files that programs name', () => {
  let top: string;
  let folders: LocalFolder[];
  beforeEach(() => {
    top = realpathSync(mkdtempSync(join(tmpdir(), 'local-files-')));
    for (const path of ['one/part/a.py', 'one/b.py', 'two/c.py', 'outside/d.py']) {
      mkdirSync(join(top, path, '..'), { recursive: true });
      writeFileSync(join(top, path), '');
    }
    folders = [
      { path: join(top, 'one'), synced: join(top, 'one/part') },
      { path: join(top, 'two'), synced: join(top, 'two') },
    ];
    symlinkSync(join(top, 'outside'), join(top, 'two/linked'));
    symlinkSync(join(top, 'one/b.py'), join(top, 'two/other-folder.py'));
    symlinkSync(join(top, 'nothing'), join(top, 'two/dangling'));
  });
  afterEach(() => rmSync(top, { recursive: true }));

  it('are found in any workspace folder, also through a link from one to another', () => {
    assert.equal(findLocalFile(folders, 'a.py'), join(top, 'one/part/a.py'));
    assert.equal(findLocalFile(folders, 'c.py'), join(top, 'two/c.py'));
    assert.equal(findLocalFile(folders, '../b.py'), join(top, 'one/b.py'));
    assert.equal(findLocalFile(folders, 'other-folder.py'), join(top, 'two/other-folder.py'));
  });

  it("aren't found outside the workspace, whether the text or a link leads there", () => {
    for (const path of ['../../outside/d.py', '../outside/d.py', 'linked/d.py', 'linked', 'missing.py'])
      assert.equal(findLocalFile(folders, path), undefined, path);
  });

  it("are in the workspace even if they don't exist, unless a link leads out of it", () => {
    const isInside = (path: string) => isInWorkspace(folders, join(top, path));
    assert.ok(isInside('two/new/below.py'));
    for (const path of ['outside/d.py', 'outside/new.py', 'two/linked/new.py', 'two/dangling', 'two/dangling/x'])
      assert.ok(!isInside(path), path);
  });
});
