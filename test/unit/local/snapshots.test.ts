import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { NotFoundError } from 'modal';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';

describe('Local Modal snapshots', () => {
  let bench: Workbench;
  before(async () => {
    bench = await startWorkbench();
  });
  after(() => bench.server.stop());

  const create = (image = bench.image) => bench.modal.sandboxes.create(bench.app, image);

  it('saves the whole root, including removals, without changing the sandbox', async () => {
    const sandbox = await create();
    await bench.shell(
      sandbox,
      'mkdir -p /srv/a/b; echo deep > /srv/a/b/c; ln -s c /srv/a/b/link; rm /usr/bin/yes; chmod 700 /srv/a',
    );
    const snapshot = await sandbox.snapshotFilesystem();
    await bench.shell(sandbox, 'echo later > /srv/a/b/c');
    const restored = await create(snapshot);
    assert.equal(
      await bench.shell(
        restored,
        'cat /srv/a/b/link; readlink /srv/a/b/link; ls /usr/bin/yes 2>&1 | grep -c "No such"; stat -c %a /srv/a',
      ),
      'deep\nc\n1\n700\n',
    );
  });

  it('stores only the changes in a snapshot', async () => {
    const base = await bench.modal.images
      .fromRegistry('debian:12')
      .dockerfileCommands(['RUN head -c 200000000 /dev/urandom > /big'])
      .build(bench.app);
    const sandbox = await create(base);
    await bench.shell(sandbox, 'head -c 5000000 /dev/urandom > /small');
    const used = () =>
      Number(
        execFileSync('du', ['-sk', `${bench.server.dataDir}/l`])
          .toString()
          .split('\t')[0],
      );
    const before = used();
    const snapshot = await sandbox.snapshotFilesystem();
    const grown = used() - before;
    assert.ok(grown >= 4800 && grown < 8000, `${grown} KiB for 5 MB of changes`);
    const restored = await create(snapshot);
    assert.equal(await bench.shell(restored, 'stat -c %s /big /small'), '200000000\n5000000\n');
  }).timeout(30_000);

  it('takes snapshots of snapshots', async () => {
    let image = bench.image;
    for (let turn = 0; turn < 12; turn++) {
      const sandbox = await create(image);
      await bench.shell(sandbox, `echo ${turn} > /turn-${turn}; rm -f /turn-${turn - 2}`);
      image = await sandbox.snapshotFilesystem();
      await sandbox.terminate();
    }
    assert.equal(await bench.shell(await create(image), 'ls / | grep turn'), 'turn-10\nturn-11\n');
  });

  it('mounts a directory snapshot elsewhere, and takes a snapshot of its changes', async () => {
    const sandbox = await create();
    await bench.shell(sandbox, 'mkdir /work; echo one > /work/one; echo two > /work/two');
    const first = await sandbox.snapshotDirectory('/work');
    const other = await create();
    await bench.shell(other, 'mkdir /mnt/here; echo old > /mnt/here/old');
    await other.mountImage('/mnt/here', first);
    assert.equal(await bench.shell(other, 'cd /mnt/here; ls; rm one; echo three > three'), 'one\ntwo\n');
    const second = await other.snapshotDirectory('/mnt/here');
    await other.unmountImage('/mnt/here');
    assert.equal(await bench.shell(other, 'ls /mnt/here'), 'old\n');
    await sandbox.mountImage('/work', second);
    assert.equal(await bench.shell(sandbox, 'ls /work; cat /work/three'), 'three\ntwo\nthree\n');
  });

  it('hides a directory behind an empty mount until it is unmounted', async () => {
    const sandbox = await create();
    await bench.shell(sandbox, 'mkdir /covered; touch /covered/file');
    await sandbox.mountImage('/covered');
    assert.equal(await bench.shell(sandbox, 'ls /covered; touch /covered/other'), '');
    await sandbox.unmountImage('/covered');
    assert.equal(await bench.shell(sandbox, 'ls /covered'), 'file\n');
  });

  it('rejects a snapshot once it has expired', async () => {
    const sandbox = await create();
    const snapshot = await sandbox.snapshotFilesystem({ ttlMs: 1000 });
    await create(snapshot);
    const find = () =>
      bench.modal.images.fromId(snapshot.imageId).then(
        () => undefined,
        (error: unknown) => error,
      );
    await waitFor('the snapshot to expire', 10_000, find, (error) => error instanceof NotFoundError);
    await assert.rejects(create(snapshot), /NOT_FOUND/);
  });

  it("rejects a snapshot of a directory that doesn't exist", async () => {
    await assert.rejects((await create()).snapshotDirectory('/no/such'), /NOT_FOUND|not found/i);
  });

  it('takes an exit snapshot of a sandbox that has the option', async () => {
    const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image, {
      experimentalOptions: { enable_exit_snapshot: true },
    });
    await bench.shell(sandbox, 'echo last words > /said');
    await sandbox.terminate();
    const snapshot = await sandbox.experimentalGetExitSnapshot();
    assert.equal(await bench.shell(await create(snapshot), 'cat /said'), 'last words\n');
  });
});
