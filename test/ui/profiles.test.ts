import assert from 'node:assert/strict';
import { openWorkbench } from '../helpers/workbench.ts';
import { picture } from './pictures.ts';

describe('profiles', () => {
  it('are changed by the lens and the keyboard, and the next run uses the one that was picked', async () => {
    const workbench = await openWorkbench({ folder: 'test/fixtures/profiles' });
    await workbench.openFile('word.sh');
    await workbench.codeLens('Run in Sandbox (named)').first().waitFor();
    await workbench.clickCodeLens('Change Profile');
    const rows = workbench.page.locator('.quick-input-list .monaco-list-row');
    await rows.filter({ hasText: 'offline' }).first().waitFor();
    // The pick fades in.
    await workbench.page.waitForTimeout(500);
    await picture(workbench, 'choose-profile');
    assert.match(
      (await rows.filter({ hasText: 'large' }).first().textContent()) ?? '',
      /H100 · 8 cores · 32 GiB · \$5\.\d+\/h/,
    );
    await workbench.page.keyboard.type('offline');
    await workbench.page.keyboard.press('Enter');
    await workbench.clickCodeLens('Run in Sandbox (offline)');
    assert.match(await workbench.waitForTerminal(/Exited with code/), /^word offline/m);
  });

  it('are completed in modal.json, and what is wrong is marked with its quick fix', async () => {
    const workbench = await openWorkbench({ folder: 'test/fixtures/profiles', theme: 'light' });
    await workbench.page.locator('.explorer-folders-view .monaco-list-row', { hasText: '.vscode' }).first().click();
    await workbench.openFile('modal.json');
    await workbench.page
      .locator('.statusbar [aria-label*="Errors: 1"], .statusbar [aria-label="1 Errors"]')
      .or(workbench.page.locator('#status\\.problems', { hasText: '1' }))
      .first()
      .waitFor();
    await workbench.page.getByText('"H1OO"').first().click();
    await workbench.page.locator('[class*="codicon-gutter-lightbulb"], .lightBulbWidget').first().waitFor();
    await workbench.page.keyboard.press('Control+.');
    await workbench.page.getByText('Change to “H100”').waitFor();
    await picture(workbench, 'modal-json-fix');
    await workbench.page.keyboard.press('Enter');
    await workbench.page.getByText('"H1OO"').waitFor({ state: 'detached' });
    await workbench.page.keyboard.press('End');
    await workbench.page.keyboard.press('ArrowLeft');
    await workbench.page.keyboard.type(', "');
    await workbench.page.keyboard.press('Control+Space');
    await workbench.page.locator('.suggest-widget.visible', { hasText: 'cpuLimit' }).waitFor();
    await picture(workbench, 'modal-json');
  });
});
