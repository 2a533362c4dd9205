import assert from 'node:assert/strict';
import { UserError } from '../../../src/base/errors.ts';
import { describeIdentity, identify } from '../../../src/modal/identity.ts';
import { type SignInPage, signInWithBrowser } from '../../../src/modal/token-flow.ts';
import { type RunningLocalModal, startLocalModal } from '../../helpers/local-modal.ts';

describe('Signing in with the browser', () => {
  let server: RunningLocalModal;
  before(async () => {
    server = await startLocalModal({ args: ['--sign-in'] });
  });
  after(() => server.stop());

  function begin({ timeoutMs = 30_000, cancel = new AbortController() } = {}) {
    const { promise: page, resolve: open } = Promise.withResolvers<SignInPage>();
    const options = { serverUrl: server.url, open, timeoutMs, signal: cancel.signal };
    return { signedIn: signInWithBrowser(options), page, cancel };
  }

  async function agree(url: string): Promise<void> {
    const body = new URLSearchParams({ password: await server.printedPassword(url) });
    const { status } = await fetch(url, { method: 'POST', headers: { origin: new URL(url).origin }, body });
    assert.equal(status, 200);
  }

  /** Returns what the program answers on the port that the page knows. */
  async function answerTo(pageUrl: string): Promise<{ text: string; allowed: string | null }> {
    const [port] = /http:\/\/127\.0\.0\.1:\d+\//.exec(await (await fetch(pageUrl)).text()) ?? [''];
    const response = await fetch(port);
    return { text: await response.text(), allowed: response.headers.get('access-control-allow-origin') };
  }

  it('gives a token of the account after the user has agreed on the page, which shows the same code', async () => {
    const { signedIn, page } = begin();
    const { url, code } = await page;
    assert.match(await (await fetch(url)).text(), new RegExp(code));
    assert.deepEqual(await answerTo(url), { text: url.split('/').at(-1), allowed: '*' });
    await agree(url);
    const { tokenId, tokenSecret, workspace } = await signedIn;
    assert.equal(workspace, 'local');
    const identity = await identify({ label: 'new', tokenId, tokenSecret, serverUrl: server.url });
    assert.deepEqual(identity, { workspace: 'local', user: 'you' });
    assert.equal(describeIdentity(identity), 'you@local');
    const wrong = identify({ label: 'wrong', tokenId, tokenSecret: 'as-wrong', serverUrl: server.url });
    await assert.rejects(wrong, /UNAUTHENTICATED/);
  });

  it('continues after a lost connection', async () => {
    await server.control.addFault({ method: 'TokenFlowWait', code: 14, times: 1 });
    const { signedIn, page } = begin();
    await agree((await page).url);
    assert.ok((await signedIn).tokenSecret);
  });

  it('ends when the user cancels, when the time is over, and when the server is away', async () => {
    const canceled = begin();
    await canceled.page;
    canceled.cancel.abort();
    await assert.rejects(canceled.signedIn, { name: 'AbortError' });
    await assert.rejects(begin({ timeoutMs: 200 }).signedIn, UserError);
    const signal = new AbortController().signal;
    const away = signInWithBrowser({ serverUrl: 'http://127.0.0.1:9', open: () => {}, timeoutMs: 10_000, signal });
    await assert.rejects(away, /UNAVAILABLE/);
  });
});
