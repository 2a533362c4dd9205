import assert from 'node:assert/strict';
import { configureLocalization } from '../../../src/base/localization.ts';
import { strings } from '../../../src/sync/strings.ts';
import { WorkerClient } from '../../../src/sync/worker/client.ts';
import { removeTemporary, temporaryFolder, writeTree } from './temporary.ts';

describe("The engine's thread", () => {
  after(() => {
    configureLocalization({});
    removeTemporary();
  });

  it('uses the configured translations', async () => {
    configureLocalization({ 'not excluded by any rule': 'von keiner Regel ausgeschlossen' });
    const root = writeTree(temporaryFolder(), { a: 'a' });
    const worker = new WorkerClient({ root, storageDir: temporaryFolder(), remoteRoot: '/workspace', rules: {} });
    const [explanation] = await worker.explain(['a']);
    await worker.dispose();
    assert.equal(explanation?.text, 'von keiner Regel ausgeschlossen');
    assert.equal(strings.includedByDefault(), explanation.text);
  });
});
