import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { explain } from '../../../src/modal/explain/explain.ts';
import { identify } from '../../../src/modal/identity.ts';
import { type ProxySettings, useProxy } from '../../../src/modal/proxy.ts';
import { strings } from '../../../src/modal/strings.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';

/** An HTTP proxy that prints the targets, and leads them all to this computer. */
const PROXY = `
const { createServer } = require('node:http');
const { connect } = require('node:net');
const server = createServer();
server.on('connect', ({ url, headers }, socket) => {
  console.log(url, headers['proxy-authorization'] ?? '');
  const target = connect(Number(url.split(':').at(-1)), '127.0.0.1', () => {
    socket.write('HTTP/1.1 200 OK\\r\\n\\r\\n');
    socket.pipe(target).pipe(socket);
  });
  for (const each of [socket, target]) each.on('error', () => { socket.destroy(); target.destroy(); });
});
server.listen(0, '127.0.0.1', () => console.log('port', server.address().port));
`;

const NONE: ProxySettings = { proxy: '', noProxy: [] };

describe('The proxy', () => {
  let server: RunningLocalModal;
  let proxy: ChildProcess;
  let url: string;
  let printed = '';
  before(async () => {
    server = await startLocalModal();
    proxy = spawn(process.execPath, ['-e', PROXY], { stdio: ['ignore', 'pipe', 'inherit'] });
    proxy.stdout?.setEncoding('utf8').on('data', (text: string) => (printed += text));
    while (!/^port \d+$/m.test(printed)) await once(proxy.stdout ?? proxy, 'data');
    url = `http://127.0.0.1:${/^port (\d+)$/m.exec(printed)?.[1]}`;
  });
  beforeEach(() => {
    printed = '';
  });
  after(async () => {
    useProxy(NONE);
    proxy.kill();
    await server.stop();
  });

  /** Asks who the account is, through a name that only the proxy can resolve. */
  function ask(host = 'modal.invalid') {
    const { tokenId, tokenSecret } = server;
    const serverUrl = server.url.replace('127.0.0.1', host);
    return identify({ label: 'test', tokenId, tokenSecret, serverUrl });
  }

  it('of the setting is used for Modal, with its password, but not for this computer', async () => {
    useProxy({ ...NONE, proxy: url.replace('//', '//me:word@') });
    assert.equal((await ask()).workspace, 'local');
    assert.match(printed, /^modal\.invalid:\d+ Basic bWU6d29yZA==$/m);
    printed = '';
    assert.equal((await ask('127.0.0.1')).workspace, 'local');
    assert.equal(printed, '');
  });

  it('is used for routers, too', async () => {
    useProxy({ ...NONE, proxy: url });
    const { ChannelCredentials, createChannel, createClient } = await import('../../../src/modal/sdk.ts');
    const { clientMethod } = await import('../../../src/modal/wire.ts');
    const channel = createChannel('router.invalid:443', ChannelCredentials.createSsl());
    const poll = clientMethod<object, object, false>(
      '/a/b',
      false,
      () => [],
      () => ({}),
    );
    await assert.rejects(createClient({ poll }, channel).poll({}));
    channel.close();
    assert.match(printed, /^router\.invalid:443 $/m);
  });

  it('of the environment is used in upper and lower case, except for excluded hosts', () => {
    const of = (environment: Record<string, string | undefined>, settings = NONE) => {
      useProxy(settings, environment);
      useProxy(settings, environment);
      return [environment.grpc_proxy, environment.no_grpc_proxy];
    };
    const loopback = 'localhost,127.0.0.1,::1,172.21.0.1';
    assert.deepEqual(of({}), [undefined, undefined]);
    assert.deepEqual(of({ https_proxy: 'http://a' }), ['http://a', loopback]);
    assert.deepEqual(of({ HTTP_PROXY: 'http://b', NO_PROXY: '*.corp, x' }), ['http://b', `${loopback},.corp,x`]);
    assert.deepEqual(of({ grpc_proxy: 'http://c', https_proxy: 'http://a' }), ['http://c', loopback]);
    assert.deepEqual(of({ https_proxy: 'http://a' }, { proxy: 'http://d', noProxy: ['y'] }), [
      'http://d',
      `${loopback},y`,
    ]);
    assert.deepEqual(of({ https_proxy: 'http://a', no_proxy: '*' }), [undefined, undefined]);
  });

  it("is named in the error if it's of a kind that gRPC can't use", async () => {
    useProxy({ ...NONE, proxy: 'socks5://127.0.0.1:1' });
    const error = await ask().catch((reason: unknown) => reason);
    const { message, actions } = explain(error);
    assert.ok(message.endsWith(strings.proxyUnsupported('socks5')), message);
    assert.equal(actions[0], 'showProxySettings');
  });
});
