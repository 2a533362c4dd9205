import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Sandbox, SandboxCreateParams } from 'modal';
import { type LocalModalSetup, onGvisor, type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { skipUnless } from '../../helpers/skip.ts';

describe('The runtime of Local Modal', () => {
  let server: RunningLocalModal | undefined;
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'runsc-'));
  });
  afterEach(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(setup: LocalModalSetup) {
    server = await startLocalModal(setup);
    const modal = server.client();
    const app = await modal.apps.fromName('runtimes', { createIfMissing: true });
    const image = await modal.images.fromRegistry('debian').build(app);
    const create = (params?: SandboxCreateParams) => modal.sandboxes.create(app, image, params);
    const kernel = async (params?: SandboxCreateParams) => {
      const sandbox = await create(params);
      return (await sandbox.exec(['dmesg'])).stdout.readText();
    };
    const { running } = server.control;
    const sentryOf = async ({ sandboxId }: Sandbox) => {
      const { sandboxes } = await running();
      const pids = sandboxes.find((each) => each.id === sandboxId)?.pids ?? [];
      const isSentry = async (pid: number) =>
        (await readFile(`/proc/${pid}/cmdline`, 'utf8')).startsWith('runsc-sandbox');
      for (const pid of pids) if (await isSentry(pid)) return pid;
      throw new Error('There is no sentry');
    };
    return {
      isolation: await server.printedIsolation(),
      kernel,
      sentryOf,
      create,
    };
  }

  it("is namespaces if gVisor can't run programs, and the server says why", async function () {
    skipUnless(this, !onGvisor, 'An installed gVisor is preferred to that of the test.');
    await writeFile(path.join(folder, 'runsc'), '#!/bin/sh\necho "not today" >&2\nexit 1\n');
    await chmod(path.join(folder, 'runsc'), 0o755);
    const { isolation, create } = await start({ args: ['--runtime', 'auto'], env: { PATH: folder } });
    assert.match(isolation, /namespaces.*gVisor doesn't start on this computer: .*not today/);
    const asking = create({ runtime: 'gvisor' });
    await assert.rejects(
      asking,
      /FAILED_PRECONDITION: The sandbox asks for gVisor.*: gVisor doesn't start .*not today/,
    );
    await create({ runtime: 'vm' });
  });

  it('is refused if it is gVisor, which is not there', async function () {
    skipUnless(this, !onGvisor, 'gVisor is there.');
    const { isolation, kernel } = await start({ args: ['--runtime', 'gvisor'], env: { PATH: folder } });
    assert.match(isolation, /^gVisor isn't installed\. .*package runsc/);
    await assert.rejects(kernel(), /gVisor isn't installed/);
  });

  it('is gVisor where that works', async function () {
    skipUnless(this, onGvisor, 'gVisor is not installed.');
    const { isolation, kernel } = await start({ args: ['--runtime', 'auto'] });
    assert.match(isolation, /^Sandboxes run in gVisor/);
    assert.match(await kernel(), /gVisor/);
  });

  it('is gVisor for a sandbox that asks for it, also on a server with namespaces', async function () {
    skipUnless(this, onGvisor, 'gVisor is not installed.');
    const { kernel } = await start({ args: ['--runtime', 'namespaces'] });
    assert.match(await kernel({ runtime: 'gvisor' }), /gVisor/);
    assert.doesNotMatch(await kernel(), /gVisor/);
  });

  it('is left by a sandbox as soon as its sentry or its PID 1 is killed', async function () {
    skipUnless(this, onGvisor, 'gVisor is not installed.');
    const { create, sentryOf } = await start({});
    const [first, second] = [await create(), await create()];
    process.kill(await sentryOf(first), 'SIGKILL');
    assert.equal(await first.wait(), 137);
    // The command may end before it has been reported as started.
    await second.exec(['kill', '-KILL', '1']).catch(() => {});
    assert.equal(await second.wait(), 137);
  });
});
