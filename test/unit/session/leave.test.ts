import assert from 'node:assert/strict';
import { Sessions } from '../../../src/session/sessions.ts';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { sessionSources } from '../../helpers/sessions.ts';

describe('a sandbox that a window gives up', () => {
  let bench: Workbench;
  before(async () => {
    bench = await startWorkbench();
  });
  after(() => bench.server.stop());

  it('lives on when the window closes, while the others end; the next run starts another one', async () => {
    const sessions = new Sessions(
      sessionSources(() => ({ label: 'test', tokenId: 'ak-1', tokenSecret: 'as-1', serverUrl: bench.server.url })),
    );
    const [one, other] = [
      { name: 'one', path: '/folders/one' },
      { name: 'other', path: '/folders/other' },
    ];
    const left = (await sessions.acquire(one)).sandbox;
    const kept = (await sessions.acquire(other)).sandbox;
    await sessions.leave(left.sandboxId);
    assert.notEqual((await sessions.acquire(one)).sandbox.sandboxId, left.sandboxId);
    await sessions.dispose();
    assert.equal(await left.poll(), null);
    assert.notEqual(await kept.poll(), null);
    await left.terminate();
  });
});
