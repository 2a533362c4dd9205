import { strict as assert } from 'node:assert';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sandbox } from 'modal';
import { type ApiServices, sandboxProvider } from '../../../src/api/sandbox-provider.ts';
import { sharedSnapshot, snapshotOf } from '../../../src/images/shared-snapshot.ts';
import type { Account } from '../../../src/modal/accounts.ts';
import { createSandbox } from '../../../src/modal/sandboxes.ts';
import { START_TAG } from '../../../src/modal/start-notes.ts';
import { ProfileSchema } from '../../../src/profiles/schema.ts';
import type { LeftRunning } from '../../../src/sandboxes/ledger.ts';
import { MachineState } from '../../../src/sandboxes/machine-state.ts';
import { originTags } from '../../../src/sandboxes/sandbox-origin.ts';
import { sandboxParams } from '../../../src/sandboxes/sandbox-params.ts';
import type { SandboxStarter } from '../../../src/sandboxes/sandbox-starter.ts';
import type { Sessions } from '../../../src/sandboxes/sessions.ts';
import type { StarterDependencies } from '../../../src/sandboxes/starts.ts';
import { stopAll } from '../../../src/sandboxes/stop-all.ts';
import { strings } from '../../../src/sandboxes/strings.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { sessionsOf, starterOf } from '../../helpers/sessions.ts';
import { shortenWaits, Time } from '../../helpers/time.ts';
import { waitFor } from '../../helpers/wait-for.ts';
import { TestWindow } from '../../helpers/window.ts';

const folder = { name: 'project', path: '/somewhere/project' };
const PROFILE = { image: 'python:3.13-slim', hostVolume: false };
/** FAILED_PRECONDITION, which the SDK doesn't repeat. */
const REFUSED = 9;
/** UNAVAILABLE, which the SDK repeats. */
const UNAVAILABLE = 14;

describe('Sandboxes that may be left running', () => {
  let server: RunningLocalModal;
  let dir: string;
  let restoreWaits: () => void;
  let opened: Window[];

  interface Window {
    readonly machine: MachineState;
    readonly starter: SandboxStarter;
    readonly sessions: Sessions;
    /** What was reported as running although it should have ended. */
    readonly reported: LeftRunning[];
  }

  before(async () => {
    restoreWaits = shortenWaits();
    // Each label is an account of its own.
    server = await startLocalModal({
      tokens: ['ak-test:as-test', 'ak-Test:as-test', 'ak-one:as-test', 'ak-two:as-test'],
    });
  });
  after(async () => {
    await server.stop();
    restoreWaits();
  });
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'left-'));
    opened = [];
  });
  afterEach(async () => {
    await server.control.clearFaults();
    for (const { starter, sessions } of opened) {
      await stopAll({ starter, sessions, stopWarmUps: async () => {} });
      await sessions.dispose();
    }
    await rm(dir, { recursive: true, force: true });
  });

  const account = (label = 'Test'): Account => ({
    label,
    choice: label,
    serverUrl: server.url,
    tokenId: `ak-${label}`,
    tokenSecret: 'as-test',
  });

  async function open(
    dependencies: Partial<StarterDependencies> = {},
    { profile = PROFILE, using = () => account() }: { profile?: object; using?: () => Account } = {},
  ): Promise<Window> {
    const machine = new MachineState(dir);
    await machine.join();
    const starter = starterOf(using, { machine, ...dependencies });
    const reported: LeftRunning[] = [];
    starter.endings?.onDidFail((left) => reported.push(left));
    const window = { machine, starter, sessions: sessionsOf(starter, profile), reported };
    opened.push(window);
    return window;
  }

  /** Closes a window as if its process had ended. */
  async function close({ sessions, machine }: Window): Promise<void> {
    await sessions.dispose();
    await machine.leave();
  }

  const running = async () => (await server.control.running()).sandboxes.length;
  const nothingRuns = () => waitFor('all sandboxes to end', 15_000, running, (count) => count === 0);
  const entries = async ({ starter }: Window) => (await starter.ledger?.all()) ?? [];
  const nothingNoted = (window: Window) =>
    waitFor(
      'the notes to be removed',
      15_000,
      () => entries(window),
      (all) => all.length === 0,
    );

  it('remembers a sandbox from before its start until its end', async () => {
    const window = await open();
    await server.control.addFault({ method: 'SandboxCreateV2', delayMs: 300, times: 1 });
    const acquiring = window.sessions.acquire(folder);
    const noted = await waitFor(
      'the note',
      10_000,
      () => entries(window),
      (all) => all.length === 1,
    );
    assert.equal(noted[0]?.sandboxId, undefined);
    const { sandbox } = await acquiring;
    const [entry] = await entries(window);
    assert.deepEqual([entry?.sandboxId, entry?.label, entry?.isDue], [sandbox.sandboxId, folder.name, false]);
    await close(window);
    assert.deepEqual([await running(), await entries(window)], [0, []]);
  });

  it("remembers a sandbox in memory if the disk can't be written", async () => {
    await writeFile(join(dir, 'started'), 'This is not a folder.');
    const window = await open();
    const { sandbox } = await window.sessions.acquire(folder);
    await server.control.addFault({ method: 'SandboxTerminateV2', code: REFUSED, times: 1 });
    await window.sessions.terminateAll();
    assert.deepEqual(
      (await entries(window)).map(({ sandboxId, isDue }) => [sandboxId, isDue]),
      [[sandbox.sandboxId, true]],
    );
    await window.starter.endings?.sweep();
    assert.deepEqual([await running(), await entries(window)], [0, []]);
  });

  it('keeps no note of a start that Modal refuses', async () => {
    const window = await open();
    await server.control.addFault({ method: 'SandboxCreateV2', code: REFUSED, times: 1 });
    await assert.rejects(window.sessions.acquire(folder));
    assert.deepEqual(await entries(window), []);
  });

  it('ends a sandbox that was started although the answer got lost', async () => {
    const window = await open();
    await server.control.addFault({ method: 'SandboxCreateV2', code: UNAVAILABLE, when: 'after' });
    await assert.rejects(window.sessions.acquire(folder));
    await nothingRuns();
    await nothingNoted(window);
  });

  it('ends a sandbox of a window that closed while it was starting, with the next window', async () => {
    const killed = new MachineState(dir, 'killed');
    const { ledger } = starterOf(account, { machine: killed });
    const modal = server.client();
    const app = await modal.apps.fromName('tests', { createIfMissing: true });
    const startId = await ledger?.notesFor(account()).willStart(app, {}, {});
    assert.ok(startId);
    const image = modal.images.fromRegistry('debian:12-slim');
    await modal.sandboxes.create(app, image, { tags: { [START_TAG]: startId } });
    const next = await open();
    assert.equal(await running(), 1);
    await next.sessions.connection();
    await nothingRuns();
    await nothingNoted(next);
  });

  it("ends in the next window what couldn't be ended when a window closed, and says so once", async () => {
    const window = await open();
    await window.sessions.acquire(folder);
    await server.control.addFault({ method: 'SandboxTerminateV2', code: REFUSED, times: 2 });
    await close(window);
    assert.deepEqual([await running(), window.reported.length], [1, 1]);
    const next = await open();
    await next.sessions.connection();
    await next.starter.endings?.sweep();
    await nothingRuns();
    await nothingNoted(next);
    assert.deepEqual(
      next.reported.map(({ entry }) => entry.label),
      [folder.name],
    );
  });

  it("reaches an account that the next window doesn't use", async () => {
    const window = await open();
    await window.sessions.acquire(folder);
    await server.control.addFault({ method: 'SandboxTerminateV2', code: REFUSED, times: 1 });
    await close(window);
    const asked: string[] = [];
    const next = await open(
      {
        accountOf: async (choice) => {
          asked.push(choice);
          return account(choice);
        },
      },
      { using: () => assert.fail('the account in use is not needed') },
    );
    await next.starter.endings?.sweep();
    await nothingRuns();
    assert.deepEqual(asked, ['Test']);
  });

  it("doesn't adopt a sandbox that a closed window meant to end", async () => {
    const window = await open();
    const { sandbox } = await window.sessions.acquire(folder);
    await server.control.addFault({ method: 'SandboxTerminateV2', code: REFUSED, times: 2 });
    await close(window);
    const next = await open();
    const { taken, sandbox: other } = await next.sessions.acquire(folder);
    assert.equal(taken, 'resumed');
    assert.notEqual(other.sandboxId, sandbox.sandboxId);
    await next.starter.endings?.sweep();
    assert.equal(await other.poll(), null);
    assert.notEqual(await sandbox.poll(), null);
  });

  it("remembers a sandbox that waited too long for its GPU and couldn't be ended", async () => {
    const window = await open();
    const { client, app } = await window.sessions.connection();
    const image = await client.images.fromRegistry('debian:12-slim').build(app);
    await server.control.set({ unavailableGpus: ['H100'] });
    const time = new Time();
    const profile = ProfileSchema.parse({ gpu: ['H100', 'T4'], hostVolume: false });
    const params = { ...sandboxParams(profile, { env: {}, tags: {} }), image };
    const starting = assert.rejects(createSandbox(client, app, params, { clock: time }), { code: REFUSED });
    await waitFor(
      'the queue',
      10_000,
      async () => time.next().length,
      (timers) => timers === 1,
    );
    await server.control.addFault({ method: 'SandboxTerminate', code: REFUSED, times: 1 });
    await time.pass(60_000);
    await starting;
    assert.equal(window.reported.length, 1);
    await window.starter.endings?.sweep();
    await nothingRuns();
    await nothingNoted(window);
  });

  it('leaves the sandboxes of other open windows alone', async () => {
    const window = await open();
    await server.control.addFault({ method: 'SandboxCreateV2', delayMs: 500, times: 1 });
    const acquiring = window.sessions.acquire(folder);
    await waitFor(
      'the note',
      10_000,
      () => entries(window),
      (all) => all.length === 1,
    );
    const next = await open();
    await next.sessions.connection();
    await next.starter.endings?.sweep();
    const { sandbox } = await acquiring;
    await next.starter.endings?.sweep();
    assert.equal(await sandbox.poll(), null);
  });

  it('gives a sandbox of the API its tags as it starts, so that none is left behind without them', async () => {
    const { sessions } = await open();
    const provider = sandboxProvider(
      { sessions } as ApiServices,
      () => {},
      () => undefined,
    );
    await server.control.addFault({ method: 'SandboxTagsSetV2', code: REFUSED });
    const handle = await provider.create({ image: 'python:3.13-slim', tags: { purpose: 'a test' } });
    assert.equal((await handle.getTags()).purpose, 'a test');
    await handle.kill();
    assert.equal(await running(), 0);
  });

  it('reports that the old sandbox still runs after a restore, and ends it when Modal answers', async () => {
    const window = await open();
    const { sandbox } = await window.sessions.acquire(folder);
    const { imageId } = await sandbox.snapshotFilesystem();
    await server.control.addFault({ method: 'SandboxTerminateV2', code: REFUSED, times: 1 });
    const restored = await window.sessions.restore(folder, 'default', { imageId });
    assert.deepEqual(
      window.reported.map(({ entry }) => entry.sandboxId),
      [sandbox.sandboxId],
    );
    assert.equal(window.starter.ledger?.isLeft(sandbox.sandboxId), true);
    await window.starter.endings?.sweep();
    assert.equal(window.starter.ledger?.isLeft(sandbox.sandboxId), false);
    assert.deepEqual([await sandbox.poll(), await restored.poll()].map(Number.isInteger), [true, false]);
  });

  it("ends a sandbox in which a setup failed at the next try, if it couldn't be ended", async () => {
    const window = await open({}, { profile: { ...PROFILE, setup: { commands: ['true'] } } });
    await server.control.addFault({ method: 'TaskSnapshotFilesystem', code: REFUSED, times: 1 });
    await server.control.addFault({ method: 'SandboxTerminateV2', code: REFUSED, times: 1 });
    await assert.rejects(window.sessions.acquire(folder));
    assert.deepEqual([await running(), window.reported.length], [1, 1]);
    const { sandbox } = await window.sessions.acquire(folder);
    assert.deepEqual(
      (await server.control.running()).sandboxes.map(({ id }) => id),
      [sandbox.sandboxId],
    );
  });

  it("doesn't wait without end for a sandbox that holds the name of a setup", async () => {
    const modal = server.client();
    const app = await modal.apps.fromName('tests', { createIfMissing: true });
    const image = modal.images.fromRegistry('debian:12-slim');
    const holder = await modal.sandboxes.create(app, image, { name: 'kind-held' });
    let waits = 0;
    const { imageId } = await sharedSnapshot(
      modal,
      app,
      { kind: 'kind', key: 'held' },
      {
        maxWaitMs: 200,
        start: (name) => modal.sandboxes.create(app, image, name === undefined ? {} : { name }),
        create: (sandbox) => snapshotOf(sandbox, undefined),
        onWait: () => (waits += 1),
      },
    );
    assert.ok(imageId && waits > 0);
    assert.equal(await running(), 1, 'only the holder is left');
    await holder.terminate();
  });

  it('ends a sandbox during whose start the account changes, however it is started', async () => {
    const starts: ((sessions: Sessions) => Promise<unknown>)[] = [
      (sessions) => sessions.acquire(folder),
      async (sessions) => sessions.create(await sessions.profile(folder)),
      (sessions) => sessions.restore(folder, 'default', { imageId }),
    ];
    let using = account('one');
    const window = await open({}, { using: () => using });
    const { image } = await window.starter.image(folder, await window.sessions.profile(folder));
    const { imageId } = image;
    for (const start of starts) {
      using = account('one');
      await window.sessions.connection();
      await server.control.addFault({ method: 'SandboxCreateV2', delayMs: 500, times: 1 });
      const starting = assert.rejects(start(window.sessions), { message: strings.accountChanged() });
      await waitFor(
        'the start',
        10_000,
        () => entries(window),
        (all) => all.length === 1,
      );
      using = account('two');
      window.starter.leaveConnection();
      await starting;
      await nothingRuns();
      assert.deepEqual(await window.sessions.sandboxesOf(folder), []);
    }
  });

  it('ends the sandboxes of folders when another account is chosen, and reports the others', async () => {
    let using = account('one');
    let busy: string | undefined;
    const window = await open({ isBusy: (id) => id === busy }, { using: () => using });
    const left: string[] = [];
    window.sessions.onDidLeaveRunning((sandboxes) => left.push(...sandboxes.map(({ sandboxId }) => sandboxId)));
    const idle = await window.sessions.acquire(folder);
    const inUse = await window.sessions.acquire({ name: 'busy', path: '/somewhere/busy' });
    const own = await window.sessions.create(await window.sessions.profile(folder));
    busy = inUse.sandbox.sandboxId;
    using = account('two');
    await window.sessions.connection();
    await waitFor(
      'the report',
      10_000,
      async () => left.length,
      (count) => count === 2,
    );
    assert.deepEqual(left.sort(), [own.sandboxId, busy].sort());
    const isRunning = async ({ sandboxId }: Sandbox) =>
      (await server.control.running()).sandboxes.some(({ id }) => id === sandboxId);
    assert.deepEqual(await Promise.all([idle.sandbox, inUse.sandbox, own].map(isRunning)), [false, true, true]);
    busy = undefined;
    await window.starter.endings?.sweep();
    assert.deepEqual(await Promise.all([inUse.sandbox, own].map(isRunning)), [false, true]);
  });

  it("stops everything in all accounts, and names what couldn't be stopped", async () => {
    const [one, two] = [
      await open({}, { using: () => account('one') }),
      await open({}, { using: () => account('two') }),
    ];
    await one.sessions.acquire(folder);
    await two.sessions.acquire({ name: 'other', path: '/somewhere/other' });
    const order: string[] = [];
    const window = await open(
      { accountOf: async (choice) => account(choice) },
      {
        using: () => {
          order.push('connection');
          return account('one');
        },
      },
    );
    const stop = async () => {
      order.push('warm-ups');
    };
    await server.control.addFault({ method: '*', code: UNAVAILABLE });
    const offline = await stopAll({ ...window, stopWarmUps: stop });
    assert.deepEqual(order, ['warm-ups', 'connection']);
    assert.equal(offline.stopped, 0);
    assert.deepEqual(offline.left.map(({ entry }) => `${entry.label} ${entry.account.label}`).sort(), [
      'other two',
      'project one',
    ]);
    await server.control.clearFaults();
    const online = await stopAll({ ...window, stopWarmUps: stop });
    assert.deepEqual(online, { stopped: 2, left: [] });
    assert.equal(await running(), 0);
    await nothingNoted(window);
  });

  it('stops a sandbox of another window that was starting while everything was stopped', async () => {
    const [starting, stopping] = [await open(), await open()];
    await server.control.addFault({ method: 'SandboxCreateV2', delayMs: 800, times: 1 });
    const refused = assert.rejects(starting.sessions.acquire(folder));
    await waitFor(
      'the note',
      10_000,
      () => entries(stopping),
      (all) => all.length === 1,
    );
    await stopAll({ ...stopping, stopWarmUps: async () => {} });
    await refused;
    await nothingRuns();
  });

  it('ends a warm sandbox whose start was canceled, without syncing to it', async () => {
    const window = new TestWindow({ url: server.url, machineDir: dir, path: dir, id: 'warm', profile: { warm: {} } });
    await window.machine.join();
    await server.control.addFault({ method: 'SandboxCreateV2', delayMs: 500, times: 1 });
    await server.control.resetCalls();
    const cancel = new AbortController();
    const filling = assert.rejects(window.pool.fill(window.target, cancel.signal));
    await waitFor(
      'the start',
      10_000,
      async () => (await server.control.calls()).SandboxCreateV2 ?? 0,
      (calls) => calls > 0,
    );
    cancel.abort();
    await filling;
    await window.close();
    assert.equal(await running(), 0);
    assert.equal((await server.control.calls()).TaskExecStart, undefined);
  });

  it('says which folder and computer a sandbox of a snapshot belongs to as it starts', async () => {
    const { sessions } = await open();
    const sandbox = await sessions.create(await sessions.profile(folder), { folder, tags: originTags(folder) });
    const tags = await sandbox.getTags();
    assert.deepEqual({ ...tags, ...originTags(folder) }, tags);
    await sessions.letGo(sandbox);
  });
});
