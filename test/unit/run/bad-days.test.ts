import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Status } from 'nice-grpc-common';
import type { FaultRequest } from '../../../local/grpc/faults.ts';
import type { ActionId } from '../../../src/base/errors.ts';
import { type Account, resolveAccount } from '../../../src/modal/accounts.ts';
import { limitCalls, limitedExec } from '../../../src/modal/call-limits.ts';
import { explain } from '../../../src/modal/explain/explain.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { accountOf } from '../../helpers/sessions.ts';
import { type LocalFolder, localFolder, startScript } from './local-runs.ts';

/** What is wrong on a bad day, what users read, and the first buttons. */
interface BadDay {
  readonly title: string;
  readonly fault?: FaultRequest;
  /** The profile that the day is about. */
  readonly profile?: object;
  readonly account?: () => Promise<Account>;
  readonly says: RegExp;
  readonly actions: readonly ActionId[];
}

const IMAGE = { image: 'python:3.13-slim', hostVolume: false };
const exhausted = (method: string, message: string) => ({ method, code: Status.RESOURCE_EXHAUSTED, message });
const at = (serverUrl: string): Account => ({ label: 'test', tokenId: 'ak-1', tokenSecret: 'as-1', serverUrl });

const DAYS: readonly BadDay[] = [
  {
    title: 'offline',
    account: async () => at('https://modal.invalid'),
    says: /^Couldn't reach Modal \(.*\)\. You might be offline\./,
    actions: ['retry', 'useLocalModal'],
  },
  {
    title: 'with a broken config file',
    account: () =>
      resolveAccount('profile:main', {
        env: {},
        readConfigFile: async () => '[main\ntoken_id = "ak-1"',
        readStoredToken: () => assert.fail(),
        startLocalModal: () => assert.fail(),
      }),
    says: /^Couldn't read the Modal config file: .* Sign in, or use Local Modal\.$/,
    actions: ['openConfigFile', 'signIn', 'useLocalModal'],
  },
  {
    title: "at the plan's limit of sandboxes",
    fault: exhausted('SandboxCreateV2', 'Limit of 100 running sandboxes reached'),
    says: /^You've reached your plan's limit on running sandboxes/,
    actions: ['showSandboxes', 'showUsage'],
  },
  {
    title: "at the plan's limit of GPUs",
    fault: exhausted('SandboxCreateV2', 'GPU limit of 10 reached'),
    says: /^You've reached your plan's limit on GPUs/,
    actions: ['showSandboxes', 'showUsage'],
  },
  {
    title: 'at the quota of volumes',
    profile: { ...IMAGE, volumes: { '/data': { name: 'data', createIfMissing: true } } },
    fault: exhausted('VolumeGetOrCreate', 'Workspace has too many volumes'),
    says: /^You've reached a limit on volumes/,
    actions: ['showUsage'],
  },
  {
    title: "with a region that isn't there",
    profile: { ...IMAGE, regions: ['mars'] },
    says: /^Modal doesn't have this region or cloud \(Unknown region: mars\)/,
    actions: ['chooseRegion'],
  },
  {
    title: "with a GPU that isn't there",
    profile: { ...IMAGE, gpu: 'H100' },
    fault: { method: 'SandboxCreate', code: Status.INVALID_ARGUMENT, message: 'Unknown GPU type: H100' },
    says: /^Modal doesn't have this GPU \(Unknown GPU type: H100\)/,
    actions: ['chooseGpu'],
  },
  {
    title: "with an image that can't be built",
    profile: { image: { registry: 'python:3.13-slim', commands: ['exit 3'] }, hostVolume: false },
    says: /exit code 3/,
    actions: [],
  },
];

describe('On a bad day', () => {
  let server: RunningLocalModal;
  let folder: LocalFolder | undefined;
  before(async () => {
    server = await startLocalModal();
  });
  afterEach(async () => {
    await server.control.clearFaults();
    await folder?.dispose();
    folder = undefined;
  });
  after(() => server.stop());

  for (const { title, fault, profile = IMAGE, account, says, actions } of DAYS)
    it(`${title}, a run says so and offers the next step, and the next one has all files`, async () => {
      let current = account;
      folder = await localFolder(async () => (current ? current() : accountOf(server)), profile);
      await writeFile(join(folder.path, 'kept.txt'), 'kept');
      if (fault) await server.control.addFault(fault);
      const result = await (await startScript(folder, 'cat kept.txt')).run.done;
      assert.equal(result.outcome, 'failed');
      assert.match(result.error ?? '', says);
      const offered = result.outcome === 'failed' ? (result.actions ?? []) : [];
      assert.deepEqual(offered.slice(0, actions.length), actions);
      assert.deepEqual((await server.control.running()).sandboxes, []);
      assert.deepEqual(readdirSync(folder.path).sort(), ['a.sh', 'kept.txt']);
      if (!fault && !account) return;
      current = undefined;
      await server.control.clearFaults();
      const { run, text } = await startScript(folder, 'cat kept.txt');
      assert.equal((await run.done).exitCode, 0);
      assert.match(text.output, /kept/);
    });

  it('with a clock that is an hour off, in either direction, everything works', async () => {
    const { now } = Date;
    folder = await localFolder(server, IMAGE);
    try {
      for (const offsetMs of [3_600_000, -3_600_000]) {
        Date.now = () => now() + offsetMs;
        const { run, text } = await startScript(folder, `echo at ${offsetMs}`);
        assert.equal((await run.done).exitCode, 0, text.status);
        assert.match(text.output, new RegExp(`at ${offsetMs}`));
      }
    } finally {
      Date.now = now;
    }
  });

  it('with a server that never answers, a run ends as soon as it is canceled', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket.on('error', () => {}))).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    folder = await localFolder(async () => at(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`), IMAGE);
    const { run } = await startScript(folder, 'true');
    await once(silent, 'connection');
    run.cancel();
    assert.equal((await run.done).outcome, 'canceled');
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  it('with a server that answers pings only, calls and the starts of sandboxes and commands end with a sentence', async () => {
    const limits = { quickMs: 200, slowMs: 300, firstCommandMs: 400, nextCommandMs: 500 };
    const client = server.client({ grpcMiddleware: [limitCalls(limits)] });
    const find = () => client.apps.fromName('tests', { createIfMissing: true });
    const app = await find();
    const image = client.images.fromRegistry('python:3.13-slim');
    const sandbox = await server.client().sandboxes.create(app, image);
    const exec = () => limitedExec(sandbox.exec, limits).call(sandbox, ['true'], { mode: 'binary' });
    const check = async (call: () => Promise<unknown>, limitMs: number) => {
      const { message, actions } = explain(await call().catch((reason: unknown) => reason));
      assert.ok(
        message.startsWith(`Modal didn't respond in time (no answer within ${limitMs / 1000} seconds).`),
        message,
      );
      assert.deepEqual(actions, ['retry', 'showServiceStatus']);
    };
    for (const method of ['AppGetOrCreate', 'SandboxCreateV2', 'TaskExecStart'])
      await server.control.addFault({ method, delayMs: 600_000 });
    await check(find, limits.quickMs);
    await check(() => client.sandboxes.create(app, image), limits.slowMs);
    await check(exec, limits.firstCommandMs);
    await server.control.clearFaults();
    await exec();
    await server.control.addFault({ method: 'TaskExecStart', delayMs: 600_000 });
    await check(exec, limits.nextCommandMs);
    await sandbox.terminate();
  });

  it('with a full disk or a read-only home, what fails says so, and nothing is lost', async () => {
    const disk = await mkdtemp(join(tmpdir(), 'small-disk-'));
    const child = fileURLToPath(new URL('small-disk.ts', import.meta.url));
    const args = ['--user', '--map-root-user', '--mount', process.execPath, child, server.url, disk];
    const { stdout } = await promisify(execFile)('unshare', args);
    await rm(disk, { recursive: true });
    const { full, left, again, pulled, readOnly } = JSON.parse(stdout);
    assert.match(full, /^Pulled 1 file; 1 rejected: big\.bin \(the disk is full\)\.$/m);
    assert.deepEqual(left, []);
    assert.match(again, /^Pulled 1 file/m);
    assert.equal(pulled, 'kept');
    for (const message of readOnly) assert.match(message, /^The file system is read-only \(.*\)\. Use a folder/);
  });
});
