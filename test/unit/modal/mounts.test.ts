import assert from 'node:assert/strict';
import { type Mount, mountsIn, mountTags } from '../../../src/modal/mounts.ts';
import { listSandboxes } from '../../../src/modal/sandbox-list.ts';
import { createSandbox, renameSandbox } from '../../../src/modal/sandboxes.ts';
import { ProfileSchema } from '../../../src/profiles/schema.ts';
import { sandboxParams } from '../../../src/sandboxes/sandbox-params.ts';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';

describe('Mount tags', () => {
  it('encodes any mounts in characters that Modal accepts in tags', () => {
    const mounts: Mount[] = [
      { path: '/mnt/two words/“🚀”', volume: 'data', isReadOnly: false },
      { path: `/mnt/${'long/'.repeat(30)}`, volume: 'models_1.2', subPath: '/a:b', isReadOnly: true },
    ];
    const tags = mountTags(mounts);
    for (const [name, value] of Object.entries(tags)) {
      assert.match(name, /^[\w.-]{1,63}$/);
      assert.match(value, /^[\w.-]{1,63}$/);
    }
    assert.deepEqual(mountsIn({ team: 'vision', ...tags }), mounts);
  });

  it('returns no mounts if there are no tags, or only tags of other tools', () => {
    assert.deepEqual(mountTags([]), {});
    assert.deepEqual(mountsIn({ team: 'vision' }), []);
    assert.deepEqual(mountsIn({ 'vscode-mounts-0': 'garbage' }), []);
    assert.deepEqual(mountsIn({ 'vscode-mounts-0': Buffer.from('[["/mnt"]]').toString('base64url') }), []);
  });

  describe('of a sandbox that a profile describes', () => {
    let bench: Workbench;
    before(async () => {
      bench = await startWorkbench();
    });
    after(() => bench.server.stop());

    it('makes mount tags readable on every computer, even after the sandbox is renamed', async () => {
      const volumes = { '/mnt/data/': 'data:/sets', '/mnt/models': { name: 'models', readOnly: true } };
      const sandbox = await createSandbox(bench.modal, bench.app, {
        ...sandboxParams(ProfileSchema.parse({ volumes }), {
          hostVolume: 'vscode-host-1',
          env: {},
          tags: { team: 'vision' },
        }),
        image: bench.image,
      });
      await renameSandbox(bench.modal, sandbox.sandboxId, 'mine');
      const [found] = await listSandboxes(bench.server.client(), bench.app, new Date());
      assert.deepEqual(mountsIn(found?.tags ?? {}), [
        { path: '/mnt/data', volume: 'data', subPath: '/sets', isReadOnly: false },
        { path: '/mnt/models', volume: 'models', isReadOnly: true },
        { path: '/mnt/state', volume: 'vscode-host-1', isReadOnly: false },
      ]);
    });

    it('starts the sandbox without mount tags or a name with spaces if Modal rejects them', async () => {
      await bench.server.control.addFault({ method: 'SandboxCreateV2', code: 3, times: 1 });
      const sandbox = await createSandbox(bench.modal, bench.app, {
        ...sandboxParams(ProfileSchema.parse({ volumes: { '/mnt/data': 'data' } }), {
          env: {},
          tags: { team: 'vision', 'vscode-folder-name': 'my models' },
        }),
        image: bench.image,
      });
      assert.deepEqual(await sandbox.getTags(), { team: 'vision' });
    });
  });
});
