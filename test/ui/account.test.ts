import assert from 'node:assert/strict';
import { openWorkbench } from '../helpers/workbench.ts';
import { picture } from './pictures.ts';

describe('choosing an account', () => {
  afterEach(() => {
    delete process.env.MODAL_SERVER_URL;
  });

  it('is offered with two buttons by the first run, which goes on with the local Modal', async () => {
    const workbench = await openWorkbench({ settings: { 'modal.account': '' } });
    await workbench.openFile('main.py');
    await workbench.clickCodeLens('Run in Sandbox');
    await workbench.waitForNotification(/needs a Modal account, or the local Modal/);
    await picture(workbench, 'account-offer');
    await workbench.clickNotification('Use the Local Modal');
    await workbench.waitForTerminal(/Hello from the sandbox![\s\S]*Exited with code 0/);
  });

  it('is offered by the empty view, with a pick of what is on this machine', async () => {
    const workbench = await openWorkbench({ settings: { 'modal.account': '' } });
    await workbench.openView('Modal');
    await picture(workbench, 'welcome');
    await workbench.page.locator('.welcome-view').getByText('Sign In…').first().click();
    const rows = workbench.page.locator('.quick-input-list .monaco-list-row');
    await rows.first().waitFor();
    const labels = await rows.allInnerTexts();
    assert.match(labels.join('\n'), /Local Modal[\s\S]*Paste a token…/);
    await picture(workbench, 'account-pick');
  });

  it('takes a token pair, refuses what is none, and never shows the secret', async () => {
    // The token is tried at once; nothing listens here.
    process.env.MODAL_SERVER_URL = 'http://127.0.0.1:9';
    const workbench = await openWorkbench({ settings: { 'modal.account': '' } });
    const { page } = workbench;
    await workbench.openView('Modal');
    await page.locator('.welcome-view').getByText('Sign In…').first().waitFor();
    await workbench.runCommand('Modal: Choose Account…');
    await page.locator('.quick-input-list .monaco-list-row', { hasText: 'Paste a token' }).click();
    const box = page.locator('.quick-input-widget input');
    await page.getByText('Token ID (1/2)').waitFor();
    await box.fill('nonsense');
    await page.getByText('A token id starts with “ak-”').waitFor();
    await box.fill('ak-abcdefgh');
    await box.press('Enter');
    await page.getByText('Token Secret (2/2)').waitFor();
    assert.equal(await box.getAttribute('type'), 'password');
    await box.fill('as-abcdefgh');
    await box.press('Enter');
    await page.getByText('The Modal server cannot be reached').first().waitFor();
    await page.locator('.sidebar .monaco-list-row', { hasText: 'Try Again' }).first().waitFor();
    await picture(workbench, 'unreachable');
    await workbench.runCommand('Modal: Open Terminal in Sandbox');
    await workbench.waitForTerminal(/cannot be reached[\s\S]*Press any key to close the terminal/);
    await page.keyboard.press('Enter');
    await page.locator('.terminal-wrapper.active').waitFor({ state: 'detached' });
    await workbench.runCommand('Modal: Choose Account…');
    await page.locator('.quick-input-list .monaco-list-row', { hasText: 'Stored token' }).waitFor();
    assert.match(await page.locator('.quick-input-list').innerText(), /Stored token\s*pasted before.*\(in use\)/);
    assert.doesNotMatch(await page.locator('body').innerText(), /as-abcdefgh/);
  });
});
