import assert from 'node:assert/strict';
import type { App, Image, ModalClient } from 'modal';
import { connect, execIdOf } from '../../../src/modal/client.ts';
import { ExecRouter } from '../../../src/modal/exec-router.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { accountOf } from '../../helpers/sessions.ts';

describe('The token of a sandbox', () => {
  let server: RunningLocalModal;
  let client: ModalClient;
  let app: App;
  let image: Image;

  before(async () => {
    server = await startLocalModal();
    client = await connect(accountOf(server));
    app = await client.apps.fromName('tests', { createIfMissing: true });
    image = await client.images.fromRegistry('debian:12-slim').build(app);
  });
  after(() => server.stop());
  afterEach(() => server.control.set({ sandboxTokenRequiredBy: [] }));

  it('is sent back with each control-plane call about the sandbox, including those of the SDK', async () => {
    const sandbox = await client.sandboxes.create(app, image);
    await server.control.set({ sandboxTokenRequiredBy: ['controlPlane'] });
    await sandbox.setTags({ team: 'vision' });
    assert.deepEqual(await sandbox.getTags(), { team: 'vision' });
    assert.equal(await (await sandbox.exec(['true'])).wait(), 0);
    await (await client.sandboxes.fromId(sandbox.sandboxId)).terminate();
  });

  it('is missing from the calls of another client, which a server may reject', async () => {
    const sandbox = await client.sandboxes.create(app, image);
    await server.control.set({ sandboxTokenRequiredBy: ['controlPlane'] });
    const other = await (await connect(accountOf(server))).sandboxes.fromId(sandbox.sandboxId);
    await assert.rejects(other.getTags(), /PERMISSION_DENIED.*Sandbox token is missing/);
    await sandbox.terminate();
  });

  it('is sent to the command router when output is resumed', async () => {
    const sandbox = await client.sandboxes.create(app, image);
    const command = ['sh', '-c', 'echo hello; exec sleep 1000'];
    await sandbox.exec(command);
    const execId = execIdOf(command);
    assert.ok(execId !== undefined);
    await server.control.set({ sandboxTokenRequiredBy: ['controlPlane', 'router'] });
    const router = await ExecRouter.open(client, sandbox.sandboxId, execId, 10_000);
    try {
      const output = router.read('stdout', 0, AbortSignal.timeout(10_000))[Symbol.asyncIterator]();
      assert.equal(Buffer.from((await output.next()).value).toString(), 'hello\n');
    } finally {
      router.close();
    }
    await assert.rejects(sandbox.exec(['true']), /PERMISSION_DENIED/, 'the SDK does not send it to the router');
    await sandbox.terminate();
  });
});
