import assert from 'node:assert/strict';
import { isSensitive, nameRefusal } from '../../../src/sync/pull/pull-names.ts';
import { strings } from '../../../src/sync/strings.ts';

describe('nameRefusal', () => {
  it("refuses version control data and the sync's own data on every system, however the names are written", () => {
    for (const name of ['.hg', '.Hg', '.SVN', '.ſvn', '.JJ', '.s\u200cvn', '.Modal-Sync'])
      for (const platform of ['linux', 'darwin', 'win32'] as const)
        assert.equal(nameRefusal(`a/${name}/b`, platform), strings.neverSynced(), name);
    assert.equal(nameRefusal('hg/svn/.hgignore', 'win32'), undefined);
  });

  it('refuses names on Windows that stand for others there', () => {
    const names = [
      'git~1',
      'GIT~2',
      'VSCODE~1',
      'PROJEC~1.COD',
      '.git.',
      '.git ',
      '.git::$INDEX_ALLOCATION',
      'a:b',
      'NUL.txt',
    ];
    for (const name of names) {
      assert.equal(nameRefusal(`a/${name}/b`, 'win32'), strings.windowsName(), name);
      assert.equal(nameRefusal(`a/${name}/b`, 'linux'), undefined, name);
    }
    for (const name of ['notes~', 'a~b', 'longer-name~1.txt'])
      assert.equal(nameRefusal(name, 'win32'), undefined, name);
  });
});

describe('isSensitive', () => {
  it('recognizes files that affect local programs, however their names are written', () => {
    const names = [
      '.git',
      '.GIT',
      '.g\u200dit',
      '.VSCode',
      '.vſcode',
      '.envrc',
      'x.Code-Workspace',
      '.mcp.json',
      '.claude',
    ];
    for (const name of names) assert.ok(isSensitive(`a/${name}/b`), name);
    for (const name of ['git', '.gitignore', 'vscode', 'envrc']) assert.ok(!isSensitive(`a/${name}`), name);
  });
});
