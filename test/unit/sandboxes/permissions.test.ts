import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Prices } from '../../../src/modal/prices.ts';
import type { ProfileOrigin } from '../../../src/profiles/profiles.ts';
import { ProfileSchema } from '../../../src/profiles/schema.ts';
import { MachineState } from '../../../src/sandboxes/machine-state.ts';
import { type PermissionRequest, Permissions, type StartGate } from '../../../src/sandboxes/permissions/permissions.ts';
import { PermissionStore } from '../../../src/sandboxes/permissions/store.ts';
import { strings } from '../../../src/sandboxes/permissions/strings.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { accountOf, sessionsOf, starterOf } from '../../helpers/sessions.ts';

const DEMANDING = {
  image: { registry: 'python:3.13-slim', buildSecrets: ['PLANTED'] },
  hostVolume: false,
  warm: { sandboxes: 3, when: 'always' },
  envFile: '.env',
  secrets: ['production'],
};
const WARM = strings.keepWarm('3 sandboxes', "CPU, Modal's smallest", strings.whileOpen());
const REFRESH = strings.refreshSandboxes(strings.everyMinutes(30));

let top: string;
let root: string;
let machine: MachineState;
/** The texts of each question. */
let asked: string[][];
let answer: boolean | undefined;
let permissions: Permissions;

const named = (profile: object, origin: ProfileOrigin = 'folder') => ({
  name: 'p',
  profile: ProfileSchema.parse(profile),
  origin,
});

beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'permissions-'));
  root = join(top, 'folder');
  await mkdir(root);
  await writeFile(join(root, '.env'), 'FROM_FILE=1\nMODAL_TOKEN_ID=ak-1\n');
  machine = new MachineState(join(top, 'machine'), 'window');
  [asked, answer] = [[], true];
  permissions = permissionsWith();
});
afterEach(() => rm(top, { recursive: true }));

function permissionsWith(): Permissions {
  return new Permissions(new PermissionStore(machine), async (_, effects) => {
    asked.push(effects.map(({ text }) => text));
    return answer;
  });
}

describe('Permissions', () => {
  const request = (profile: object, more: Partial<PermissionRequest> = {}): PermissionRequest => ({
    root,
    accountId: 'account',
    isLocal: true,
    prices: new Prices(),
    named: named(profile),
    ...more,
  });
  const require = (profile: object, more: Partial<PermissionRequest> = {}, mayAsk = true) =>
    permissions.require(request(profile, more), { files: async () => [], mayAsk });

  it('asks once, by name, and remembers the answer in other windows', async () => {
    await require(DEMANDING);
    assert.deepEqual(asked, [
      [WARM, REFRESH, strings.buildVariable('PLANTED'), strings.envFile('.env'), strings.secret('production')],
    ]);
    permissions = permissionsWith();
    assert.deepEqual((await require(DEMANDING)).named, named(DEMANDING));
    assert.equal(asked.length, 1);
  });

  it('names everything, however much that is, and remembers nothing if a later question is canceled', async () => {
    const names = Array.from({ length: 20 }, (_, at) => `secret-${at}`);
    const many = { secrets: names };
    let questions = 0;
    const store = new PermissionStore(machine);
    const canceling = new Permissions(store, async () => {
      questions += 1;
      return questions === 1 ? true : undefined;
    });
    await assert.rejects(canceling.require(request(many), { files: async () => [], mayAsk: true }), {
      message: strings.canceled(),
    });
    assert.deepEqual([questions, (await store.answers(request(many))).size], [2, 0]);
    await require(many);
    assert.deepEqual(
      [asked.map((texts) => texts.length), asked.flat()],
      [[12, 8], names.map((name) => strings.secret(name))],
    );
  });

  it('asks nothing about a profile that causes nothing', async () => {
    await require({ gpu: 'T4', pull: ['*.csv'] });
    await require(DEMANDING, { named: named(DEMANDING, 'user') });
    assert.deepEqual(asked, []);
  });

  it('asks only about what is new after a change', async () => {
    await require(DEMANDING);
    await require({ ...DEMANDING, secrets: ['production', 'payment'] });
    assert.deepEqual(asked[1], [strings.secret('payment')]);
  });

  it('asks again for another account and another folder, but not for a link to the folder', async () => {
    await require({ secrets: ['s'] });
    await symlink(root, join(top, 'link'));
    await require({ secrets: ['s'] }, { root: join(top, 'link') });
    assert.equal(asked.length, 1);
    await require({ secrets: ['s'] }, { accountId: 'other' });
    await require({ secrets: ['s'] }, { root: top });
    assert.equal(asked.length, 3);
  });

  it('remembers a no: the run goes on without the environment file, and warm-ups and moves stay off', async () => {
    answer = false;
    const profile = { envFile: '.env', warm: {}, carryOver: true };
    const { named: permitted } = await require(profile);
    assert.deepEqual([permitted.profile.envFile, permitted.refusedEnvFile], [undefined, '.env']);
    assert.equal(permitted.profile.carryOver, false);
    assert.equal((await permissions.applied(request(profile))).profile.envFile, undefined);
    assert.equal(await permissions.allowsWarmUps(request(profile)), false);
    await require(profile);
    assert.equal(asked.length, 1);
  });

  it('explains which part of a profile was refused, and how to change that', async () => {
    answer = false;
    const message = strings.refused('p', strings.secret('s'));
    await assert.rejects(require({ secrets: ['s'], warm: {} }), { name: 'UserError', message });
    await assert.rejects(require({ secrets: ['s'], warm: {} }), { message });
    assert.equal(asked.length, 1);
    assert.match(message, /Review Folder Permissions/);
  });

  it('starts nothing and remembers nothing if the user cancels', async () => {
    answer = undefined;
    await assert.rejects(require({ secrets: ['s'] }), { message: strings.canceled() });
    answer = true;
    await require({ secrets: ['s'] });
    assert.equal(asked.length, 2);
  });

  it('asks one question for two runs at the same time', async () => {
    await Promise.all([require({ secrets: ['s'] }), require({ secrets: ['s'] })]);
    assert.equal(asked.length, 1);
  });

  it('asks no one if no one waits, and refuses', async () => {
    await assert.rejects(require({ secrets: ['s'] }, {}, false), { message: strings.notAllowedYet('p') });
    assert.deepEqual(asked, []);
  });

  it('asks once about a variable of this computer that tasks contain, and refuses a task without it', async () => {
    const scope = { root, accountId: 'account' };
    await permissions.requireTask(scope, 'test', ['A']);
    await permissions.requireTask(scope, 'build', ['A']);
    answer = false;
    const message = strings.taskRefused('build', strings.taskVariable('B'));
    for (const _ of [1, 2])
      await assert.rejects(permissions.requireTask(scope, 'build', ['A', 'B']), { name: 'UserError', message });
    answer = undefined;
    await assert.rejects(permissions.requireTask(scope, 'build', ['C']), { message: strings.canceled() });
    assert.deepEqual(asked, [['A', 'B', 'C'].map((name) => [strings.taskVariable(name)])].flat());
    assert.equal((await permissions.answers(scope)).size, 2, 'what was canceled is asked again');
  });

  it('lists all answers for a review, and withdraws one', async () => {
    await require({ secrets: ['old'] });
    const profile = { secrets: ['new'] };
    await require(profile);
    const reviewed = await permissions.review(request(profile));
    assert.deepEqual(
      reviewed.map(({ text, allowed }) => [text, allowed]),
      [
        [strings.secret('new'), true],
        [strings.secret('old'), true],
      ],
    );
    await permissions.answer(request(profile), reviewed.slice(0, 1), false);
    await assert.rejects(require(profile), { message: strings.refused('p', strings.secret('new')) });
  });

  it('asks again about files only if there are many more of them', async () => {
    const sending = (bytes: number) =>
      permissions.require(request({}, { isLocal: false }), { files: async () => [{ path: 'a', bytes }], mayAsk: true });
    for (const bytes of [1_000, 150_000_000, 250_000_000, 400_000_000, 600_000_000]) await sending(bytes);
    assert.equal(asked.length, 3);
  });

  it("goes on for this window with answers that can't be written", async () => {
    if (process.geteuid?.() === 0) await writeFile(join(top, 'machine'), 'not a folder');
    else {
      await mkdir(join(top, 'machine'));
      await chmod(join(top, 'machine'), 0o500);
    }
    await require({ secrets: ['s'] });
    await require({ secrets: ['s'] });
    assert.equal(asked.length, 1);
  });
});

describe('SandboxStarter', () => {
  let server: RunningLocalModal;
  const folder = () => ({ name: 'folder', path: root });

  before(async () => {
    server = await startLocalModal({ seed: { secrets: { production: { KEY: 'value' } } } });
  });
  after(() => server.stop());
  beforeEach(() => server.control.resetCalls());

  const starter = () => starterOf(() => accountOf(server), { gate: permissions, machine });
  /** What was created, used, or listed, apart from signing in and opening the app. */
  const calls = async () =>
    Object.keys(await server.control.calls()).filter((name) => /Sandbox|Image|Secret|Volume|Mount/.test(name));

  it("doesn't start a warm sandbox for a folder whose profile nobody has allowed", async () => {
    const signal = AbortSignal.timeout(10_000);
    const message = strings.notAllowedYet('p');
    await assert.rejects(starter().startSpare(folder(), named(DEMANDING), signal), { message });
    await assert.rejects(starter().image(folder(), named(DEMANDING), { isUnattended: true }), { message });
    assert.deepEqual([asked, await calls()], [[], []]);
  });

  it('builds and starts nothing before the user answers a run, and nothing after a no', async () => {
    const refused = new Permissions(new PermissionStore(machine), async () => {
      asked.push(await calls());
      return false;
    });
    const own = starterOf(() => accountOf(server), { gate: refused, machine });
    await assert.rejects(own.start(await own.connection(), named(DEMANDING), { folder: folder() }), {
      message: /^Profile “p” needs something that you didn't allow \(Read the variable PLANTED/,
    });
    assert.deepEqual([asked, await calls()], [[[]], []]);
  });

  it('lists the files that an image copies once, however a sandbox is started', async () => {
    let lists = 0;
    const gate: StartGate = {
      require: (request, options) =>
        permissions.require(request, {
          ...options,
          files: () => {
            lists += 1;
            return options.files();
          },
        }),
    };
    const own = starterOf(() => accountOf(server), { gate, machine });
    await writeFile(join(root, 'Dockerfile'), 'FROM python:3.13-slim\nCOPY .env /\n');
    const profile = { image: { dockerfile: 'Dockerfile' }, hostVolume: false };
    const sessions = sessionsOf(own, profile);
    const acquired = await sessions.acquire(folder());
    assert.equal(lists, 1, 'for a run');
    assert.equal(await (await acquired.sandbox.exec(['cat', '/.env'])).wait(), 0, 'the answer about the file counts');
    await sessions.acquire(folder());
    assert.equal(lists, 1, 'for a second run');
    await own.terminate(await own.startSpare(folder(), named(profile), AbortSignal.timeout(10_000)));
    assert.equal(lists, 2, 'for a warm sandbox');
    await own.terminate(await own.start(await own.connection(), named(profile), { folder: folder() }));
    assert.equal(lists, 3, 'for a sandbox of no folder');
    await sessions.dispose();
  });

  it('sets no token of a Modal account in a sandbox, even if the environment file has one', async () => {
    const own = starter();
    const profile = named({ image: 'python:3.13-slim', hostVolume: false, envFile: '.env' });
    const sandbox = await own.start(await own.connection(), profile, { folder: folder() });
    const { stdout } = await sandbox.exec(['sh', '-c', 'env']);
    const variables = await stdout.readText();
    assert.match(variables, /^FROM_FILE=1$/m);
    assert.doesNotMatch(variables, /MODAL_TOKEN_ID=ak-1/);
    await own.terminate(sandbox);
  });
});
