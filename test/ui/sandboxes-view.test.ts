import assert from 'node:assert/strict';
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSandbox } from '../../src/modal/sandboxes.ts';
import { ProfileSchema } from '../../src/profiles/schema.ts';
import { sandboxParams } from '../../src/sandboxes/sandbox-params.ts';
import { noteConnection } from '../../src/ssh/connections.ts';
import { SshFolder } from '../../src/ssh/hosts.ts';
import { strings as syncTexts } from '../../src/sync/strings.ts';
import { strings } from '../../src/views/sandboxes/strings.ts';
import { comesIntoSight, waitForAttribute, waitForText } from '../helpers/elements.ts';
import { useProfileOf } from '../helpers/local-modal.ts';
import { commandTitle } from '../helpers/manifest.ts';
import { startWithEndedSandboxes } from '../helpers/many-sandboxes.ts';
import { waitFor } from '../helpers/wait-for.ts';
import { openWorkbench, sharedWorkbench, type Workbench } from '../helpers/workbench.ts';
import { accountSettings, localAccount } from './local-account.ts';
import { picture } from './pictures.ts';

const rowNamed = (workbench: Workbench, hasText: string) =>
  workbench.page.locator('.sidebar .monaco-list-row', { hasText }).first();
const row = (workbench: Workbench) => rowNamed(workbench, 'hello');

describe('The Sandboxes view', () => {
  const shared = sharedWorkbench();

  it('shows the sandbox of a run and its SSH connections, and terminates it with its inline button after a confirmation', async () => {
    const workbench = await shared();
    await workbench.openView('Modal');
    await workbench.page.getByText('No sandboxes are running').waitFor();
    await workbench.openExplorer();
    await workbench.openFile('main.py');
    await workbench.codeLens('Run in Sandbox').first().waitFor();
    await workbench.openView('Modal');
    await workbench.clickCodeLens('Run in Sandbox');
    await workbench.waitForTerminal(/Exited with code 0/);
    await row(workbench).waitFor();
    await picture(workbench, 'screenshot');

    await workbench.expand(row(workbench));
    const sandboxId =
      /sb-\w+/.exec(await waitForText(workbench.page.locator('.sidebar .monaco-list-row'), /sb-\w+/))?.[0] ?? '';
    const connected = rowNamed(workbench, `${strings.sshConnections(1)} · default`);
    // What the program that ssh runs does.
    const [storage = ''] = globSync(join(workbench.folder, '../../user-data/**/globalStorage/modal-sandboxes.*/ssh'));
    const disconnect = await noteConnection(new SshFolder(storage), { sandboxId, host: 'modal-hello' });
    await connected.waitFor();
    await picture(workbench, 'ssh-connection');
    await disconnect();
    await connected.waitFor({ state: 'detached' });

    await workbench.clickRowAction(row(workbench), 'Terminate Sandbox');
    await workbench.waitForDialog(new RegExp(strings.terminateOne('hello').replace('?', '\\?')));
    await workbench.clickDialog(strings.terminate());
    await rowNamed(workbench, strings.thisFolder()).waitFor({ state: 'detached' });
    await rowNamed(workbench, strings.stoppedToday()).click();
    await rowNamed(workbench, `terminated · ${strings.ranFor('')}`).waitFor();
  });

  it('shows a running program below its sandbox until it ends', async () => {
    const workbench = await shared();
    writeFileSync(join(workbench.folder, 'long.sh'), 'echo begun\nsleep 600\n');
    await workbench.openFile('long.sh');
    await workbench.codeLens('Run in Sandbox').first().waitFor();
    await workbench.openView('Modal');
    await workbench.clickCodeLens('Run in Sandbox');
    await workbench.waitForTerminal(/begun/);
    await rowNamed(workbench, 'left').click();
    const program = rowNamed(workbench, 'long.sh');
    await waitForAttribute(program, 'aria-label', /^long\.sh is running$/);
    await picture(workbench, 'running');
    await workbench.focusTerminal();
    await workbench.page.keyboard.press('Control+c');
    await workbench.waitForTerminal(/Exited with code 130/);
    await program.waitFor({ state: 'detached' });
  });

  it('can be used by keyboard alone, in a light theme', async () => {
    const workbench = await openWorkbench({ theme: 'light' });
    await workbench.openFile('hello.sh');
    await workbench.codeLens('Run in Sandbox').first().waitFor();
    await workbench.runCommand('Modal: Run Active File in Sandbox');
    await workbench.waitForTerminal(/Hello from Linux!.*\n.*Exited with code 0/);
    await workbench.runCommand('Modal: Focus on Sandboxes View');
    await row(workbench).waitFor();
    await workbench.runCommand('Modal: Focus on Sandboxes View');
    await workbench.page.locator('.sidebar .monaco-list:focus').waitFor();
    // The view might redraw its rows between key presses.
    const focused = workbench.page.locator('.sidebar .monaco-list-row.focused', { hasText: 'hello' });
    await waitFor(
      'the row to be selected by keyboard',
      10_000,
      async () => {
        await workbench.page.keyboard.press('ArrowDown');
        return comesIntoSight(focused, 500);
      },
      (isChosen) => isChosen,
    );
    await workbench.gesture(
      'the key for the menu',
      () => workbench.page.keyboard.press('Shift+F10'),
      workbench.page.locator('.monaco-menu').getByText('Terminate Sandbox'),
    );
    await picture(workbench, 'light');
    await workbench.page.keyboard.press('Escape');
    await workbench.page.keyboard.press('Enter');
    await workbench.page.keyboard.press('F2');
    await workbench.answerInput('it’s “my” 🚀 box');
    await rowNamed(workbench, 'it’s “my” 🚀 box').waitFor();
    await waitForAttribute(
      rowNamed(workbench, 'it’s “my” 🚀 box'),
      'aria-label',
      /^Sandbox it’s “my” 🚀 box, running, default · under 1 min · 3 h 59 min left/,
    );
  });
});

describe('The views without an account', () => {
  it('explains what each view is for, and offers Local Modal', async () => {
    const workbench = await openWorkbench({ settings: { 'modal.account': '' } });
    await workbench.openView('Modal');
    for (const words of [
      'Run your code in a Modal sandbox.',
      'Volumes keep files after a sandbox stops.',
      "Snapshots save a sandbox's files.",
    ]) {
      await workbench.page.getByText(words).waitFor();
    }
    await picture(workbench, 'no-account');
    await workbench.page
      .getByRole('button', { name: commandTitle('modal.useLocalModal') })
      .first()
      .click();
    await workbench.page.getByText('No volumes yet.').waitFor();
    await workbench.page.getByText('No snapshots yet.').waitFor();
  });
});

describe('The Sandboxes view of an untrusted folder', () => {
  it('leads to Workspace Trust, and offers to run a file once the folder is trusted', async () => {
    const workbench = await openWorkbench({ workspaceTrust: true });
    const { page } = workbench;
    await workbench.openView('Modal');
    await page.getByText('Trust this folder to sync and run its files').waitFor();
    await page.getByRole('button', { name: 'Manage Workspace Trust' }).click();
    await page.locator('.workspace-trust-editor').getByRole('button', { name: 'Trust', exact: true }).click();
    await page.getByRole('button', { name: 'Run Active File in Sandbox' }).waitFor();
  });
});

describe('The Sandboxes view of an account', () => {
  // Mocha runs the hooks in this order, so the window closes before its account stops.
  const shared = sharedWorkbench({ settings: accountSettings, height: 1000 });
  const account = localAccount();

  it('polls only while it is visible, and keeps expanded sandboxes expanded', async () => {
    const app = await account.modal.apps.fromName('vscode-sandboxes', { createIfMissing: true });
    const image = await account.modal.images.fromRegistry('debian:12-slim').build(app);
    const create = (name: string) => account.modal.sandboxes.create(app, image, { name, encryptedPorts: [8000] });
    await create('first');
    const workbench = await shared();
    const listed = async () => (await account.server.control.calls()).SandboxListV2 ?? 0;
    assert.equal(await listed(), 0, 'a view that was never shown makes no call');
    await workbench.openView('Modal');
    await rowNamed(workbench, 'first').click();
    await workbench.page.keyboard.press('ArrowRight');
    await rowNamed(workbench, 'Port 8000').waitFor();
    await create('second');
    await rowNamed(workbench, 'second').waitFor();
    await rowNamed(workbench, 'Port 8000').waitFor();
    await picture(workbench, 'sandboxes');

    const listedBefore = await listed();
    await waitFor('the visible view to poll again', 20_000, listed, (calls) => calls > listedBefore);
    await workbench.openExplorer();
    await account.server.control.resetCalls();
    // biome-ignore lint/plugin: Nothing but time can show that a timer of five seconds is not running.
    await workbench.page.waitForTimeout(7_000);
    assert.equal(await listed(), 0, 'a hidden view makes no call');
  });

  it('shows the volumes mounted in a sandbox, and reveals them by mouse and keyboard', async () => {
    const app = await account.modal.apps.fromName('vscode-sandboxes', { createIfMissing: true });
    const image = await account.modal.images.fromRegistry('debian:12-slim').build(app);
    const volumes = { '/mnt/data': { name: 'data', readOnly: true } };
    const sandbox = await createSandbox(account.modal, app, {
      ...sandboxParams(ProfileSchema.parse({ volumes }), { hostVolume: 'vscode-host-1', env: {}, tags: {} }),
      image,
      name: 'mounted',
    });
    const workbench = await shared();
    await workbench.openView('Modal');
    await rowNamed(workbench, 'mounted').click();
    const mount = rowNamed(workbench, '/mnt/data');
    await waitForAttribute(mount, 'aria-label', /^Volume data at \/mnt\/data, read-only$/);
    await rowNamed(workbench, '/mnt/state').waitFor();
    const volumesPane = workbench.page.locator('.pane', { has: workbench.page.locator('h3:text-is("Volumes")') });
    const focused = (name: string) => volumesPane.locator('.monaco-list-row.focused', { hasText: name });
    await mount.click();
    await focused('data').waitFor();
    await picture(workbench, 'mounts');
    await workbench.chooseInContextMenu(rowNamed(workbench, '/mnt/state'), commandTitle('modal.showVolume'));
    await focused('vscode-host-1').waitFor();
    await mount.click();
    await focused('data').waitFor();
    await workbench.runCommand('Modal: Focus on Sandboxes View');
    await workbench.page.keyboard.press('ArrowDown');
    await workbench.page.keyboard.press('Enter');
    await focused('vscode-host-1').waitFor();
    await sandbox.terminate();
    // A visible view would poll while other tests count calls.
    await workbench.openExplorer();
  });

  it('shows in the status bar that a sandbox stopped when idle, even if the view is hidden', async () => {
    const settings = {
      'modal.account': 'profile:main',
      'modal.profiles': { default: { image: 'python:3.13-slim', idleTimeoutMs: 3_000 } },
    };
    const workbench = await openWorkbench({ settings });
    const status = workbench.page.locator('.statusbar-item[id*="modal.session"] a');
    await workbench.openFile('hello.sh');
    await workbench.codeLens('Run in Sandbox').first().waitFor();
    await workbench.clickCodeLens('Run in Sandbox');
    await workbench.clickDialog(syncTexts.sync());
    // Checked before the run ends, because the sandbox stops three seconds later.
    await waitForAttribute(status, 'aria-label', /sandbox running/);
    await workbench.waitForTerminal(/Exited with code 0/);
    await account.server.control.resetCalls();
    // The window checks once when the timeout should be over, and each minute if the sandbox is still running.
    await waitForAttribute(status, 'aria-label', /no sandbox running/, 90_000);
    const { SandboxListV2 = 0, SandboxWaitV2 = 0 } = await account.server.control.calls();
    // The only list is that of the end, by which the window learns what was saved when.
    assert.ok(SandboxListV2 <= 1, `${SandboxListV2} lists, though no view is visible`);
    assert.ok(SandboxWaitV2 <= 2, `${SandboxWaitV2} calls`);
    await picture(workbench, 'status-ended');
  });

  it('shows why a request failed, keeps the previous rows, and tries again on request', async () => {
    await account.server.control.addFault({ method: 'SandboxListV2', code: 7, message: 'no entry' });
    const workbench = await openWorkbench({ settings: accountSettings });
    await workbench.openView('Modal');
    await workbench.page.getByText("Your account doesn't have permission (no entry)").waitFor();
    await picture(workbench, 'sandboxes-refused');
    await account.server.control.clearFaults();
    await rowNamed(workbench, 'Try Again').click();
    await rowNamed(workbench, 'first').waitFor();
    await account.server.control.addFault({ method: 'SandboxListV2', code: 7, message: 'no entry' });
    await workbench.page.getByText("Your account doesn't have permission (no entry)").waitFor();
    await rowNamed(workbench, 'first').waitFor();
    await account.server.control.clearFaults();
  });

  it('terminates all sandboxes of the app after a confirmation that names them', async () => {
    const workbench = await shared();
    await workbench.openView('Modal');
    await rowNamed(workbench, 'first').waitFor();
    await workbench.runCommand('Modal: Terminate All Sandboxes…');
    await workbench.waitForDialog(/Terminate 2 sandboxes \(“second”, “first”\)\?/);
    await workbench.clickDialog(strings.terminate());
    await rowNamed(workbench, strings.otherSandboxes()).waitFor({ state: 'detached' });
    await rowNamed(workbench, strings.stoppedToday()).waitFor();
  });

  it("follows a sandbox's log in a document, and opens its port", async () => {
    const app = await account.modal.apps.fromName('vscode-sandboxes', { createIfMissing: true });
    const image = await account.modal.images.fromRegistry('debian:12-slim').build(app);
    const script =
      'for i in 1 2 3; do echo "step $i"; done; while [ ! -e /go ]; do sleep 0.1; done; echo went on; sleep 600';
    const talking = await account.modal.sandboxes.create(app, image, {
      name: 'talking',
      command: ['sh', '-c', script],
      encryptedPorts: [8000],
    });
    const workbench = await shared();
    await workbench.openView('Modal');
    await workbench.chooseInContextMenu(rowNamed(workbench, 'talking'), 'Show Sandbox Logs');
    await workbench.page.locator('.tab.active', { hasText: 'talking.log' }).waitFor();
    await workbench.page.locator('.view-line', { hasText: 'step 3' }).waitFor();
    await talking.exec(['touch', '/go']);
    await workbench.page.locator('.view-line', { hasText: 'went on' }).waitFor();
    await picture(workbench, 'logs');

    await rowNamed(workbench, 'talking').click();
    await workbench.clickRowAction(rowNamed(workbench, 'Port 8000'), 'Open Port in Browser');
    await waitFor(
      'the URL to be opened, or VS Code to ask for confirmation',
      40_000,
      async () => {
        const addresses = workbench.page
          .context()
          .pages()
          .slice(1)
          .map((page) => page.url());
        const isAsked = await comesIntoSight(workbench.page.locator('.monaco-dialog-box'), 100);
        return { addresses, isAsked };
      },
      ({ addresses, isAsked }) => isAsked || addresses.some((address) => /127\.0\.0\.1/.test(address)),
    );
    await talking.terminate();
  });
});

describe('The Sandboxes view with 5,000 sandboxes', () => {
  it('jumps to the last of 5,000 sandboxes, and keeps its scroll position when it refreshes', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'many-sandboxes-'));
    const server = await startWithEndedSandboxes(dataDir, 'vscode-sandboxes', 5_000);
    const leaveAccount = useProfileOf(server);
    try {
      const workbench = await openWorkbench({ settings: accountSettings });
      await workbench.openView('Modal');
      await rowNamed(workbench, strings.stoppedToday()).click();
      await rowNamed(workbench, 's4999').click();
      await rowNamed(workbench, 'Tag number').waitFor();
      await workbench.page.keyboard.press('End');
      const last = workbench.page.locator('.sidebar .monaco-list-row', { hasText: /^s0/ });
      await last.waitFor();
      const looked = async () => (await server.control.calls()).SandboxListV2 ?? 0;
      const before = await looked();
      await waitFor('another refresh', 60_000, looked, (calls) => calls > before + 50);
      await last.waitFor();
      await picture(workbench, 'sandboxes-5000');
    } finally {
      leaveAccount();
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});
