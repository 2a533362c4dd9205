import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SyncProgress } from '../../../src/sync/engine.ts';
import { engineFor, inSandbox } from './sandboxes.ts';
import { ending, root, sandbox, withEach } from './setup.ts';
import { writeTree } from './temporary.ts';

describe('A folder on a slow network drive', () => {
  let folder: string;
  const slow = () => ending(engineFor(folder, { worker: new URL('./slow-drive-worker.ts', import.meta.url) }));
  withEach(() => {
    folder = join(root, 'folder');
    mkdirSync(folder);
  });

  it('is synced with progress, also within one large folder, and a canceled scan ends at the next file', async () => {
    writeTree(folder, Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`data/f${at}`, `${at}`])));
    const engine = slow();
    const cancel = new AbortController();
    const seen: number[] = [];
    const onProgress = ({ stage, files }: SyncProgress) => {
      if (stage === 'scanning') seen.push(files);
      if (files > 0) cancel.abort(new Error('canceled by the test'));
    };
    await assert.rejects(engine.push(sandbox, { signal: cancel.signal, onProgress }), /canceled by the test/);
    assert.ok((seen.at(-1) ?? 0) < 300, `${seen}`);
    const result = await engine.push(sandbox, {
      onProgress: ({ stage, files }) => stage === 'scanning' && seen.push(files),
    });
    assert.equal(result.files, 300);
    assert.ok(seen.filter((files) => files > 0 && files < 300).length >= 3, `${seen}`);
    assert.equal(await inSandbox(sandbox, 'ls data | wc -l'), '300\n');
  });

  it('that stops answering is named while the sync waits, can be canceled, and loses nothing once it is back', async () => {
    writeTree(folder, { 'main.py': 'print(1)', 'hung/data.txt': 'kept' });
    const engine = slow();
    const cancel = new AbortController();
    const stages: string[] = [];
    const onProgress = ({ stage }: SyncProgress) => {
      stages.push(stage);
      if (stage === 'waiting') cancel.abort(new Error('canceled by the test'));
    };
    await assert.rejects(engine.push(sandbox, { signal: cancel.signal, onProgress }), /canceled by the test/);
    assert.equal(stages.at(-1), 'waiting');
    const again = engine.push(sandbox);
    writeFileSync(join(root, 'connected'), '');
    assert.equal((await again).files, 2);
    assert.equal(await inSandbox(sandbox, 'cat hung/data.txt'), 'kept');
    rmSync(join(root, 'connected'));
  });
});
