import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../../src/base/errors.ts';
import { resolveInFolder } from '../../../src/base/inside-folder.ts';
import { strings } from '../../../src/base/strings.ts';

describe('resolveInFolder', () => {
  let top: string;
  let folder: string;
  beforeEach(() => {
    top = realpathSync(mkdtempSync(join(tmpdir(), 'inside-')));
    folder = join(top, 'folder');
    mkdirSync(join(folder, 'sub'), { recursive: true });
    writeFileSync(join(folder, 'sub/file'), '');
    writeFileSync(join(top, 'outside'), '');
    mkdirSync(join(top, 'folder-2'));
  });
  afterEach(() => rmSync(top, { recursive: true }));

  it('returns where a path really leads', () => {
    symlinkSync('sub', join(folder, 'link'));
    assert.equal(resolveInFolder(folder, 'link/file'), join(folder, 'sub/file'));
    assert.equal(resolveInFolder(folder, '.'), folder);
    symlinkSync(folder, join(top, 'folder-link'));
    assert.equal(resolveInFolder(join(top, 'folder-link'), 'sub/file'), join(folder, 'sub/file'));
  });

  it('refuses a path that leads out of the folder, by its text or by a link', () => {
    symlinkSync('../outside', join(folder, 'file-link'));
    symlinkSync(top, join(folder, 'sub/folder-link'));
    symlinkSync('../folder-2', join(folder, 'similar'));
    for (const path of ['../outside', 'file-link', 'sub/folder-link/outside', 'sub/folder-link', 'similar'])
      assert.throws(() => resolveInFolder(folder, path), new UserError(strings.leadsOutside(path)), path);
  });

  it("throws the file system's error for a path that doesn't exist", () => {
    assert.throws(() => resolveInFolder(folder, 'nothing'), { code: 'ENOENT' });
  });
});
