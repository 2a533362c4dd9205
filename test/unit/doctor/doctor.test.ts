import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Status } from 'nice-grpc-common';
import { wallClock } from '../../../src/base/clock.ts';
import type { ActionId } from '../../../src/base/errors.ts';
import { setLog } from '../../../src/base/log.ts';
import { CHECKS, type Checked, type CheckId, examine } from '../../../src/doctor/examine.ts';
import { knownSecrets, reportOf } from '../../../src/doctor/report.ts';
import type { Sources } from '../../../src/doctor/sources.ts';
import { strings } from '../../../src/doctor/strings.ts';
import { type Account, AccountError } from '../../../src/modal/accounts.ts';
import { proxyInUse, useProxy } from '../../../src/modal/proxy.ts';
import { useTrust } from '../../../src/modal/trust.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { starterOf } from '../../helpers/sessions.ts';

const HOUR_MS = 3_600_000;

describe('The doctor', () => {
  let server: RunningLocalModal;
  let folder: string;
  let account: Account;
  let sources: Sources;
  const configPath = process.env.MODAL_CONFIG_PATH;

  before(async () => {
    server = await startLocalModal({ tokens: ['ak-doctor:as-plantedaccount'] });
    folder = await mkdtemp(join(tmpdir(), 'doctor-'));
    process.env.MODAL_CONFIG_PATH = join(folder, 'modal.toml');
  });
  beforeEach(async () => {
    const { url: serverUrl, tokenId, tokenSecret } = server;
    account = { label: 'test', choice: 'profile:test', serverUrl, tokenId, tokenSecret };
    await writeFile(join(folder, 'modal.toml'), '');
    sources = {
      versions: [['Sandboxes for Modal', '1.2.3']],
      account: async () => account,
      localModal: async () => undefined,
      storage: [folder],
      hasLostToken: async () => false,
      starter: undefined,
      env: {},
      clock: wallClock,
      home: homedir(),
    };
  });
  afterEach(() => server.control.clearFaults());
  after(async () => {
    if (configPath === undefined) delete process.env.MODAL_CONFIG_PATH;
    else process.env.MODAL_CONFIG_PATH = configPath;
    await server.stop();
    await rm(folder, { recursive: true });
  });

  const check = (changes: Partial<Sources> = {}, signal = new AbortController().signal) =>
    examine({ ...sources, ...changes }, { signal });
  const found = (checked: readonly Checked[], wanted: CheckId) =>
    checked.find(({ id }) => id === wanted) ?? assert.fail(wanted);

  /** Checks that one check fails as it should, and that no other does. */
  async function fails(id: CheckId, message: RegExp, actions: readonly ActionId[], changes: Partial<Sources> = {}) {
    const checked = await check(changes);
    const { result, message: said, actions: offered } = found(checked, id);
    assert.deepEqual([result, offered], ['failed', actions], said);
    assert.match(said, message);
    assert.deepEqual(
      checked.filter(({ result: each }) => each === 'failed').map(({ id: each }) => each),
      [id],
    );
  }

  it('passes every check, and measures the start of a sandbox that it ends', async () => {
    const starter = starterOf(() => account);
    const checked = await check({
      starter,
      localModal: async () => ({ isolation: 'Sandboxes are isolated.', runtime: 'namespaces' }),
    });
    assert.deepEqual(
      checked.map(({ id, result }) => [id, result]),
      CHECKS.map((id) => [id, 'passed']),
    );
    assert.match(
      found(checked, 'sandbox').message,
      /^A sandbox started in [\d.]+ m?s, ran a command in .* ended in .*/,
    );
    assert.deepEqual((await server.control.running()).sandboxes, []);
  });

  it('starts no sandbox and makes no call without consent and an account', async () => {
    await server.control.resetCalls();
    const checked = await check({ account: () => Promise.reject(new AccountError('No Modal account is selected.')) });
    assert.deepEqual(await server.control.calls(), {});
    assert.deepEqual(found(checked, 'account').actions, ['signIn', 'useLocalModal']);
    assert.equal(found(checked, 'server').message, strings.noAccountToReach());
    assert.equal(found(await check(), 'sandbox').message, strings.sandboxNotWanted());
  });

  it('finds a server that is unreachable or never answers, a wrong clock, and a token that was revoked', async () => {
    account = { ...account, serverUrl: 'http://127.0.0.1:9' };
    await fails('server', /^Couldn't reach Modal \(.*ECONNREFUSED/, ['retry', 'chooseAccount']);
    account = { ...account, serverUrl: server.url };
    await server.control.addFault({ method: 'ClientHello', code: Status.DEADLINE_EXCEEDED, message: 'Timed out' });
    await fails('server', /^Modal didn't respond in time/, ['retry', 'showServiceStatus']);
    await server.control.clearFaults();
    for (const [offset, words] of [
      [HOUR_MS, /clock is \d.* ahead/],
      [-HOUR_MS, /clock is \d.* behind/],
    ] as const) {
      await fails('clock', words, ['retry'], { clock: { ...wallClock, now: () => Date.now() + offset } });
    }
    account = { ...account, tokenSecret: 'as-revoked' };
    await fails('account', /^Modal didn't accept the token/, ['signIn', 'createToken']);
  });

  it('finds a proxy that cannot be used or is not there, and certificates that are not verified', async () => {
    const gone = createServer();
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
    const { port } = gone.address() as { port: number };
    await new Promise((resolve) => gone.close(resolve));
    try {
      useProxy({ proxy: `http://127.0.0.1:${port}`, noProxy: [] });
      await fails('proxy', /ECONNREFUSED/, ['showProxySettings', 'retry']);
      useProxy({ proxy: 'socks5://127.0.0.1:1', noProxy: [] });
      await fails('proxy', /HTTP proxies/, ['showProxySettings']);
      useProxy({ proxy: '', noProxy: [] });
      useTrust({ verify: false, systemCertificates: false });
      assert.deepEqual(
        [found(await check(), 'proxy')].map(({ result, actions }) => [result, actions]),
        [['warning', ['showProxySettings']]],
      );
    } finally {
      useProxy({ proxy: '', noProxy: [] });
      useTrust({ verify: true, systemCertificates: true });
    }
  });

  it('finds folders that cannot be written, a broken config file, a lost token, and missing isolation', async () => {
    await writeFile(join(folder, 'file'), '');
    await fails('storage', /folder/, [], { storage: [join(folder, 'file', 'below')] });
    await writeFile(join(folder, 'modal.toml'), '[main\n');
    await fails('storage', /^Couldn't read the Modal config file/, ['openConfigFile', 'signIn', 'useLocalModal']);
    await writeFile(join(folder, 'modal.toml'), '');
    await fails('storage', /keyring/, ['signIn', 'openConfigFile'], { hasLostToken: async () => true });
    const refused = { isolation: "Sandboxes can't be isolated.", runtime: 'refused' } as const;
    await fails('localModal', /isolated/, ['showLocalModalSettings', 'signIn'], { localModal: async () => refused });
  });

  it('finds a sandbox that cannot be started, and tells of a warning of the server', async () => {
    const starter = starterOf(() => account);
    await server.control.addFault({
      method: 'SandboxCreateV2',
      code: Status.RESOURCE_EXHAUSTED,
      message: 'Workspace has reached its limit of sandboxes',
    });
    await server.control.addFault({ method: 'ClientHello', warning: 'This client is old' });
    await fails('sandbox', /limit/, ['showSandboxes', 'showUsage'], { starter });
    const { result, message } = found(await check(), 'versions');
    assert.deepEqual([result, message.endsWith('Modal warns: This client is old')], ['warning', true]);
  });

  it('ends when it is canceled, also while a sandbox starts, and reports what it has found', async () => {
    const cancel = new AbortController();
    await server.control.set({ coldStartMs: 20_000 });
    const begun = examine(
      { ...sources, starter: starterOf(() => account) },
      { signal: cancel.signal, onCheck: (id) => id === 'sandbox' && setImmediate(() => cancel.abort()) },
    );
    const checked = await begun;
    await server.control.set({ coldStartMs: 0 });
    assert.equal(found(checked, 'server').result, 'passed');
    assert.equal(found(checked, 'sandbox').message, strings.canceled());
    assert.equal(found(checked, 'versions').message, strings.canceled());
  });

  it('reports no secret of the environment, the config file, the account, or the proxy, and no name', async () => {
    const secrets = ['plantedinenv', 'plantedinconfig', 'planted@proxy', 'plantedaccount', 'planted.user'];
    const env = { MY_API_KEY: 'plantedinenv', HTTPS_PROXY: 'http://me:planted%40proxy@127.0.0.1:1' };
    const said: string[] = [];
    setLog({ info() {}, warn() {}, error: (text) => said.push(text) });
    account = {
      ...account,
      label: 'planted.user',
      owner: { user: 'planted.user', workspace: 'planted.user' },
    };
    await writeFile(join(folder, 'modal.toml'), '[main]\ntoken_secret = "as-plantedinconfig"\nbroken');
    useProxy({ proxy: env.HTTPS_PROXY, noProxy: [] });
    const words = `failed for plantedinenv of planted.user at ${join(homedir(), 'x')} with as-plantedaccount`;
    try {
      await server.control.addFault({ method: 'ClientHello', code: Status.INTERNAL, message: words });
      const checked = await check({ env });
      const { text, places, problems } = reportOf(checked, sources, knownSecrets(account, env, proxyInUse()));
      for (const secret of [...secrets, encodeURIComponent('planted@proxy'), homedir()])
        assert.ok(!text.includes(secret), `${secret} is in ${text}`);
      assert.match(text, /failed for … of … at ~\/x with as-…/);
      assert.equal(problems[0]?.result, 'failed');
      assert.ok(places.length > 0);
      for (const { line } of places) assert.match(text.split('\n')[line] ?? '', /^## [✗⚠]/u);
    } finally {
      useProxy({ proxy: '', noProxy: [] });
      setLog({ info() {}, warn() {}, error() {} });
    }
  });
});
