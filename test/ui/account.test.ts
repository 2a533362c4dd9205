import assert from 'node:assert/strict';
import { strings } from '../../src/providers/account/strings.ts';
import { waitForAttribute, waitForText } from '../helpers/elements.ts';
import { openWorkbench } from '../helpers/workbench.ts';
import { picture } from './pictures.ts';

describe('Choosing an account', () => {
  afterEach(() => {
    delete process.env.MODAL_SERVER_URL;
  });

  it('offers accounts in the first run, which continues on Local Modal', async () => {
    const workbench = await openWorkbench({ settings: { 'modal.account': '' } });
    await workbench.openFile('main.py');
    await workbench.clickCodeLens('Run in Sandbox');
    await workbench.waitForNotification(/To run code in a sandbox, sign in to Modal/);
    await picture(workbench, 'account-offer');
    await workbench.clickNotification(strings.useLocalModal());
    await workbench.waitForTerminal(/Hello from the sandbox![\s\S]*Exited with code 0/);
  });

  it('offers accounts in the empty view, with a list of the accounts on this computer', async () => {
    const workbench = await openWorkbench({ settings: { 'modal.account': '' } });
    await workbench.openView('Modal');
    await picture(workbench, 'welcome');
    await workbench.page.locator('.welcome-view').getByText(strings.signIn()).first().click();
    await waitForText(workbench.page.locator('.quick-input-list'), /Local Modal[\s\S]*Paste a token…/);
    await picture(workbench, 'account-pick');
  });

  it('accepts a token pair, rejects other text, and never shows the secret', async () => {
    // The token is used immediately. Nothing listens at this address.
    process.env.MODAL_SERVER_URL = 'http://127.0.0.1:9';
    const workbench = await openWorkbench({ settings: { 'modal.account': '' } });
    const { page } = workbench;
    await workbench.openView('Modal');
    await page.locator('.welcome-view').getByText(strings.signIn()).first().waitFor();
    await workbench.runCommand('Modal: Choose Account…');
    await workbench.pickItem(strings.pasteToken());
    const box = page.locator('.quick-input-widget input');
    await page.getByText(strings.tokenIdTitle()).waitFor();
    await box.fill('nonsense');
    await page.getByText('A token id starts with “ak-”').waitFor();
    await box.fill('ak-abcdefgh');
    await box.press('Enter');
    await page.getByText(strings.tokenSecretTitle()).waitFor();
    await waitForAttribute(box, 'type', /^password$/);
    await box.fill('as-abcdefgh');
    await box.press('Enter');
    await page.getByText("Couldn't reach Modal").first().waitFor();
    await page.locator('.sidebar .monaco-list-row', { hasText: 'Try Again' }).first().waitFor();
    await picture(workbench, 'unreachable');
    await workbench.runCommand('Modal: Open Terminal in Sandbox');
    await workbench.waitForTerminal(/Couldn't reach Modal[\s\S]*Press any key to close the terminal/);
    await page.keyboard.press('Enter');
    await page.locator('.terminal-wrapper.active').waitFor({ state: 'detached' });
    await workbench.runCommand('Modal: Choose Account…');
    const shown = await waitForText(page.locator('body'), /Stored token\s*stored in .*\(current\)/);
    assert.doesNotMatch(shown, /as-abcdefgh/);
  });
});
