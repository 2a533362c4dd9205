import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { setLog } from '../../../src/base/log.ts';
import { connect, isSdkWarning, onServerWarning } from '../../../src/modal/client.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';
import { accountOf } from '../../helpers/sessions.ts';

describe("Warnings of Modal's servers", () => {
  const silent = { info: () => {}, warn: () => {}, error: () => {} };
  const logged: string[] = [];
  const warned: string[] = [];
  let server: RunningLocalModal;
  let stopListening: () => void;

  before(async () => {
    server = await startLocalModal();
    setLog({ ...silent, warn: (message) => logged.push(message) });
    const listening = onServerWarning((text) => warned.push(text));
    stopListening = () => listening.dispose();
  });
  beforeEach(() => {
    logged.length = 0;
    warned.length = 0;
  });
  after(async () => {
    stopListening();
    setLog(silent);
    await server.stop();
  });

  it('reach the log and the listeners, one by one and decoded, once per client', async () => {
    await server.control.addFault({ method: 'AppGetOrCreate', warning: 'Python 3.9, “the old one”, is deprecated' });
    await server.control.addFault({ method: 'AppGetOrCreate', warning: '100% of 5 sandboxes' });
    const client = await connect(accountOf(server));
    for (const name of ['one', 'two']) await client.apps.fromName(name, { createIfMissing: true });
    assert.deepEqual(warned, ['Python 3.9, “the old one”, is deprecated', '100% of 5 sandboxes']);
    assert.deepEqual(
      logged,
      warned.map((text) => `Modal: ${text}`),
    );
    await server.control.clearFaults();
  });

  it("don't include what the SDK itself reports, which is only logged", async () => {
    await server.control.addFault({ method: 'AppGetOrCreate', retryAfterSecs: 0.1, times: 1, message: 'Too fast' });
    await (await connect(accountOf(server))).apps.fromName('three', { createIfMissing: true });
    assert.deepEqual(warned, []);
    assert.equal(logged.length, 1);
    assert.match(logged[0] ?? '', /^Modal: Server requested retry delay.* message Too fast method .*AppGetOrCreate$/);
    await server.control.clearFaults();
  });

  it('are told from all warnings that the SDK itself can give', async () => {
    const sdk = await readFile(createRequire(import.meta.url).resolve('modal'), 'utf8');
    const own = [...sdk.matchAll(/\.warn\(\s*(["'`])((?:(?!\1).)+)\1\s*\)/gs)].map(([, , text = '']) => text);
    assert.ok(own.length >= 5, `${own.length} warnings`);
    assert.deepEqual(
      own.filter((text) => !isSdkWarning(text)),
      [],
    );
    assert.equal(isSdkWarning('Your workspace is over its limit'), false);
  });
});
