import assert from 'node:assert/strict';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';

describe('Local Modal fault injection', () => {
  let bench: Workbench;
  before(async () => {
    bench = await startWorkbench();
  });
  after(() => bench.server.stop());
  afterEach(async () => {
    await bench.server.control.clearFaults();
    await bench.server.control.set({ coldStartMs: 0, tokenLifeSecs: 1200 });
  });

  const create = () => bench.modal.sandboxes.create(bench.app, bench.image);

  it('delays an RPC, and counts its calls', async () => {
    const { control } = bench.server;
    await control.resetCalls();
    await control.addFault({ method: 'SandboxTagsGetV2', delayMs: 300, jitterMs: 50 });
    const sandbox = await create();
    const before = performance.now();
    await sandbox.getTags();
    assert.ok(performance.now() - before >= 295);
    const calls = await control.calls();
    assert.equal(calls.SandboxTagsGetV2, 1);
    assert.equal(calls.SandboxCreateV2, 1);
  });

  it('fails an RPC the requested number of times, after letting some calls through', async () => {
    await bench.server.control.addFault({ method: 'AppList', code: 7, message: 'not you', skip: 1, times: 1 });
    const list = () => bench.modal.cpClient.appList({});
    await list();
    await assert.rejects(list(), /PERMISSION_DENIED: not you/);
    await list();
  });

  it('creates one sandbox when the reply of the create call is lost and the SDK retries', async () => {
    await bench.server.control.addFault({ method: 'SandboxCreateV2', code: 14, when: 'after', times: 2 });
    const before = (await bench.server.control.running()).sandboxes.length;
    const sandbox = await create();
    const { sandboxes } = await bench.server.control.running();
    assert.equal(sandboxes.length, before + 1);
    assert.ok(sandboxes.some(({ id }) => id === sandbox.sandboxId));
  });

  it('throttles an RPC, and the SDK retries after the requested time', async () => {
    await bench.server.control.addFault({ method: 'AppGetOrCreate', retryAfterSecs: 0.5, times: 1 });
    const before = performance.now();
    await bench.modal.apps.fromName('tests');
    assert.ok(performance.now() - before >= 495);
  });

  it('lets router tokens expire, and the SDK requests new ones', async () => {
    await bench.server.control.set({ tokenLifeSecs: 1 });
    const sandbox = await create();
    await bench.server.control.resetCalls();
    await waitFor(
      'a request for another token',
      10_000,
      async () => {
        assert.equal(await bench.shell(sandbox, 'echo on'), 'on\n');
        return (await bench.server.control.calls()).SandboxGetCommandRouterAccess ?? 0;
      },
      (calls) => calls >= 1,
    );
    assert.equal(await bench.shell(sandbox, 'echo on'), 'on\n');
  });

  it('delays the start of a sandbox', async () => {
    await bench.server.control.set({ coldStartMs: 700 });
    const before = performance.now();
    await create();
    assert.ok(performance.now() - before >= 695);
  });

  it('preempts a sandbox', async () => {
    const sandbox = await create();
    const sleeping = await sandbox.exec(['sleep', '1000']);
    await bench.server.control.preempt(sandbox.sandboxId);
    assert.notEqual(await sandbox.poll(), null);
    assert.equal(await sleeping.wait(), 137);
  });

  it('rejects a fault with an unknown field', async () => {
    const wrong = { method: 'AppList', delayms: 1 };
    await assert.rejects(bench.server.control.addFault(wrong), /delayms/);
  });
});
