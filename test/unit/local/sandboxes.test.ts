import assert from 'node:assert/strict';
import { AlreadyExistsError, ConflictError, NotFoundError, Probe, type Sandbox } from 'modal';
import { onGvisor, startWorkbench, type Workbench } from '../../helpers/local-modal.ts';

describe('Local Modal sandboxes', () => {
  let bench: Workbench;
  const made: Sandbox[] = [];

  before(async () => {
    bench = await startWorkbench();
  });
  after(() => bench.server.stop());
  afterEach(async function () {
    this.timeout(60_000);
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

  describe('names', () => {
    it('keeps a name unique among the running sandboxes of an app, and frees it when the sandbox stops', async () => {
      const first = await create({ name: 'only-one' });
      await assert.rejects(create({ name: 'only-one' }), AlreadyExistsError);
      await first.terminate({ wait: true });
      const second = await create({ name: 'only-one' });
      assert.notEqual(second.sandboxId, first.sandboxId);
    });

    it('finds a running sandbox by its name, and a stopped one only on request', async () => {
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

    it('lets a sandbox without a name be named once', async () => {
      const sandbox = await create();
      await sandbox.experimentalSetName('late');
      assert.equal((await bench.modal.sandboxes.fromName('tests', 'late')).sandboxId, sandbox.sandboxId);
      await assert.rejects(sandbox.experimentalSetName('again'), ConflictError);
    });
  });

  describe('lists', () => {
    it('lists sandboxes with all requested tags, newest first', async () => {
      const one = await create({ tags: { purpose: 'list', which: 'one' } });
      const two = await create({ tags: { purpose: 'list', which: 'two' } });
      assert.deepEqual(await idsOf({ tags: { purpose: 'list' } }), [two.sandboxId, one.sandboxId]);
      assert.deepEqual(await idsOf({ tags: { purpose: 'list', which: 'one' } }), [one.sandboxId]);
    });

    it('lists every sandbox exactly once across pages', async () => {
      const created = await Promise.all(Array.from({ length: 5 }, () => create({ tags: { purpose: 'pages' } })));
      await bench.server.control.set({ pageSize: 3 });
      await bench.server.control.resetCalls();
      const ids = await idsOf({ tags: { purpose: 'pages' } });
      await bench.server.control.set({ pageSize: 100 });
      assert.deepEqual(ids.sort(), created.map(({ sandboxId }) => sandboxId).sort());
      assert.equal((await bench.server.control.calls()).SandboxListV2, 3);
    });

    it('lists stopped sandboxes only on request', async () => {
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

  it('replaces all tags of a sandbox when tags are set', async () => {
    const sandbox = await create({ tags: { a: '1', b: '2' } });
    await sandbox.setTags({ c: '3' });
    assert.deepEqual(await sandbox.getTags(), { c: '3' });
  });

  describe('stopping', () => {
    it('returns 137 to every waiter after a sandbox is terminated', async () => {
      const sandbox = await create();
      const waits = [sandbox.wait(), sandbox.wait()];
      assert.equal(await sandbox.poll(), null);
      await sandbox.terminate();
      assert.deepEqual(await Promise.all(waits), [137, 137]);
      assert.equal(await sandbox.poll(), 137);
    });

    it('returns 124 when a sandbox reaches its maximum lifetime', async () => {
      const sandbox = await create({ timeoutMs: 1000 });
      assert.equal(await sandbox.wait(), 124);
    });

    it("returns the exit code of a sandbox's own command", async () => {
      const sandbox = await create({ command: ['sh', '-c', 'exit 9'] });
      assert.equal(await sandbox.wait(), 9);
    });

    it('stops a sandbox at its idle timeout, but not while a command is running', async () => {
      const sandbox = await create({ idleTimeoutMs: 1000 });
      const process = await sandbox.exec(['sleep', '1.8']);
      await process.wait();
      assert.equal(await sandbox.poll(), null, 'the sandbox stopped during an exec');
      await sandbox.wait();
      const { sandboxes } = await bench.modal.cpClient.sandboxListV2({ appId: bench.app.appId, includeFinished: true });
      assert.equal(sandboxes.find(({ id }) => id === sandbox.sandboxId)?.taskInfo?.result?.status, 7);
    });

    it('rejects commands in a stopped sandbox, but keeps earlier output readable', async () => {
      const sandbox = await create();
      const process = await sandbox.exec(['echo', 'kept']);
      await process.wait();
      await sandbox.terminate({ wait: true });
      assert.equal(await process.stdout.readText(), 'kept\n');
      await assert.rejects(sandbox.exec(['true']));
    });
  });

  describe('entrypoints', () => {
    it("gives a sandbox's own command stdin, stdout, stderr, and a log with timestamps", async () => {
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
    it("reports readiness when the probe's command succeeds", async () => {
      const sandbox = await create({
        readinessProbe: Probe.withExec(['test', '-e', '/tmp/ready'], { intervalMs: 50 }),
      });
      await assert.rejects(sandbox.waitUntilReady(300));
      await bench.shell(sandbox, 'touch /tmp/ready');
      await sandbox.waitUntilReady(5000);
    });

    it('rejects waiting for readiness without a probe', async () => {
      await assert.rejects((await create()).waitUntilReady(1000), /probe/);
    });
  });

  it('rejects the sandbox definitions that Modal rejects', async () => {
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

  it("rejects features of Modal's cloud instead of ignoring them", async () => {
    const bucket = bench.modal.cloudBucketMounts.create('a-bucket');
    await assert.rejects(
      create({ cloudBucketMounts: { '/mnt': bucket } }),
      /FAILED_PRECONDITION: Cloud buckets require/,
    );
  });

  it('creates a V1 sandbox with stdio if a GPU is requested', async () => {
    const sandbox = await create({ gpu: 'T4', command: ['sh', '-c', 'read x; echo "v1 $x"; exit 4'] });
    assert.match(sandbox.sandboxId, /^sb-[0-9A-Za-z]{22}$/);
    const process = await sandbox.exec(['echo', 'exec']);
    assert.equal(await process.stdout.readText(), 'exec\n');
    await sandbox.stdin.getWriter().write('hello\n');
    assert.equal(await sandbox.stdout.readText(), 'v1 hello\n');
    assert.equal(await sandbox.wait(), 4);
    assert.equal((await bench.modal.cpClient.sandboxGetResourceUsage({ sandboxId: sandbox.sandboxId })).gpuType, 'T4');
  });

  it('sets secrets and variables for the processes in a sandbox', async () => {
    const secret = await bench.modal.secrets.fromObject({ FROM_SECRET: 's', BOTH: 'secret' });
    const sandbox = await create({ secrets: [secret], env: { FROM_ENV: 'e' } });
    assert.equal(
      await bench.shell(sandbox, 'echo $FROM_SECRET $FROM_ENV $MODAL_SANDBOX_ID'),
      `s e ${sandbox.sandboxId}\n`,
    );
  });

  it('enforces a memory limit: in gVisor, the sandbox ends and is saved', async () => {
    const experimentalOptions = { enable_exit_snapshot: true };
    const sandbox = await create({ memoryMiB: 32, memoryLimitMiB: 64, experimentalOptions });
    await bench.shell(sandbox, 'echo before > /said');
    const process = await sandbox.exec(['perl', '-e', 'my $x = "x" x (200 * 1024 * 1024); sleep 60; print "too much"']);
    assert.equal(await process.stdout.readText(), '');
    assert.notEqual(await process.wait(), 0);
    if (!onGvisor) return;
    assert.equal(await sandbox.wait(), 137);
    const saved = await sandbox.experimentalGetExitSnapshot();
    const next = await bench.modal.sandboxes.create(bench.app, saved);
    assert.equal(await bench.shell(next, 'cat /said'), 'before\n', 'its files are saved as at any end');
  });

  it('stops all sandboxes of a stopped app', async () => {
    const app = await bench.modal.apps.fromName('stopping', { createIfMissing: true });
    const sandbox = await bench.modal.sandboxes.create(app, bench.image);
    await bench.modal.cpClient.appStop({ appId: app.appId });
    assert.equal(await sandbox.wait(), 137);
  });

  // Each sandbox in gVisor has a kernel of its own.
  const many = onGvisor ? 50 : 200;
  it(`runs ${many} sandboxes at once, and 50 commands at once in one of them`, async () => {
    const all = await Promise.all(Array.from({ length: many }, () => create()));
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
  }).timeout(120_000);

  it('restarts the idle timeout of a sandbox with every command', async () => {
    const sandbox = await create({ idleTimeoutMs: 1000 });
    // Another sandbox isn't used. When it stops, the idle timeout of the first one has passed twice.
    const other = await create({ idleTimeoutMs: 2000 });
    while ((await other.poll()) === null) await bench.shell(sandbox, 'true');
    assert.equal(await sandbox.poll(), null);
  });
});
