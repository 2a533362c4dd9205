import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { onDidFailToSave } from '../../../src/base/unsaved.ts';
import { engineFor, localTree, remoteTree } from './sandboxes.ts';
import { ending, root, sandbox, withEach } from './setup.ts';
import { temporaryFolder, writeTree } from './temporary.ts';

describe('SyncEngine whose storage cannot be written', () => {
  withEach();

  it('syncs anyway, remembers it for this window, and reports it once', async () => {
    const problems: unknown[] = [];
    const listening = onDidFailToSave((error) => problems.push(error));
    // A folder can't be created below a file, not even by root.
    const parent = temporaryFolder();
    writeTree(parent, { file: '' });
    let questions = 0;
    const ask = () => {
      questions += 1;
      return true;
    };
    const engine = ending(engineFor(root, { storageDir: join(parent, 'file/storage'), ask }));
    writeTree(root, { a: 'a', b: 'b' });
    await engine.push(sandbox);
    rmSync(join(root, 'a'));
    writeTree(root, { b: 'changed' });
    assert.equal((await engine.push(sandbox)).files, 1);
    assert.deepEqual(await remoteTree(sandbox), localTree(root));
    assert.deepEqual((await engine.pull(sandbox, { paths: ['b'] })).same, ['b']);
    assert.equal(questions, 1);
    assert.equal(problems.length, 1);
    listening.dispose();
  });
});
