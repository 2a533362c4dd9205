import assert from 'node:assert/strict';
import { waitForText } from '../helpers/elements.ts';
import { openWorkbench } from '../helpers/workbench.ts';
import { picture } from './pictures.ts';

describe('Profiles', () => {
  it('changes the profile with the code lens and the keyboard, and uses it for the next run', async () => {
    const workbench = await openWorkbench({ folder: 'test/fixtures/profiles' });
    await workbench.openFile('word.sh');
    await workbench.codeLens('Run in Sandbox (named)').first().waitFor();
    await workbench.clickCodeLens('Change Profile');
    await waitForText(workbench.pickRows('large'), /H100 · 8 cores · 32 GiB · \$5\.\d+\/h/);
    await picture(workbench, 'choose-profile');
    await workbench.pickByKeyboard('offline');
    await workbench.clickCodeLens('Run in Sandbox (offline)');
    assert.match(await workbench.waitForTerminal(/Exited with code/), /^word offline/m);
  });

  it('completes keys in modal.json, and marks a problem that a quick fix resolves', async () => {
    const workbench = await openWorkbench({ folder: 'test/fixtures/profiles', theme: 'light' });
    await workbench.explorerRows('.vscode').first().click();
    await workbench.openFile('modal.json');
    await workbench.page
      .locator('.statusbar [aria-label*="Errors: 1"], .statusbar [aria-label="1 Errors"]')
      .or(workbench.page.locator('#status\\.problems', { hasText: '1' }))
      .first()
      .waitFor();
    await workbench.openQuickFix('"H1OO"', 'Change to “H100”');
    await picture(workbench, 'modal-json-fix');
    await workbench.page.keyboard.press('Enter');
    await workbench.page.getByText('"H1OO"').waitFor({ state: 'detached' });
    await workbench.waitForEditorFocus();
    await workbench.page.keyboard.press('End');
    await workbench.page.keyboard.press('ArrowLeft');
    await workbench.page.keyboard.type(', "');
    await workbench.gesture(
      'the key for suggestions',
      () => workbench.page.keyboard.press('Control+Space'),
      workbench.page.locator('.suggest-widget.visible', { hasText: 'cpuLimit' }),
    );
    await picture(workbench, 'modal-json');
  });
});
