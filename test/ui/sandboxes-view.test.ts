import assert from 'node:assert/strict';
import { waitFor } from '../helpers/wait-for.ts';
import { openWorkbench, type Workbench } from '../helpers/workbench.ts';
import { picture } from './pictures.ts';

const row = (workbench: Workbench) => workbench.page.locator('.sidebar .monaco-list-row', { hasText: 'hello' });

describe('the Sandboxes view', () => {
  it('shows the sandbox of a run, and ends it by its inline button after a question', async () => {
    const workbench = await openWorkbench();
    await workbench.openView('Modal');
    await workbench.page.getByText('No sandbox is running').waitFor();
    await workbench.page.keyboard.press('Control+Shift+E');
    await workbench.openFile('main.py');
    await workbench.codeLens('Run in Sandbox').first().waitFor();
    await workbench.openView('Modal');
    await workbench.clickCodeLens('Run in Sandbox');
    await workbench.waitForTerminal(/Exited with code 0/);
    await row(workbench).waitFor();
    await picture(workbench, 'screenshot');

    await row(workbench).hover();
    await row(workbench).locator('a[aria-label*="Terminate Sandbox"]').click();
    const dialog = workbench.page.locator('.monaco-dialog-box');
    assert.match((await dialog.textContent()) ?? '', /Terminate the sandbox of “hello”\?/);
    await dialog.getByRole('button', { name: 'Terminate' }).click();
    await workbench.page.getByText('No sandbox is running').waitFor();
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
    // The view may draw its rows anew under the keys.
    await waitFor(
      'the row to be chosen by keyboard',
      10_000,
      async () => {
        await workbench.page.keyboard.press('ArrowDown');
        return workbench.page.locator('.sidebar .monaco-list-row.focused').count();
      },
      (count) => count > 0,
    );
    await workbench.page.keyboard.press('Shift+F10');
    await workbench.page.locator('.monaco-menu').getByText('Terminate Sandbox').waitFor();
    await picture(workbench, 'light');
  });
});
