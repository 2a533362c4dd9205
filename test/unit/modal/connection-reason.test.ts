import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { newClient } from '../../../src/modal/client.ts';
import { whyNotConnected } from '../../../src/modal/connection-reason.ts';
import { explain } from '../../../src/modal/explain/explain.ts';
import { useProxy } from '../../../src/modal/proxy.ts';
import { signInWithBrowser } from '../../../src/modal/token-flow.ts';
import { closedPort } from '../../helpers/closed-port.ts';

const file = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../fixtures/certificates/${name}`, import.meta.url)));

describe('The reason of a failed connection', () => {
  afterEach(() => useProxy({ proxy: '', noProxy: [] }));

  /** Makes one call with a client of its own, and explains why it failed. */
  async function failureAt(serverUrl: string) {
    const client = await newClient({ label: 'test', tokenId: 'ak-1', tokenSecret: 'as-1', serverUrl });
    const call = client.cpClient.clientHello({}, { retries: 0 }).finally(() => client.close());
    return call.then(() => assert.fail('nothing failed'), explain);
  }

  it('is told each time, although gRPC tells it only the first time', async () => {
    const url = `http://127.0.0.1:${await closedPort()}`;
    for (const time of ['first', 'second']) {
      const { cause, actions } = await failureAt(url);
      assert.equal(cause, `connect ECONNREFUSED ${new URL(url).host}`, time);
      assert.deepEqual(actions, ['retry', 'chooseAccount'], time);
    }
    const signal = new AbortController().signal;
    const signingIn = signInWithBrowser({ serverUrl: url, open: () => {}, timeoutMs: 60_000, signal });
    const { cause } = await signingIn.then(() => assert.fail('nothing failed'), explain);
    assert.equal(cause, `connect ECONNREFUSED ${new URL(url).host}`, 'signing in');
  });

  it('can be a certificate that is not trusted', async () => {
    const server = createTlsServer({ cert: file('server.pem'), key: file('server-key.pem') }, (socket) => socket.end());
    server.on('tlsClientError', () => {}).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = new URL(`https://localhost:${(server.address() as AddressInfo).port}`);
    assert.match(String(await whyNotConnected(url, AbortSignal.timeout(20_000))), /^unable to .* certificate/);
    server.close();
  });

  it('names a proxy that is not there, except for hosts that are reached without it', async () => {
    const proxy = `127.0.0.1:${await closedPort()}`;
    useProxy({ proxy: `http://${proxy}`, noProxy: [] });
    const { message, actions } = await failureAt('https://modal.invalid');
    assert.match(
      message,
      new RegExp(`^Couldn't reach Modal \\(proxy: connect ECONNREFUSED ${proxy}\\)\\. Check that the proxy`),
    );
    assert.deepEqual(actions, ['showProxySettings', 'retry']);
    const direct = `127.0.0.1:${await closedPort()}`;
    for (const _ of [1, 2]) assert.equal((await failureAt(`http://${direct}`)).cause, `connect ECONNREFUSED ${direct}`);
  });

  it('is not waited for once the call is canceled', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const url = new URL(`https://127.0.0.1:${(silent.address() as AddressInfo).port}`);
    const cancel = new AbortController();
    const waiting = whyNotConnected(url, cancel.signal);
    cancel.abort(new Error('enough'));
    assert.equal(await waiting, 'Error: enough');
    silent.close();
  });
});
