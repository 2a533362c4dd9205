import assert from 'node:assert/strict';
import { sharedWorkbench, type Workbench } from '../helpers/workbench.ts';
import { picture } from './pictures.ts';

const TITLE = 'Modal: Run Selection or Line in Sandbox';

describe('Run Selection or Line', () => {
  const shared = sharedWorkbench({ folder: 'test/fixtures/terminal' });
  /** Returns the window with the cursor at the beginning of a file. */
  const open = async (): Promise<Workbench> => {
    const workbench = await shared();
    await workbench.openFile('selection.py');
    await workbench.page.locator('.editor-instance .view-line').first().click();
    await workbench.page.keyboard.press('Control+Home');
    return workbench;
  };

  it('steps through a file by keyboard, and Ctrl+C interrupts only the running statement', async () => {
    const workbench = await open();
    const { keyboard } = workbench.page;
    for (const shown of [/^>>> import time$/m, /^>>> def squares/m, /^>>> numbers = /m, /^140$/m, /^waiting$/m]) {
      // VS Code focuses a panel that opens, and then the editor again.
      await workbench.waitForEditorFocus();
      await keyboard.press('Control+Alt+Shift+M');
      await workbench.waitForTerminal(shown);
    }
    await picture(workbench, 'selection');
    await workbench.focusTerminal();
    await keyboard.press('Control+C');
    await workbench.waitForTerminal(/^KeyboardInterrupt$/m);
    await workbench.page.locator('.editor-instance .view-line', { hasText: 'numbers[-1]' }).click();
    await workbench.runCommand(TITLE);
    assert.match(await workbench.waitForTerminal(/^49$/m), /^>>> numbers\[-1\]\n49$/m);
    await picture(workbench, 'selection-interrupted');
  });

  it("runs a selection from the editor's context menu", async () => {
    const workbench = await open();
    const line = workbench.page.locator('.editor-instance .view-line').first();
    await workbench.openContextMenu(line, 'Run Selection or Line in Sandbox');
    await picture(workbench, 'selection-menu');
    await workbench.chooseInMenu('Run Selection or Line in Sandbox');
    await workbench.waitForTerminal(/^>>> /m);
  });
});
