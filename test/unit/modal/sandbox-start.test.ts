import assert from 'node:assert/strict';
import type { App, Image, ModalClient } from 'modal';
import { connect } from '../../../src/modal/client.ts';
import { createSandbox, type SandboxParams } from '../../../src/modal/sandboxes.ts';
import { ProfileSchema } from '../../../src/profiles/schema.ts';
import { sandboxParams } from '../../../src/sandboxes/sandbox-params.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { accountOf } from '../../helpers/sessions.ts';
import { Time } from '../../helpers/time.ts';
import { waitFor } from '../../helpers/wait-for.ts';

describe('Starting a sandbox with a GPU', () => {
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

  beforeEach(async () => {
    await server.control.resetCalls();
    await server.control.set({ unavailableGpus: ['H100', 'B200'] });
  });
  afterEach(async () => {
    await server.control.clearFaults();
    const { sandboxes } = await server.control.running();
    await Promise.all(sandboxes.map(async ({ id }) => (await client.sandboxes.fromId(id)).terminate()));
  });

  const params = (gpu: string | string[]): SandboxParams => ({
    ...sandboxParams(ProfileSchema.parse({ gpu, hostVolume: false }), { env: {}, tags: {} }),
    image,
  });
  /** Returns the GPU types of the sandboxes that are running or in the queue. */
  const gpus = async () =>
    (await server.control.running()).sandboxes.map(({ definition }) => definition.resources?.gpuConfig?.gpuType);

  /** Waits until a sandbox of this type is in the queue, with a timer. */
  const queued = (time: Time, gpu: string) =>
    waitFor(
      `a sandbox in the queue for ${gpu}`,
      20_000,
      async () => ({ timers: time.next().length, gpus: await gpus() }),
      (seen) => seen.timers === 1 && seen.gpus.join() === gpu,
    );

  it('waits a minute for each type of the list but the last, even while the SDK itself waits for the GPU', async () => {
    const time = new Time();
    const created: string[] = [];
    const starting = createSandbox(client, app, params(['H100', 'B200', 'T4']), {
      clock: time,
      onCreated: (id) => created.push(id),
    });
    for (const gpu of ['H100', 'B200']) {
      await queued(time, gpu);
      assert.deepEqual(time.next(), [60_000]);
      await time.pass(59_999);
      assert.deepEqual(await gpus(), [gpu]);
      await time.pass(1);
    }
    const sandbox = await starting;
    assert.deepEqual(await gpus(), ['T4']);
    assert.equal(created.length, 3);
    assert.equal(created[2], sandbox.sandboxId);
    assert.deepEqual(time.next(), [], 'no timer is left');
  });

  it('keeps a sandbox whose GPU becomes available within the minute', async () => {
    const time = new Time();
    const starting = createSandbox(client, app, params(['H100', 'T4']), { clock: time });
    await queued(time, 'H100');
    await server.control.set({ unavailableGpus: [] });
    const sandbox = await starting;
    assert.deepEqual(await gpus(), ['H100']);
    assert.equal(await (await sandbox.exec(['true'])).wait(), 0);
    assert.deepEqual(time.next(), []);
  });

  it('terminates a sandbox in the queue at once when its start is canceled', async () => {
    const canceling = new AbortController();
    const { promise: created, resolve: onCreated } = Promise.withResolvers<string>();
    const starting = createSandbox(client, app, params('H100'), { signal: canceling.signal, onCreated });
    await created;
    assert.deepEqual(await gpus(), ['H100']);
    canceling.abort();
    await assert.rejects(starting, { name: 'AbortError' });
    assert.deepEqual(await gpus(), []);
  });

  it('terminates a sandbox that Modal creates only after its start was canceled', async () => {
    await server.control.addFault({ method: 'SandboxCreate', delayMs: 300 });
    const canceling = new AbortController();
    const created: string[] = [];
    const starting = createSandbox(client, app, params('H100'), {
      signal: canceling.signal,
      onCreated: (id) => created.push(id),
    });
    await waitFor(
      'the call to arrive',
      20_000,
      () => server.control.calls(),
      ({ SandboxCreate = 0 }) => SandboxCreate > 0,
    );
    canceling.abort();
    assert.deepEqual(created, []);
    await assert.rejects(starting, { name: 'AbortError' });
    assert.equal(created.length, 1);
    assert.deepEqual(await gpus(), []);
  });

  it('reports the ID of a sandbox of which only the first reply was lost', async () => {
    await server.control.addFault({ method: 'SandboxCreate', when: 'after', code: 14, times: 1 });
    const created: string[] = [];
    const sandbox = await createSandbox(client, app, params('T4'), { onCreated: (id) => created.push(id) });
    assert.deepEqual(created, [sandbox.sandboxId]);
    assert.deepEqual(await gpus(), ['T4']);
  });

  it("fails if a sandbox that waited too long for its GPU can't be terminated", async () => {
    const time = new Time();
    const starting = createSandbox(client, app, params(['H100', 'T4']), { clock: time });
    await queued(time, 'H100');
    await server.control.addFault({ method: 'SandboxTerminate', code: 7 });
    await time.pass(60_000);
    await assert.rejects(starting, /PERMISSION_DENIED/);
    assert.deepEqual(await gpus(), ['H100']);
  });
});
