import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import { strings } from '../../../src/providers/ssh/strings.ts';
import { hasOpenSsh, serverFiles } from '../../helpers/openssh.ts';
import { skipUnless } from '../../helpers/skip.ts';
import {
  activate,
  answering,
  closeTerminals,
  eventually,
  runFile,
  writeWorkspaceFile,
} from '../extension-under-test.ts';

describe('SSH to the sandbox of a folder', () => {
  const { HOME } = process.env;
  let home: string;
  let id: string;

  const act = (command: string) => vscode.commands.executeCommand(command);
  before(async function () {
    skipUnless(this, hasOpenSsh(), 'OpenSSH or rsync is not installed');
    await activate();
    // Sandboxes belong to a home folder, so one from before the next line wouldn't be this computer's.
    await answering({}, async () => act('modal.stopEverything'));
    // The user's own config isn't touched.
    home = await mkdtemp(join(tmpdir(), 'home-'));
    process.env.HOME = home;
    await writeWorkspaceFile('ssh.tar', serverFiles());
    const { text } = await runFile(
      await writeWorkspaceFile('id.sh', 'tar -xf ssh.tar -C / && echo "$MODAL_SANDBOX_ID"'),
    );
    id = /^sb-\S+$/m.exec(text)?.[0] ?? '';
  });
  after(async () => {
    if (HOME === undefined) delete process.env.HOME;
    else process.env.HOME = HOME;
    if (home) await rm(home, { recursive: true });
    await closeTerminals();
  });

  /** Runs a line in a terminal outside VS Code. */
  const inTerminal = async (line: string) => (await promisify(execFile)('sh', ['-c', line])).stdout.trim();

  it('works with the copied command, before anything was set up', async () => {
    await act('modal.copySshCommand');
    const command = await vscode.env.clipboard.readText();
    assert.match(command, /^ssh -F \S+ modal-hello$/);
    assert.equal(await inTerminal(`${command} 'echo $MODAL_SANDBOX_ID; exit 0'`), id);
  });

  it('adds a line to the config only if the user agrees, after which the copied command is short', async () => {
    const config = join(home, '.ssh/config');
    const declined = await answering({}, async () => act('modal.setUpSsh'));
    assert.deepEqual(declined.messages, [strings.confirmInclude(config)]);
    await assert.rejects(readFile(config), /ENOENT/);
    const agreed = await answering({ showInformationMessage: strings.addLine() }, async () => act('modal.setUpSsh'));
    const [question, hosts = ''] = agreed.messages;
    assert.equal(question, strings.confirmInclude(config));
    // Sandboxes of other tests may still be running.
    assert.ok(hosts.startsWith(strings.hosts('modal-hello').replace(/\.$/, '')), hosts);
    await act('modal.copySshCommand');
    assert.equal(await vscode.env.clipboard.readText(), 'ssh modal-hello');
    assert.equal(await inTerminal(`ssh -F '${config}' modal-hello 'echo $MODAL_SANDBOX_ID'`), id);
  });

  it('offers the command if no extension can open the sandbox in a window', async () => {
    const { messages } = await answering({}, async () => act('modal.openInSsh'));
    assert.deepEqual(messages, [strings.noRemoteSsh('ssh modal-hello')]);
  });

  it('resumes a paused sandbox for a connection if the profile allows it', async () => {
    const connect = () =>
      inTerminal(`ssh -F '${join(home, '.ssh/config')}' modal-hello 'echo $MODAL_SANDBOX_ID; cat /root/kept'`);
    const profiles = vscode.workspace.getConfiguration('modal').inspect('profiles')?.globalValue;
    const set = (value: unknown) =>
      vscode.workspace.getConfiguration('modal').update('profiles', value, vscode.ConfigurationTarget.Global);
    await runFile(await writeWorkspaceFile('keep.sh', 'echo kept > /root/kept'));
    await answering({}, async () => act('modal.pauseSandbox'));
    await assert.rejects(connect(), /No sandbox is running for “hello”/);
    await set({ default: { startOnSsh: true } });
    try {
      // The relay learns about the change of the profile some time later.
      const output = await eventually(
        'a connection',
        () => connect().catch(String),
        (text) => text.endsWith('\nkept'),
      );
      const [resumed, kept] = output.split('\n');
      assert.deepEqual([resumed === id, kept], [false, 'kept']);
    } finally {
      await set(profiles);
    }
  });

  it('leaves nothing in the config after the hosts were removed', async () => {
    await answering({}, async () => act('modal.removeSshHosts'));
    assert.equal(await readFile(join(home, '.ssh/config'), 'utf8'), '');
  });
});
