import assert from 'node:assert/strict';
import { type Connection, Connections } from '../../../src/sync/push/connection.ts';
import { endTransfer, type Transfer } from '../../../src/sync/push/transfer.ts';
import { type SandboxClient, WorkerClient } from '../../../src/sync/worker/client.ts';
import { removeTemporary, temporaryFolder, writeTree } from './temporary.ts';

describe('Transfer', () => {
  let worker: WorkerClient;
  let sandbox: SandboxClient;
  const scope = { fresh: true };

  beforeEach(() => {
    const root = writeTree(temporaryFolder(), { a: 'a' });
    worker = new WorkerClient({ root, storageDir: temporaryFolder(), remoteRoot: '/workspace', rules: {} });
    sandbox = worker.sandbox('sb-1');
  });
  afterEach(() => worker.dispose());
  after(removeTemporary);

  async function open(): Promise<Transfer> {
    await sandbox.prepare(scope);
    return sandbox.open();
  }

  async function readAll(transfer: Transfer): Promise<void> {
    while ((await transfer.nextChunk('raw')).bytes);
  }

  it('updates the index when a transfer is committed', async () => {
    const transfer = await open();
    await readAll(transfer);
    assert.equal((await transfer.commit()).files, 1);
    const { isEmpty, generation, isUnsettled } = await sandbox.survey(scope);
    assert.deepEqual([isEmpty, generation, isUnsettled], [true, transfer.next, false]);
  });

  it('changes nothing when a transfer is withdrawn', async () => {
    await (await open()).withdraw();
    const { isFirst, puts, isUnsettled } = await sandbox.survey(scope);
    assert.deepEqual([isFirst, puts, isUnsettled], [true, 1, false]);
  });

  it('leaves the outcome of the push unknown when a transfer is abandoned', async () => {
    await (await open()).abandon();
    const { puts, isUnsettled } = await sandbox.survey(scope);
    assert.deepEqual([puts, isUnsettled], [1, true]);
  });

  it('abandons a transfer that is disposed before it has ended', async () => {
    {
      await using transfer = await open();
      await readAll(transfer);
    }
    assert.equal((await sandbox.survey(scope)).isUnsettled, true);
  });

  it("doesn't abandon a transfer that is disposed after it has ended", async () => {
    {
      await using transfer = await open();
      await transfer.withdraw();
    }
    assert.equal((await sandbox.survey(scope)).isUnsettled, false);
  });

  it('ends a transfer only once', async () => {
    const transfer = await open();
    await transfer.withdraw();
    for (const end of ['commit', 'withdraw', 'abandon'] as const) await assert.rejects(transfer[end](), /has ended/);
  });

  it('withdraws a transfer after replies of a sandbox that changed nothing, and abandons it after others', async () => {
    const isUnsettledAfter = async (outcome: Parameters<typeof endTransfer>[1]) => {
      assert.equal(await endTransfer(await open(), outcome), undefined);
      return (await sandbox.survey(scope)).isUnsettled;
    };
    assert.equal(await isUnsettledAfter({ kind: 'cut' }), false);
    assert.equal(await isUnsettledAfter({ kind: 'no-tool', tool: 'tar' }), false);
    assert.equal(await isUnsettledAfter({ kind: 'unknown' }), true);
  });
});

describe('Connections', () => {
  it('returns the same connection for a sandbox ID', () => {
    const connections = new Connections();
    const connection = connections.of({ sandboxId: 'sb-1' });
    assert.equal(connections.of({ sandboxId: 'sb-1' }), connection);
    assert.notEqual(connections.of({ sandboxId: 'sb-2' }), connection);
  });

  it('drops the oldest connections, except those in use', async () => {
    const connections = new Connections();
    const idle = connections.of({ sandboxId: 'idle' });
    const busy = connections.of({ sandboxId: 'busy' });
    const { promise, resolve: finish } = Promise.withResolvers<void>();
    const operation = busy.queued(undefined, () => promise);
    const others: Connection[] = Array.from({ length: 100 }, (_, at) => connections.of({ sandboxId: `sb-${at}` }));
    assert.notEqual(connections.of({ sandboxId: 'idle' }), idle);
    assert.equal(connections.of({ sandboxId: 'busy' }), busy);
    assert.equal(connections.of({ sandboxId: 'sb-99' }), others.at(-1));
    finish();
    await operation;
    assert.equal(busy.isIdle, true);
  });
});
