import assert from 'node:assert/strict';
import { waitFor } from '../helpers/wait-for.ts';
import { openWorkbench, type Workbench } from '../helpers/workbench.ts';
import { accountSettings, localAccount } from './local-account.ts';
import { picture } from './pictures.ts';

describe('Open in Explorer', () => {
  const account = localAccount();

  const rows = ({ page }: Workbench, hasText: string) =>
    page.locator('.explorer-folders-view .monaco-list-row', { hasText });
  const running = async () => (await account.server.control.running()).sandboxes.map(({ id }) => id);
  /** Runs a file, and opens its sandbox by the row's menu. */
  const openInExplorer = async (workbench: Workbench) => {
    await workbench.openFile('main.py');
    await workbench.clickCodeLens('Run in Sandbox');
    await workbench.clickDialog('Send');
    await workbench.waitForTerminal(/Exited with code 0/);
    await workbench.openView('Modal');
    await workbench.page.locator('.sidebar .monaco-list-row', { hasText: 'left' }).first().click({ button: 'right' });
    await workbench.chooseInMenu('Open in Explorer (Remote Files)');
  };
  /** Waits until the sandbox's folder is unfolded, which VS Code does by itself, or not. */
  const unfolded = (workbench: Workbench) =>
    waitFor(
      'the folder to be unfolded',
      60_000,
      async () => {
        await workbench.page.waitForTimeout(2_000);
        // VS Code's server build, in a browser, sometimes shows a workspace that it has just made as empty, whoever
        // made it (“Add Folder to Workspace…” as well); it is there when the page is loaded again.
        if (await workbench.page.getByText('You have not yet added a folder to the workspace').isVisible())
          await workbench.page.reload();
        const files = await rows(workbench, 'greetings.py').count();
        if (files < 2)
          await rows(workbench, 'hello (sandbox)')
            .click({ timeout: 1_000 })
            .catch(() => {});
        return files;
      },
      (count) => count === 2,
    );

  it('shows a sandbox’s files beside the folder’s own, opens them, and compares the two', async () => {
    const workbench = await openWorkbench({ multiRoot: true, settings: accountSettings });
    await openInExplorer(workbench);
    await unfolded(workbench);
    await rows(workbench, 'greetings.py').nth(1).click();
    await workbench.page.locator('.view-line', { hasText: 'def' }).first().waitFor();
    await picture(workbench, 'remote-files');
    await workbench.runCommand('Modal: Compare with Local');
    await workbench.page.locator('.tab.active', { hasText: 'greetings.py (sandbox ↔ this machine)' }).waitFor();
  });

  for (const nth of ['first', 'second'])
    it(`shows them in a window of a single folder, which goes on with its sandbox after its restart (${nth} window)`, async () => {
      const before = await running();
      const workbench = await openWorkbench({ settings: accountSettings });
      await openInExplorer(workbench);
      await unfolded(workbench);
      const started = (await running()).filter((id) => !before.includes(id));
      assert.equal(started.length, 1, 'the sandbox lives through the restart');
      await rows(workbench, 'greetings.py').nth(1).click();
      await workbench.page.locator('.view-line', { hasText: 'def' }).first().waitFor();
      await workbench.openFile('main.py');
      await workbench.clickCodeLens('Run in Sandbox');
      await workbench.waitForTerminal(/Exited with code 0/);
      assert.deepEqual(
        (await running()).filter((id) => !before.includes(id)),
        started,
        'the run goes to the same sandbox',
      );
    });
});
