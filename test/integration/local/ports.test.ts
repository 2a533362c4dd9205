import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { strings } from '../../../src/providers/ports/strings.ts';
import { closedPort } from '../../helpers/closed-port.ts';
import {
  activate,
  answering,
  closeTerminals,
  eventually,
  printed,
  runFile,
  writeWorkspaceFile,
} from '../extension-under-test.ts';

/** Prints its URL with a path, as Jupyter does with its token. */
const SERVER = `
import http.server, os
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'page of ' + self.path.encode())
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Page)
print(f'http://localhost:{server.server_port}/lab?token=1', os.environ['MODAL_SANDBOX_ID'], flush=True)
server.serve_forever()
`;

/** Listens on several ports, and prints their URLs. */
const LISTENER = `
import http.server, threading
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f'page of port {self.server.server_port}'.encode())
for port in PORTS:
    threading.Thread(target=http.server.ThreadingHTTPServer(('127.0.0.1', port), Page).serve_forever).start()
    print(f'http://localhost:{port}/', flush=True)
`;

describe('A server that a run starts', () => {
  afterEach(closeTerminals);

  it('is offered, can be reached while its port is forwarded, and can be shared with a link', async () => {
    const api = await activate();
    const uri = await writeWorkspaceFile('ports/server.py', SERVER);
    await vscode.env.clipboard.writeText('');
    let text = '';
    const listening = api.onDidWriteOutput(({ data }) => (text += data));
    const running = runFile(uri);
    const { messages, result: address } = await answering({ showInformationMessage: strings.copyAddress() }, () =>
      eventually(
        'the address',
        async () => vscode.env.clipboard.readText(),
        (copied) => copied.startsWith('http://127.0.0.1:'),
      ),
    ).catch((error) => assert.fail(`${error}\n${text}`));
    listening.dispose();
    const [, port = '', sandboxId = ''] = /localhost:(\d+)\S* (sb-\w+)/.exec(text) ?? [];
    // The sandbox may have been resumed, which a message says, too.
    const [offer = '', ...others] = messages.filter((each) => !each.startsWith('Resumed from'));
    assert.deepEqual(others, []);
    assert.match(offer, new RegExp(`^python3 .*server\\.py is listening on port ${port} in the sandbox\\.$`));
    assert.match(address, /\/lab\?token=1$/);
    assert.notEqual(new URL(address).port, port);
    assert.equal(await (await fetch(address)).text(), 'page of /lab?token=1');

    const place = { sandboxId, target: { port: Number(port) } };
    await vscode.commands.executeCommand('modal.stopForwarding', place);
    await assert.rejects(fetch(address));
    await answering({ showInputBox: port, showInformationMessage: strings.copyAddress() }, async () => {
      await vscode.env.clipboard.writeText('');
      await vscode.commands.executeCommand('modal.forwardPort', { id: sandboxId });
      const copied = await eventually('the address', async () => vscode.env.clipboard.readText(), Boolean);
      assert.equal(await (await fetch(copied)).text(), 'page of /lab?token=1');
    });
    const share = (answers: Parameters<typeof answering>[0]) =>
      answering(answers, async () => vscode.commands.executeCommand('modal.sharePort', place));
    await vscode.env.clipboard.writeText('before');
    assert.deepEqual((await share({})).messages, [strings.shareQuestion(place.target.port)]);
    assert.equal(await vscode.env.clipboard.readText(), 'before');
    await share({ showWarningMessage: strings.copyLink() });
    assert.match(await (await fetch(await vscode.env.clipboard.readText())).text(), /^page of \//);
    await closeTerminals();
    await running;
  });

  it('is offered or opened as the settings say, unless its port was declined', async () => {
    const set = (value: string | undefined) =>
      vscode.workspace.getConfiguration('modal').update('ports.autoForward', value, vscode.ConfigurationTarget.Global);
    // Ports are handled in the order of their numbers.
    const [declined = 0, other = 0] = [await closedPort(), await closedPort()].sort((one, two) => one - two);
    const listening = (port: number) => `http://localhost:${port}/`;
    const start = async (...ports: number[]) => {
      const said = printed(listening(ports.at(-1) ?? 0));
      // Ends with its terminal.
      void runFile(await writeWorkspaceFile('ports/listen.py', `PORTS = ${JSON.stringify(ports)}\n${LISTENER}`));
      await said;
    };
    const { openExternal } = vscode.env;
    const opened: vscode.Uri[] = [];
    Object.assign(vscode.env, { openExternal: async (uri: vscode.Uri) => opened.push(uri) });
    try {
      await set('off');
      const { messages } = await answering({ showInformationMessage: strings.dontAsk() }, async (shown) => {
        await start(declined);
        await set('ask');
        return eventually('the offer', () => shown.length, Boolean);
      });
      assert.deepEqual(messages.slice(1), []);
      await closeTerminals();
      await set('open');
      const { messages: later } = await answering({}, async () => {
        await start(declined, other);
        return eventually('the browser', () => opened.length, Boolean);
      });
      assert.deepEqual(later, []);
      const pages = opened.map(async (uri) => (await fetch(uri.toString(true))).text());
      assert.deepEqual(await Promise.all(pages), [`page of port ${other}`]);
    } finally {
      Object.assign(vscode.env, { openExternal });
      await set(undefined);
    }
  });
});
