import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { explain } from '../../../src/modal/explain/explain.ts';
import { identify } from '../../../src/modal/identity.ts';
import { loadSdk } from '../../../src/modal/load-sdk.ts';
import { strings } from '../../../src/modal/strings.ts';
import { trustProblem, useTrust } from '../../../src/modal/trust.ts';
import { clientMethod } from '../../../src/modal/wire.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';

const file = (name: string) => fileURLToPath(new URL(`../../fixtures/certificates/${name}`, import.meta.url));
const DEFAULT = { verify: true, systemCertificates: false };

describe('Certificates of servers', () => {
  let server: RunningLocalModal;
  /** Local Modal behind a certificate of an authority that nobody knows. */
  let front: Server;
  const before_ = process.env.NODE_EXTRA_CA_CERTS;

  before(async () => {
    server = await startLocalModal();
    const target = Number(new URL(server.url).port);
    const identity = { cert: readFileSync(file('server.pem')), key: readFileSync(file('server-key.pem')) };
    front = createServer({ ...identity, ALPNProtocols: ['h2'] }, (socket) => {
      const back = connect(target, '127.0.0.1');
      for (const each of [socket, back]) each.on('error', () => [socket, back].map((one) => one.destroy()));
      socket.pipe(back).pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(front, 'listening');
  });
  afterEach(() => {
    if (before_ === undefined) delete process.env.NODE_EXTRA_CA_CERTS;
    else process.env.NODE_EXTRA_CA_CERTS = before_;
    useTrust({ verify: true, systemCertificates: true });
  });
  after(async () => {
    front.close();
    await server.stop();
  });

  const port = () => (front.address() as AddressInfo).port;
  const ask = () => {
    const { tokenId, tokenSecret } = server;
    return identify({ label: 'test', tokenId, tokenSecret, serverUrl: `https://localhost:${port()}` });
  };
  /** Makes a call as the SDK does to the router of a sandbox. Resolves with the words of its failure. */
  async function askRouter(): Promise<string> {
    const { ChannelCredentials, createChannel, createClient } = await loadSdk();
    const channel = createChannel(`localhost:${port()}`, ChannelCredentials.createSsl());
    const none = clientMethod<object, object, false>(
      '/a/b',
      false,
      () => [],
      () => ({}),
    );
    try {
      return await createClient({ none }, channel)
        .none({})
        .then(String, (error: Error) => error.message);
    } finally {
      channel.close();
    }
  }

  it('are decided on by parts of the SDK that its bundle lets `import()` find', async () => {
    const names = Object.keys(await import(new URL('../../../dist/modal-sdk.cjs', import.meta.url).href));
    for (const name of ['ChannelCredentials', 'createChannel', 'createClient', 'Metadata', 'ModalClient'])
      assert.ok(names.includes(name), name);
  });

  it("aren't trusted without their authority, and the message says what to do", async () => {
    useTrust(DEFAULT);
    const { message, actions } = explain(await ask().catch((error: unknown) => error));
    assert.match(message, /^The server's certificate isn't trusted \(unable to .*NODE_EXTRA_CA_CERTS/);
    assert.deepEqual(actions, ['showProxySettings']);
    assert.match(await askRouter(), /unable to (?:get local issuer|verify the first) certificate/);
  });

  it('are trusted with the file of NODE_EXTRA_CA_CERTS, also if the process started without it', async () => {
    process.env.NODE_EXTRA_CA_CERTS = file('authority.pem');
    useTrust(DEFAULT);
    assert.equal((await ask()).workspace, 'local');
    assert.match(await askRouter(), /UNIMPLEMENTED/);
    assert.equal(trustProblem(), undefined);
  });

  it("aren't verified if the user has switched that off, which is said", async () => {
    useTrust({ ...DEFAULT, verify: false });
    assert.equal((await ask()).workspace, 'local');
    assert.match(await askRouter(), /UNIMPLEMENTED/);
    assert.equal(trustProblem(), strings.notVerified());
  });

  it('are as before if the file is missing or has none, which is said', () => {
    process.env.NODE_EXTRA_CA_CERTS = file('server-key.pem');
    useTrust(DEFAULT);
    assert.equal(trustProblem(), strings.noCertificates(file('server-key.pem')));
    process.env.NODE_EXTRA_CA_CERTS = file('gone.pem');
    useTrust(DEFAULT);
    assert.match(trustProblem() ?? '', /gone\.pem.*ENOENT/);
  });
});
