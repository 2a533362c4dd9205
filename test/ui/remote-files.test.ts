import { rmSync } from 'node:fs';
import { type RunningLocalModal, startLocalModal, useProfileOf } from '../helpers/local-modal.ts';
import { waitFor } from '../helpers/wait-for.ts';
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

  it('shows a sandbox’s files beside the folder’s own, opens them, and compares the two', async () => {
    const workbench = await openWorkbench({
      multiRoot: true,
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
    await workbench.chooseInMenu('Open in Explorer (Remote Files)');
    const root = page.locator('.explorer-folders-view .monaco-list-row', { hasText: 'hello (sandbox)' });
    await root.waitFor();
    const files = page.locator('.explorer-folders-view .monaco-list-row', { hasText: 'greetings.py' });
    await waitFor(
      'the folder to be unfolded',
      40_000,
      async () => {
        // VS Code unfolds it by itself, or not.
        await page.waitForTimeout(2_000);
        if ((await files.count()) < 2) await root.click();
        return files.count();
      },
      (count) => count === 2,
    );
    await files.nth(1).click();
    await page.locator('.view-line', { hasText: 'def' }).first().waitFor();
    await picture(workbench, 'remote-files');
    await workbench.runCommand('Modal: Compare with Local');
    await page.locator('.tab.active', { hasText: 'greetings.py (sandbox ↔ this machine)' }).waitFor();
  });
});
