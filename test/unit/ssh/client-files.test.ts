import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../../src/base/errors.ts';
import { writePrivateFile } from '../../../src/base/private-files.ts';
import { SshActivity } from '../../../src/ssh/activity.ts';
import { launcherText } from '../../../src/ssh/client-config.ts';
import { noteConnection, openConnections } from '../../../src/ssh/connections.ts';
import { type NewHost, SshFolder } from '../../../src/ssh/hosts.ts';
import { UserConfig } from '../../../src/ssh/user-config.ts';
import { askForAccount, startInWindow, WindowRequests } from '../../../src/ssh/windows.ts';
import { Time } from '../../helpers/time.ts';
import { run } from './ssh-client.ts';

describe('The files for SSH on this computer', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ssh-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const LINE = 'Include "/a b/config"';
  for (const [title, text] of [
    ['that does not exist', undefined],
    ['that is empty', ''],
    ['with hosts', 'Host one\n  User a\n\nHost *\n  User b\n'],
    ['with Windows line ends', 'Host one\r\n  User a\r\n'],
    ['without a line end', 'Host one'],
  ] as const)
    it(`add one line to the top of a config ${title}, and remove just that`, async () => {
      const path = join(folder, '.ssh', 'config');
      await mkdir(join(folder, '.ssh'));
      if (text !== undefined) await writeFile(path, text, { mode: 0o644 });
      const config = new UserConfig(path, LINE);
      await config.add();
      const added = await readFile(path, 'utf8');
      assert.ok(added.startsWith(`${LINE}\n`) && added.endsWith(text ?? ''));
      await config.add();
      assert.equal(await readFile(path, 'utf8'), added);
      assert.equal((await stat(path)).mode & 0o777, text === undefined ? 0o600 : 0o644);
      await config.remove();
      assert.equal(await readFile(path, 'utf8'), text ?? '');
    });

  it('keep a config that is a link to another file', async () => {
    const [path, target] = [join(folder, 'config'), join(folder, 'dotfile')];
    await writeFile(target, 'Host one\n');
    await symlink(target, path);
    await new UserConfig(path, LINE).add();
    assert.ok((await lstat(path)).isSymbolicLink());
    assert.equal(await readFile(target, 'utf8'), `${LINE}\n\nHost one\n`);
  });

  it('name hosts after folders and profiles, and keep a name for the next sandbox of the same place', async () => {
    const hosts = new SshFolder(folder);
    await hosts.create();
    const host = (sandboxId: string, tags?: Record<string, string>): NewHost => ({
      ...{ title: 'x', account: 'local', app: 'a', user: 'root', sandboxId },
      ...(tags && { tags }),
    });
    const name = async (wanted: string, of: NewHost) => (await hosts.put(wanted, of)).name;
    assert.equal(await name('My Project (v2)', host('sb-1', { folder: 'a', profile: 'p' })), 'modal-my-project-v2');
    assert.equal(await name('My Project (v2)', host('sb-2', { profile: 'p', folder: 'a' })), 'modal-my-project-v2');
    assert.equal(await name('My project v2', host('sb-3', { folder: 'b', profile: 'p' })), 'modal-my-project-v2-2');
    assert.equal(await name('日本', host('sb-4')), 'modal-sandbox');
    assert.equal(await name('../../etc', host('sb-5')), 'modal-etc');
    assert.equal((await hosts.host('modal-my-project-v2'))?.sandboxId, 'sb-2');
    assert.equal(await hosts.host('../hosts/modal-etc'), undefined);
  });

  it('say what to do if the extension was updated, and use node if the editor is gone', async () => {
    const hosts = new SshFolder(folder);
    const relay = join(folder, "it's a relay.cjs");
    const launcher = join(folder, 'relay.sh');
    await writeFile(launcher, launcherText({ editor: join(folder, 'gone'), relay }, hosts, 'It was updated.'));
    const launched = () => run('/bin/sh', [launcher, 'modal-x']);
    const { code, stderr } = await launched();
    assert.deepEqual([code, stderr], [1, 'It was updated.\n']);
    await writeFile(relay, 'console.log(process.argv.slice(2).join("|"), process.env.ELECTRON_RUN_AS_NODE)');
    assert.equal((await launched()).stdout.toString(), `${folder}|modal-x 1\n`);
  });

  it('give the token of a window only to programs that can read its key, and only while it is open', async () => {
    const hosts = new SshFolder(folder);
    await hosts.create();
    const account = { label: 'x', tokenId: 'ak-1', tokenSecret: 'as-1', serverUrl: 'http://localhost:1' };
    const window = new WindowRequests(hosts, {
      account: async (choice) => {
        if (choice !== 'token:mine') throw new Error('No such account');
        return account;
      },
      startOf: async () => undefined,
    });
    await window.serve();
    await window.serve();
    const { label: _, ...tokens } = account;
    assert.deepEqual(await askForAccount(hosts, 'token:mine'), {
      ...tokens,
      label: 'token:mine',
      choice: 'token:mine',
    });
    assert.equal(await askForAccount(hosts, 'environment'), undefined);
    const [file = ''] = await readdir(hosts.windows());
    const path = join(hosts.windows(), file);
    const offer = await readFile(path, 'utf8');
    assert.ok(!offer.includes('as-1'));
    await writeFile(path, JSON.stringify({ ...JSON.parse(offer), key: 'wrong' }));
    assert.equal(await askForAccount(hosts, 'token:mine'), undefined);
    await writeFile(path, offer);
    await chmod(path, 0o644);
    assert.equal(await askForAccount(hosts, 'token:mine'), undefined);
    await chmod(path, 0o600);
    await window.dispose();
    assert.equal(await askForAccount(hosts, 'token:mine'), undefined);
  });

  it('ask the windows of a folder to start its sandbox, say that they do, and pass on why they could not', async () => {
    const hosts = new SshFolder(folder);
    await hosts.create();
    const account = () => Promise.reject(new Error('No account'));
    const windows = [
      new WindowRequests(hosts, { account, startOf: async () => undefined }),
      new WindowRequests(hosts, {
        account,
        startOf: async (host) => async () => {
          if (host !== 'modal-x') throw new UserError('The image failed.');
          return 'sb-1';
        },
      }),
    ];
    for (const each of windows) await each.serve();
    let starts = 0;
    const start = (host: string) => startInWindow(hosts, host, () => (starts += 1));
    assert.equal(await start('modal-x'), 'sb-1');
    await assert.rejects(start('modal-y'), { name: 'UserError', message: 'The image failed.' });
    assert.equal(starts, 2);
    await windows[1]?.dispose();
    assert.equal(await start('modal-x'), undefined);
    assert.equal(starts, 2);
    await windows[0]?.dispose();
  });

  it('cancel a start whose program has gone', async () => {
    const hosts = new SshFolder(folder);
    await hosts.create();
    const canceled = Promise.withResolvers<void>();
    const window = new WindowRequests(hosts, {
      account: () => Promise.reject(new Error('No account')),
      startOf: async () => async (signal) => {
        await once(signal, 'abort');
        canceled.resolve();
        return 'sb-1';
      },
    });
    await window.serve();
    const [file = ''] = await readdir(hosts.windows());
    const { address, key } = JSON.parse(await readFile(join(hosts.windows(), file), 'utf8'));
    const socket = connect(address);
    socket.write(`${JSON.stringify({ key, start: 'modal-x' })}\n`);
    assert.equal(String((await once(socket, 'data'))[0]), '{"starting":true}\n');
    socket.destroy();
    await canceled.promise;
    await window.dispose();
  });

  it('list open connections without those of programs that have ended', async () => {
    const hosts = new SshFolder(folder);
    const forget = await noteConnection(hosts, { sandboxId: 'sb-1', host: 'modal-x' });
    assert.deepEqual(await openConnections(hosts), [{ sandboxId: 'sb-1', host: 'modal-x', pid: process.pid }]);
    const { pid } = spawnSync('true');
    await writePrivateFile(
      join(hosts.connections(), 'killed.json'),
      JSON.stringify({ sandboxId: 'sb-1', host: 'modal-x', pid }),
    );
    assert.equal((await openConnections(hosts)).length, 1);
    await forget();
    assert.deepEqual(await openConnections(hosts), []);
    assert.deepEqual(await readdir(hosts.connections()), []);
  });
});

describe('The use of an SSH connection', () => {
  /** Says what happens a number of seconds later, and how many bytes it takes. */
  const cases: [title: string, events: [seconds: number, from: 'client' | 'server', bytes: number][], quiet: number][] =
    [
      [
        'ends with the last byte',
        [
          [5, 'client', 500],
          [1, 'server', 9000],
        ],
        0,
      ],
      [
        'includes a key and its echo',
        [
          [39, 'client', 36],
          [0, 'server', 36],
        ],
        0,
      ],
      [
        'includes the output of a program, also in small pieces',
        [
          [41, 'server', 44],
          [0, 'client', 36],
          [20, 'server', 44],
        ],
        0,
      ],
      [
        'includes output that comes with a sign of life',
        [
          [40, 'server', 60],
          [0, 'server', 60],
        ],
        0,
      ],
      [
        'does not include signs of life',
        [
          [40, 'server', 60],
          [1, 'client', 36],
          [40, 'server', 60],
          [1, 'client', 36],
        ],
        82,
      ],
    ];
  for (const [title, events, quiet] of cases)
    it(title, async () => {
      const clock = new Time();
      const activity = new SshActivity(clock, 40_000);
      for (const [seconds, from, bytes] of events) {
        await clock.pass(seconds * 1000);
        if (from === 'client') activity.fromClient(bytes);
        else activity.fromServer(bytes);
      }
      assert.equal(activity.quietMs / 1000, quiet);
    });
});
