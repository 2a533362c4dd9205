/// <reference lib="dom" />

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { strings } from '../../src/providers/account/strings.ts';
import { strings as commonStrings } from '../../src/providers/common/strings.ts';
import { strings as doctorStrings } from '../../src/providers/doctor/strings.ts';
import { strings as syncTexts } from '../../src/sync/strings.ts';
import { countClicks, stepTimeoutMs, waitForAttribute, waitForCount, waitForText } from '../helpers/elements.ts';
import { type RunningLocalModal, startLocalModal } from '../helpers/local-modal.ts';
import { commandTitle } from '../helpers/manifest.ts';
import { waitFor } from '../helpers/wait-for.ts';
import { openWorkbench, sharedWorkbench, type Workbench } from '../helpers/workbench.ts';
import { accountSettings } from './local-account.ts';
import { picture } from './pictures.ts';

/** Waits until the page has a text in its database, which VS Code saves every few seconds and doesn't when it's reloaded. */
async function waitForSaved(page: Page, text: string): Promise<void> {
  const read = () =>
    // biome-ignore lint/plugin: Read until it has the text.
    page.evaluate(async () => {
      const resultOf = <T>(request: IDBRequest<T>) =>
        new Promise<T>((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
      const texts: string[] = [];
      for (const { name = '' } of await indexedDB.databases()) {
        if (!name.startsWith('vscode-web-state-db-global')) continue;
        const database = await resultOf(indexedDB.open(name));
        const values = await resultOf(database.transaction('ItemTable').objectStore('ItemTable').getAll());
        texts.push(...values.filter((value) => typeof value === 'string' && value.includes('modal.')));
        database.close();
      }
      return texts;
    });
  await waitFor(`${text} to be saved`, stepTimeoutMs, read, (texts) => texts.some((each) => each.includes(text)));
}

const noAccount = { ...accountSettings, 'modal.account': '' };

describe('The first run', () => {
  it('takes three clicks on Local Modal, from the file in the Explorer to its output', async () => {
    const workbench = await openWorkbench({ settings: { 'modal.account': '' }, theme: 'light' });
    const clicks = await countClicks(workbench.page);
    await workbench.explorerRows('main.py').first().click();
    await workbench.clickCodeLens('Run in Sandbox');
    await workbench.pickRows(strings.localModal()).first().waitFor();
    await picture(workbench, 'account-pick-light');
    await workbench.pickItem(strings.localModal());
    await workbench.waitForTerminal(/Hello from the sandbox![\s\S]*Exited with code 0/);
    assert.ok((await clicks()) <= 4, `${await clicks()} clicks`);
    await picture(workbench, 'first-run-light');
  });

  const shared = sharedWorkbench({ settings: { 'modal.account': '' } });

  it('works with the keyboard alone', async () => {
    const workbench = await shared();
    const { page } = workbench;
    const clicks = await countClicks(page);
    const pick = async (key: string, text: string) => {
      await page.keyboard.press(key);
      await workbench.input.pressSequentially(text);
      await page.locator('.quick-input-list .monaco-list-row.focused', { hasText: text }).waitFor();
      await page.keyboard.press('Enter');
    };
    await pick('Control+P', 'main.py');
    await page.locator('.tab.active', { hasText: 'main.py' }).waitFor();
    await pick('F1', commandTitle('modal.runActiveFile'));
    await workbench.pickByKeyboard(strings.localModal());
    await workbench.waitForTerminal(/Hello from the sandbox![\s\S]*Exited with code 0/);
    assert.equal(await clicks(), 0);
    // It can be missed, so the status bar says it, too.
    await workbench.waitForNotification(/no GPUs and no images from registries\. .*isolated by Linux namespaces/);
    await workbench.notificationButton(commonStrings.showLocalModalSettings()).waitFor();
    await picture(workbench, 'local-modal-words');
    const status = page.locator('.statusbar-item[id*="modal.session"] a');
    await waitForAttribute(status, 'aria-label', /Local Modal is free\. .*isolated by Linux namespaces/);
  });

  it('is followed by a report of the doctor, whose links lead to the fixes', async () => {
    const workbench = await shared();
    await workbench.runCommand(`Modal: ${commandTitle('modal.doctor')}`);
    const text = workbench.page.locator('.editor-instance .view-lines');
    await waitForText(text, /Modal:\sDoctor/);
    await workbench.codeLens(doctorStrings.copyReport()).waitFor();
    await waitForText(text, /No\sproblems\sfound/);
    await picture(workbench, 'doctor');
  });
});

describe('Signing in', () => {
  const shared = sharedWorkbench({ settings: noAccount, extensions: ['test/fixtures/api-user'] });
  let server: RunningLocalModal;
  let folder: string;
  let configPath: string;
  before(async () => {
    const tokens = ['ak-12345678:as-12345678'];
    server = await startLocalModal({ args: ['--sign-in'], tokens, seed: { environments: ['dev'] } });
    process.env.MODAL_SERVER_URL = server.url;
    folder = await mkdtemp(join(tmpdir(), 'modal-config-'));
    configPath = join(folder, 'modal.toml');
    process.env.MODAL_CONFIG_PATH = configPath;
  });
  after(async () => {
    delete process.env.MODAL_SERVER_URL;
    delete process.env.MODAL_CONFIG_PATH;
    await rm(folder, { recursive: true });
    await server.stop();
  });

  /** Does something that opens the sign-in page, and agrees there if the code is the one that the window shows. */
  async function agreeInBrowser({ page }: Workbench, begin: () => Promise<void>): Promise<void> {
    const opened = page.context().waitForEvent('page');
    await begin();
    const browser = await opened;
    const code = await waitForText(browser.locator('output'), /^[A-Z]{4}-[A-Z]{4}$/);
    await waitForText(page.locator('.notifications-toasts'), new RegExp(code));
    await browser.locator('#here').waitFor({ state: 'visible' });
    await browser.locator('input').fill(await server.printedPassword(browser.url()));
    await browser.getByRole('button', { name: 'Sign in' }).click();
    await browser.getByText('Signed in.').waitFor();
    await browser.close();
  }

  async function pasteToken(workbench: Workbench, id: string, secret: string): Promise<void> {
    const { page } = workbench;
    const box = page.locator('.quick-input-widget input');
    await workbench.runCommand(`Modal: ${commandTitle('modal.chooseAccount')}`);
    await workbench.pickItem(strings.pasteToken());
    await page.getByText(strings.tokenIdTitle()).waitFor();
    await box.fill(id);
    await box.press('Enter');
    await page.getByText(strings.tokenSecretTitle()).waitFor();
    await waitForAttribute(box, 'type', /^password$/);
    await box.fill(secret);
    await box.press('Enter');
  }

  it('opens a page with the same code, continues the run, shows the account, and asks once after the token is revoked', async () => {
    const workbench = await shared();
    const { page } = workbench;
    await workbench.openFile('hello.sh');
    await workbench.clickCodeLens('Run in Sandbox');
    await agreeInBrowser(workbench, async () => {
      await workbench.pickRows(strings.signInWithBrowser()).first().waitFor();
      await picture(workbench, 'account-pick');
      await workbench.pickItem(strings.signInWithBrowser());
    });
    await workbench.clickDialog(syncTexts.sync());
    await workbench.waitForTerminal(/Exited with code 0/);
    const status = page.locator('.statusbar-item[id*="modal.session"] a');
    await waitForAttribute(status, 'aria-label', /Account: you@local\./);
    await picture(workbench, 'signed-in');
    await page.locator('.activitybar').getByRole('button', { name: 'Accounts' }).click();
    await page.locator('.monaco-menu').getByText('you@local (Modal)').waitFor();
    await picture(workbench, 'accounts-menu');
    await page.keyboard.press('Escape');

    await server.control.revokeSignedIn();
    await workbench.openView('Modal');
    await waitForText(page.locator('.sidebar .message'), /didn't accept the token/);
    await workbench.waitForNotification(/doesn't accept the token of you@local any more/);
    await picture(workbench, 'token-revoked');
    // A sandbox that runs can be reached without the token.
    for (const { id } of (await server.control.running()).sandboxes) await server.control.preempt(id);
    await workbench.runCommand(commandTitle('modal.runActiveFile'));
    await workbench.waitForTerminal(/didn't accept the token/);
    await agreeInBrowser(workbench, () => workbench.clickNotification(strings.signInAgain()));
    await workbench.waitForTerminal(/Exited with code 0/);
  });

  it('checks a pasted token, never shows its secret, and leaves nothing behind when signing out', async () => {
    const workbench = await shared();
    const { page } = workbench;
    const paste = (id: string, secret: string) => pasteToken(workbench, id, secret);
    await paste('ak-nonsense', 'as-nonsense');
    await workbench.waitForNotification(/Modal didn't accept the token/);
    await paste(server.tokenId, server.tokenSecret);
    await workbench.waitForNotification(/You're signed in to Modal as you@local\./);
    await workbench.runCommand(`Modal: ${commandTitle('modal.chooseEnvironment')}`);
    await workbench.pickItem('dev');
    await waitForAttribute(page.locator('.statusbar-item[id*="modal.session"] a'), 'aria-label', /you@local\/dev/);
    await workbench.runCommand(`Modal: ${commandTitle('modal.chooseAccount')}`);
    const shown = await waitForText(page.locator('body'), /you@local\s*stored in .*\(current\)/);
    assert.ok(!shown.includes(server.tokenSecret));
    await picture(workbench, 'account-pick-stored');
    await page.keyboard.press('Escape');

    await workbench.openView('Modal');
    await workbench.runCommand(`Modal: ${commandTitle('modal.signOut')}`);
    await workbench.waitForNotification(/You're signed out of you@local\. Its token was deleted from VS Code\./);
    await page.locator('.statusbar-item[id*="modal.session"]').waitFor({ state: 'hidden' });
    await page.locator('.welcome-view').getByRole('button', { name: 'Sign In', exact: true }).waitFor();
    await waitForCount('rows of sandboxes', page.locator('.sidebar .pane-body .monaco-list-row[aria-label*="sb-"]'), 0);
    await picture(workbench, 'signed-out');
    await page.locator('.activitybar').getByRole('button', { name: 'Accounts' }).click();
    await page.locator('.monaco-menu').waitFor();
    await page.locator('.monaco-menu').getByText('you@local (Modal)').waitFor({ state: 'hidden' });
    await page.keyboard.press('Escape');
    await workbench.runCommand(`Modal: ${commandTitle('modal.chooseAccount')}`);
    await workbench.pickRows(strings.pasteToken()).first().waitFor();
    await workbench.pickRows('you@local').waitFor({ state: 'hidden' });
    await page.keyboard.press('Escape');
  });

  it('gives the account to another extension only if the user allows it, and signs in for it', async () => {
    const workbench = await shared();
    const ask = () => workbench.runCommand('Show Modal Account');
    await pasteToken(workbench, server.tokenId, server.tokenSecret);
    await workbench.waitForNotification(/You're signed in to Modal as you@local\./);
    await ask();
    await workbench.waitForDialog(/api-user.* wants to sign in using Modal/);
    await workbench.clickDialog('Cancel');
    await workbench.waitForNotification(/Got no account/);
    await ask();
    await workbench.clickDialog('Allow');
    await workbench.pickRows('you@local').first().waitFor();
    await picture(workbench, 'other-extension');
    await workbench.pickItem('you@local');
    await workbench.waitForNotification(new RegExp(`Got you@local with ${server.tokenId}`));
    await ask();
    await workbench.waitForNotification(new RegExp(`Knew you@local with ${server.tokenId}`));

    await workbench.runCommand(`Modal: ${commandTitle('modal.signOut')}`);
    await workbench.waitForNotification(/You're signed out of you@local\./);
    await ask();
    await workbench.waitForDialog(/api-user.* wants to sign in using Modal/);
    await picture(workbench, 'other-extension-signs-in');
    await agreeInBrowser(workbench, () => workbench.clickDialog('Allow'));
    await workbench.waitForNotification(/Got you@local with ak-/);
    await workbench.runCommand(`Modal: ${commandTitle('modal.signOut')}`);
    await workbench.waitForNotification(/You're signed out of you@local\./);
  });

  it('offers the config file where VS Code forgets tokens because there is no keyring', async () => {
    const workbench = await shared();
    const { page } = workbench;
    await pasteToken(workbench, server.tokenId, server.tokenSecret);
    await workbench.waitForNotification(/You're signed in to Modal as you@local\./);
    // Without a keyring, the tokens are gone after a restart, and only the names of the accounts are left.
    await waitForSaved(page, '"modal.accounts":["you@local"]');
    await page.addInitScript(() => localStorage.removeItem('secrets.provider'));
    await page.reload({ waitUntil: 'commit' });
    await workbench.waitForFolders();
    await workbench.viewIcon('Modal').waitFor();
    await pasteToken(workbench, server.tokenId, server.tokenSecret);
    await workbench.waitForDialog(/this computer has no keyring/);
    await picture(workbench, 'no-keyring');
    await workbench.clickDialog(strings.saveInConfigFile());
    await workbench.waitForNotification(/You're signed in to Modal as you@local\./);
    assert.ok((await readFile(configPath, 'utf8')).includes(server.tokenSecret));
    const status = page.locator('.statusbar-item[id*="modal.session"] a');
    await waitForAttribute(status, 'aria-label', /Account: you@local\./);
  });
});
