import { rmSync } from 'node:fs';
import { type RunningLocalModal, startLocalModal, useProfileOf } from '../helpers/local-modal.ts';
import { openWorkbench } from '../helpers/workbench.ts';
import { picture } from './pictures.ts';

describe('Open in Explorer', () => {
  let server: RunningLocalModal;
  let folder: string;
  before(async () => {
    server = await startLocalModal();
    folder = useProfileOf(server);
  });
  after(async () => {
    delete process.env.MODAL_CONFIG_PATH;
    rmSync(folder, { recursive: true });
    await server.stop();
  });

  it('shows a sandbox’s files beside the folder, and the sandbox lives through the restart of the window', async () => {
    const workbench = await openWorkbench({
      settings: { 'modal.account': 'profile:main', 'modal.profiles': { default: { image: 'python:3.13-slim' } } },
    });
    const { page } = workbench;
    await workbench.openFile('main.py');
    await workbench.clickCodeLens('Run in Sandbox');
    await workbench.clickDialog('Send');
    await workbench.waitForTerminal(/Exited with code 0/);
    await workbench.openView('Modal');
    const row = page.locator('.sidebar .monaco-list-row', { hasText: 'left' }).first();
    await row.click({ button: 'right' });
    await page.locator('.monaco-menu').getByText('Open in Explorer (Remote Files)').click();
    const root = page.locator('.explorer-folders-view .monaco-list-row', { hasText: 'hello (sandbox)' });
    await root.waitFor();
    await root.click();
    const files = page.locator('.explorer-folders-view .monaco-list-row', { hasText: 'greetings.py' });
    await files.nth(1).waitFor();
    await files.nth(1).click();
    await page.locator('.view-line', { hasText: 'def' }).first().waitFor();
    await picture(workbench, 'remote-files');
    await workbench.runCommand('Modal: Compare with Local');
    await page.locator('.tab.active', { hasText: 'greetings.py (sandbox ↔ this machine)' }).waitFor();
  });
});
