import assert from 'node:assert/strict';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { strings } from '../../src/providers/sync/strings.ts';
import { strings as syncTexts } from '../../src/sync/strings.ts';
import { openWorkbench } from '../helpers/workbench.ts';
import { accountSettings, localAccount } from './local-account.ts';
import { picture } from './pictures.ts';

describe('Sync decorations', () => {
  it('marks an excluded file in the Explorer, with the rule', async () => {
    const workbench = await openWorkbench({ folder: 'test/fixtures/left-out' });
    await workbench.openFile('main.py');
    await workbench.clickCodeLens('Run in Sandbox');
    const text = await workbench.waitForTerminal(/Exited with code 0/);
    assert.match(text, /Not sent because they look like credentials: \.env/);
    const row = workbench.explorerRows('.env');
    await row
      .locator('[aria-label*="Not synced to the sandbox"]')
      .or(row.locator('.monaco-decoration-badge'))
      .first()
      .waitFor();
    await picture(workbench, 'decoration');
  });
});

describe('A message about a file', () => {
  it('makes no link of a file name that is written like one', async () => {
    const name = '[Retry](command:modal.showLog).txt';
    const workbench = await openWorkbench();
    writeFileSync(join(workbench.folder, name), '');
    await workbench.openFile(name);
    await workbench.runCommand('Explain Sync Status');
    const text = await workbench.waitForNotification(/is synced/);
    assert.match(text, /^“\[Retry\] \(command:modal\.showLog\)\.txt” is synced/);
  });
});

describe('Live sync', () => {
  it('leaves a large file to the next run, and sends it on request', async () => {
    const workbench = await openWorkbench({ settings: { 'modal.sync.live': true } });
    await workbench.openFile('main.py');
    await workbench.clickCodeLens('Run in Sandbox');
    await workbench.waitForTerminal(/Exited with code 0/);
    writeFileSync(join(workbench.folder, 'model.bin'), '');
    truncateSync(join(workbench.folder, 'model.bin'), 60_000_000);
    const toast = workbench.page.locator('.notification-toast', { hasText: '“model.bin” (60.0 MB)' });
    await toast.waitFor();
    await picture(workbench, 'live-large-file');
    await toast.getByRole('button', { name: strings.sendNow() }).click();
    await workbench.page.locator('.statusbar-item', { hasText: strings.sentFile('model.bin') }).waitFor();
  });
});

describe('The first sync to an account', () => {
  localAccount();

  it('asks once, listing what is sent and excluded, and continues after confirmation', async () => {
    const workbench = await openWorkbench({ settings: accountSettings });
    writeFileSync(join(workbench.folder, '.env'), 'SECRET=1');
    await workbench.openFile('main.py');
    await workbench.clickCodeLens('Run in Sandbox');
    const text = await workbench.waitForDialog(/./s);
    assert.match(text, /Sync 8 files \(\d+ B\) from this folder/);
    assert.ok(text.includes(syncTexts.credentialsNotSent('.env')), text);
    await picture(workbench, 'first-sync');
    await workbench.clickDialog(syncTexts.sync());
    await workbench.waitForTerminal(/Exited with code 0 .* (about|under)/);
    await workbench.clickCodeLens('Run in Sandbox');
    await workbench.waitForTerminal(/Up to date[\s\S]*Exited with code 0/);
  });
});
