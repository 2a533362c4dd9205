import assert from 'node:assert/strict';
import { listSandboxes, sandboxLabel } from '../../../src/modal/sandbox-list.ts';
import { readSandboxLog } from '../../../src/modal/sandbox-logs.ts';
import { renameSandbox, Tag, terminateSandbox } from '../../../src/modal/sandboxes.ts';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';
import { waitFor } from '../../helpers/wait-for.ts';

describe('listSandboxes', () => {
  let bench: Workbench;
  before(async () => {
    bench = await startWorkbench();
  });
  after(() => bench.server.stop());

  const hourAgo = () => new Date(Date.now() - 3_600_000);
  const list = (since = hourAgo()) => listSandboxes(bench.modal, bench.app, since);

  it('returns the name, hardware, ports, tags, and end of running sandboxes', async () => {
    const { sandboxId } = await bench.modal.sandboxes.create(bench.app, bench.image, {
      name: 'web',
      cpu: 0.5,
      memoryMiB: 256,
      encryptedPorts: [8000],
      timeoutMs: 600_000,
      idleTimeoutMs: 60_000,
      tags: { team: 'vision' },
    });
    const [found] = await list();
    assert.ok(found);
    const { createdAt, endsAt, ports, imageId, ...rest } = found;
    assert.deepEqual(rest, {
      id: sandboxId,
      state: 'running',
      name: 'web',
      idleTimeoutMs: 60_000,
      hardware: { cpu: 0.5, memoryMiB: 256 },
      tags: { team: 'vision' },
    });
    assert.equal(endsAt.getTime() - createdAt.getTime(), 600_000);
    assert.equal(ports[0]?.port, 8000);
    assert.match(ports[0]?.url ?? '', /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.match(imageId, /^im-/);
  });

  it('includes sandboxes that stopped since a point in time, and how they stopped', async () => {
    const { sandboxId } = await bench.modal.sandboxes.create(bench.app, bench.image, {});
    await terminateSandbox(bench.modal, sandboxId);
    const ended = (await list()).find(({ id }) => id === sandboxId);
    assert.deepEqual([ended?.state, ended?.end], ['ended', 'terminated']);
    assert.ok((ended?.endedAt?.getTime() ?? 0) >= (ended?.createdAt.getTime() ?? Number.POSITIVE_INFINITY));
    const later = await list(new Date(Date.now() + 60_000));
    assert.ok(!later.some(({ id }) => id === sandboxId));
  });

  it('reads all pages', async () => {
    const made = await Promise.all(
      Array.from({ length: 105 }, () => bench.modal.sandboxes.create(bench.app, bench.image, {})),
    );
    const found = new Set((await list()).map(({ id }) => id));
    assert.ok(made.every(({ sandboxId }) => found.has(sandboxId)));
    await Promise.all(made.map((each) => each.terminate()));
  }).timeout(60_000);

  for (const label of ['two words', "it’s “quoted” 'x'", '🚀 rocket', 'two\nlines']) {
    it(`shows a sandbox under the name ${JSON.stringify(label)} and keeps its other tags`, async () => {
      const { sandboxId } = await bench.modal.sandboxes.create(bench.app, bench.image, {
        tags: { [Tag.folderName]: 'f' },
      });
      const found = async () => (await list()).find(({ id }) => id === sandboxId);
      await renameSandbox(bench.modal, sandboxId, label);
      const renamed = await found();
      assert.ok(renamed);
      assert.deepEqual([sandboxLabel(renamed), renamed.tags[Tag.folderName]], [label, 'f']);
      await renameSandbox(bench.modal, sandboxId, '');
      const plain = await found();
      assert.ok(plain);
      assert.equal(sandboxLabel(plain), 'f');
      await terminateSandbox(bench.modal, sandboxId);
    });
  }

  it('continues reading a log without repeating or losing lines', async () => {
    const script = 'i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo line $i; [ $i = 20 ] && sleep 1; done; sleep 100';
    const { sandboxId } = await bench.modal.sandboxes.create(bench.app, bench.image, { command: ['sh', '-c', script] });
    let log = await readSandboxLog(bench.modal, sandboxId);
    await waitFor(
      'the last line',
      10_000,
      async () => {
        log = await readSandboxLog(bench.modal, sandboxId, log);
        return log.text;
      },
      (text) => text.includes('line 40\n'),
    );
    assert.equal(log.text, Array.from({ length: 40 }, (_, n) => `line ${n + 1}\n`).join(''));
  });
});
