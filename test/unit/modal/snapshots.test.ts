import assert from 'node:assert/strict';
import { Sandbox } from 'modal';
import { sandboxProvider } from '../../../src/api/sandbox-provider.ts';
import { Channels } from '../../../src/channel/channels.ts';
import { Forwards } from '../../../src/channel/forwards.ts';
import { snapshotOf } from '../../../src/images/shared-snapshot.ts';
import { takeSnapshot } from '../../../src/modal/snapshots.ts';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { localFolder } from '../run/local-runs.ts';

const { snapshotFilesystem } = Sandbox.prototype;

describe('A snapshot', () => {
  const limitsMs: (number | undefined)[] = [];
  let bench: Workbench;

  before(async () => {
    Sandbox.prototype.snapshotFilesystem = function (params) {
      limitsMs.push(Object(params).timeoutMs);
      return snapshotFilesystem.call(this, params);
    };
    bench = await startWorkbench();
  });
  after(async () => {
    Sandbox.prototype.snapshotFilesystem = snapshotFilesystem;
    await bench.server.stop();
  });

  it('may take ten minutes, whoever takes it, including `pause` of the API', async () => {
    const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image);
    await takeSnapshot(sandbox, { ttlMs: 60_000 });
    await snapshotOf(sandbox, undefined);
    await sandbox.terminate();
    const folder = await localFolder(bench.server);
    const provider = sandboxProvider(
      { ...folder.services, forwards: new Forwards(new Channels({ client: async () => bench.modal })) },
      () => {},
      () => undefined,
    );
    await (await provider.create()).pause();
    await folder.dispose();
    assert.deepEqual(limitsMs, [600_000, 600_000, 600_000]);
  });
});
