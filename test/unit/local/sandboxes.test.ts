import assert from 'node:assert/strict';
import { AlreadyExistsError, ConflictError, NotFoundError, Probe, type Sandbox } from 'modal';
import { startWorkbench, type Workbench } from '../../helpers/local-modal.ts';

describe('the local Modal: sandboxes', () => {
  let bench: Workbench;
  const made: Sandbox[] = [];

  before(async () => {
    bench = await startWorkbench();
  });
  after(() => bench.server.stop());
  afterEach(async () => {
    await Promise.all(made.splice(0).map((sandbox) => sandbox.terminate()));
  });

  async function create(params: Parameters<Workbench['modal']['sandboxes']['create']>[2] = {}): Promise<Sandbox> {
    const sandbox = await bench.modal.sandboxes.create(bench.app, bench.image, params);
    made.push(sandbox);
    return sandbox;
  }

  async function idsOf(params: Parameters<Workbench['modal']['sandboxes']['list']>[0]): Promise<string[]> {
    const ids: string[] = [];
    for await (const { sandboxId } of bench.modal.sandboxes.list({ appId: bench.app.appId, ...params }))
      ids.push(sandboxId);
    return ids;
  }

  describe('a name', () => {
    it('is unique among the running sandboxes of an app, and free again after the end', async () => {
      const first = await create({ name: 'only-one' });
      await assert.rejects(create({ name: 'only-one' }), AlreadyExistsError);
      await first.terminate({ wait: true });
      const second = await create({ name: 'only-one' });
      assert.notEqual(second.sandboxId, first.sandboxId);
    });

    it('finds the running sandbox, and an ended one only when asked', async () => {
      const sandbox = await create({ name: 'findable' });
      assert.equal((await bench.modal.sandboxes.fromName('tests', 'findable')).sandboxId, sandbox.sandboxId);
      await sandbox.terminate({ wait: true });
      await assert.rejects(bench.modal.sandboxes.fromName('tests', 'findable'), NotFoundError);
      const ended = await bench.modal.cpClient.sandboxGetFromNameV2({
        sandboxName: 'findable',
        appName: 'tests',
        includeTerminated: true,
      });
      assert.equal(ended.sandboxId, sandbox.sandboxId);
    });

    it('can be given once to a sandbox without one', async () => {
      const sandbox = await create();
      await sandbox.experimentalSetName('late');
      assert.equal((await bench.modal.sandboxes.fromName('tests', 'late')).sandboxId, sandbox.sandboxId);
      await assert.rejects(sandbox.experimentalSetName('again'), ConflictError);
    });
  });

  describe('a list', () => {
    it('has the newest first, and only those with all tags asked for', async () => {
      const one = await create({ tags: { purpose: 'list', which: 'one' } });
      const two = await create({ tags: { purpose: 'list', which: 'two' } });
      assert.deepEqual(await idsOf({ tags: { purpose: 'list' } }), [two.sandboxId, one.sandboxId]);
      assert.deepEqual(await idsOf({ tags: { purpose: 'list', which: 'one' } }), [one.sandboxId]);
    });

    it('gives every sandbox exactly once however many pages it takes', async () => {
      await Promise.all(Array.from({ length: 110 }, () => create({ tags: { purpose: 'pages' } })));
      await bench.server.control.resetCalls();
      const ids = await idsOf({ tags: { purpose: 'pages' } });
      assert.equal(ids.length, 110);
      assert.equal(new Set(ids).size, 110);
      assert.equal((await bench.server.control.calls()).SandboxListV2, 3);
    }).timeout(30_000);

    it('leaves out what has ended, unless asked', async () => {
      const sandbox = await create({ tags: { purpose: 'ended' } });
      await sandbox.terminate({ wait: true });
      assert.deepEqual(await idsOf({ tags: { purpose: 'ended' } }), []);
      const all = await bench.modal.cpClient.sandboxListV2({
        appId: bench.app.appId,
        includeFinished: true,
        tags: [{ tagName: 'purpose', tagValue: 'ended' }],
      });
      assert.deepEqual(
        all.sandboxes.map(({ id }) => id),
        [sandbox.sandboxId],
      );
    });
  });

  it('replaces all tags when they are set', async () => {
    const sandbox = await create({ tags: { a: '1', b: '2' } });
    await sandbox.setTags({ c: '3' });
    assert.deepEqual(await sandbox.getTags(), { c: '3' });
  });

  describe('the end', () => {
    it('is 137 after a termination, for everyone who waits', async () => {
      const sandbox = await create();
      const waits = [sandbox.wait(), sandbox.wait()];
      assert.equal(await sandbox.poll(), null);
      await sandbox.terminate();
      assert.deepEqual(await Promise.all(waits), [137, 137]);
      assert.equal(await sandbox.poll(), 137);
    });

    it('is 124 when the lifetime is over', async () => {
      const sandbox = await create({ timeoutMs: 1000 });
      assert.equal(await sandbox.wait(), 124);
    });

    it('is the exit code of the sandbox’s own command', async () => {
      const sandbox = await create({ command: ['sh', '-c', 'exit 9'] });
      assert.equal(await sandbox.wait(), 9);
    });

    it('comes after idleness, but not while something is executed', async () => {
      const sandbox = await create({ idleTimeoutMs: 1000 });
      const process = await sandbox.exec(['sleep', '1.8']);
      await process.wait();
      assert.equal(await sandbox.poll(), null, 'the exec kept it awake');
      await sandbox.wait();
      const { sandboxes } = await bench.modal.cpClient.sandboxListV2({ appId: bench.app.appId, includeFinished: true });
      assert.equal(sandboxes.find(({ id }) => id === sandbox.sandboxId)?.taskInfo?.result?.status, 7);
    });

    it('makes later commands fail, and leaves earlier output readable', async () => {
      const sandbox = await create();
      const process = await sandbox.exec(['echo', 'kept']);
      await process.wait();
      await sandbox.terminate({ wait: true });
      assert.equal(await process.stdout.readText(), 'kept\n');
      await assert.rejects(sandbox.exec(['true']));
    });
  });

  describe('the sandbox’s own command', () => {
    it('has stdin, stdout and stderr, and a log with times', async () => {
      const sandbox = await create({ command: ['sh', '-c', 'read x; echo "got $x"; echo oops >&2; sleep 60'] });
      const before = new Date();
      await sandbox.stdin.getWriter().write('word\n');
      const { value } = await sandbox.stdout.getReader().read();
      assert.equal(value, 'got word\n');
      assert.equal((await sandbox.stderr.getReader().read()).value, 'oops\n');
      const { taskId } = await bench.modal.cpClient.sandboxGetTaskIdV2({ sandboxId: sandbox.sandboxId });
      const { batches } = await bench.modal.cpClient.appFetchLogs({ appId: bench.app.appId, taskId, limit: 10 });
      const items = batches.flatMap((batch) => batch.items);
      assert.deepEqual(items.map(({ data, fileDescriptor }) => [fileDescriptor, data]).sort(), [
        [1, 'got word\n'],
        [2, 'oops\n'],
      ]);
      assert.ok(items.every(({ timestamp }) => timestamp * 1000 >= before.getTime() - 1000));
    });
  });

  describe('readiness', () => {
    it('is told once the probe’s command succeeds', async () => {
      const sandbox = await create({
        readinessProbe: Probe.withExec(['test', '-e', '/tmp/ready'], { intervalMs: 50 }),
      });
      await assert.rejects(sandbox.waitUntilReady(300));
      await bench.shell(sandbox, 'touch /tmp/ready');
      await sandbox.waitUntilReady(5000);
    });

    it('cannot be waited for without a probe', async () => {
      await assert.rejects((await create()).waitUntilReady(1000), /probe/);
    });
  });

  it('refuses what Modal refuses', async () => {
    const refused: [Parameters<typeof create>[0], RegExp][] = [
      [{ timeoutMs: 86_401_000 }, /INVALID_ARGUMENT/],
      [{ regions: ['atlantis-west'] }, /INVALID_ARGUMENT: Unknown region/],
      [{ cloud: 'nimbus' }, /INVALID_ARGUMENT: Unknown cloud/],
      [{ outboundCidrAllowlist: ['10.0.0.0/33'] }, /INVALID_ARGUMENT: Invalid CIDR/],
      [{ inboundCidrAllowlist: ['somewhere'] }, /INVALID_ARGUMENT: Invalid CIDR/],
      [{ name: 'no spaces' }, /INVALID_ARGUMENT|[Nn]ame/],
    ];
    for (const [params, message] of refused) await assert.rejects(create(params), message);
  });

  it('refuses what only Modal’s cloud has, rather than to leave it out', async () => {
    const bucket = bench.modal.cloudBucketMounts.create('a-bucket');
    await assert.rejects(create({ cloudBucketMounts: { '/mnt': bucket } }), /FAILED_PRECONDITION: Cloud buckets need/);
  });

  it('runs a V1 sandbox when a GPU is asked for, with its own stdio', async () => {
    const sandbox = await create({ gpu: 'T4', command: ['sh', '-c', 'read x; echo "v1 $x"; exit 4'] });
    assert.match(sandbox.sandboxId, /^sb-[0-9A-Za-z]{22}$/);
    const process = await sandbox.exec(['echo', 'exec']);
    assert.equal(await process.stdout.readText(), 'exec\n');
    await sandbox.stdin.getWriter().write('hello\n');
    assert.equal(await sandbox.stdout.readText(), 'v1 hello\n');
    assert.equal(await sandbox.wait(), 4);
    assert.equal((await bench.modal.cpClient.sandboxGetResourceUsage({ sandboxId: sandbox.sandboxId })).gpuType, 'T4');
  });

  it('gives secrets and variables to the sandbox’s processes', async () => {
    const secret = await bench.modal.secrets.fromObject({ FROM_SECRET: 's', BOTH: 'secret' });
    const sandbox = await create({ secrets: [secret], env: { FROM_ENV: 'e' } });
    assert.equal(
      await bench.shell(sandbox, 'echo $FROM_SECRET $FROM_ENV $MODAL_SANDBOX_ID'),
      `s e ${sandbox.sandboxId}\n`,
    );
  });

  it('holds a memory limit', async () => {
    const sandbox = await create({ memoryMiB: 32, memoryLimitMiB: 64 });
    const process = await sandbox.exec(['perl', '-e', 'my $x = "x" x (200 * 1024 * 1024); print "too much"']);
    assert.equal(await process.stdout.readText(), '');
    assert.notEqual(await process.wait(), 0);
  });

  it('stops all sandboxes of an app that is stopped', async () => {
    const app = await bench.modal.apps.fromName('stopping', { createIfMissing: true });
    const sandbox = await bench.modal.sandboxes.create(app, bench.image);
    await bench.modal.cpClient.appStop({ appId: app.appId });
    assert.equal(await sandbox.wait(), 137);
  });

  it('runs 200 at once, and 50 commands at once in one of them', async () => {
    const all = await Promise.all(Array.from({ length: 200 }, () => create()));
    const outputs = await Promise.all(all.map((sandbox, index) => bench.shell(sandbox, `echo ${index}`)));
    assert.deepEqual(
      outputs,
      all.map((_, index) => `${index}\n`),
    );
    const [one] = all;
    assert.ok(one);
    const commands = Array.from({ length: 50 }, async (_, index) => {
      const process = await one.exec(['sh', '-c', `cat; echo ${index}`]);
      await process.stdin.getWriter().write('in ');
      await process.closeStdin();
      return process.stdout.readText();
    });
    assert.deepEqual(
      await Promise.all(commands),
      commands.map((_, index) => `in ${index}\n`),
    );
  }).timeout(60_000);

  it('keeps a resumed idle clock from ending a sandbox in use', async () => {
    const sandbox = await create({ idleTimeoutMs: 1000 });
    // Another one, which nobody uses, is idle for longer: when it has ended the idle time of the first has passed twice.
    const other = await create({ idleTimeoutMs: 2000 });
    while ((await other.poll()) === null) await bench.shell(sandbox, 'true');
    assert.equal(await sandbox.poll(), null);
  });
});
