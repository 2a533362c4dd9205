import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { strings } from '../../src/views/runs/strings.ts';
import { waitForAttribute, waitForCount, waitForTextColor } from '../helpers/elements.ts';
import { sharedWorkbench } from '../helpers/workbench.ts';
import { picture, recording } from './pictures.ts';

describe('Run in Sandbox', () => {
  const open = sharedWorkbench();

  it('runs a file from its code lens and shows its output and exit code in the terminal', async () => {
    const workbench = await open();
    await workbench.openFile('main.py');
    await recording(workbench, 'run', async () => {
      await workbench.clickCodeLens('Run in Sandbox');
      const text = await workbench.waitForTerminal(/Exited with code 0/);
      assert.match(text, /Hello from the sandbox!/);
    });
  });

  it('runs the active file from the command palette and shows its traceback and exit code', async () => {
    const workbench = await open();
    await workbench.openFile('crash.py');
    await workbench.runCommand('Run Active File in Sandbox');
    const text = await workbench.waitForTerminal(/Exited with code 1/);
    assert.match(text, /ZeroDivisionError: division by zero/);

    await workbench.openFile('exit3.py');
    await workbench.runCommand('Run Active File in Sandbox');
    // VS Code uses another word for a terminal that closes within half a second, as this one does.
    await workbench.waitForTerminal(/Exited with code 3[\s\S]*terminated with exit code: 3/);
  });

  it('leaves a record in the Runs view, with the output in its colors, which can be repeated and deleted', async () => {
    const workbench = await open();
    const { page } = workbench;
    await writeFile(join(workbench.folder, 'colors.sh'), "printf '\\033[31mred\\033[0m plain\\n'; exit 4\n");
    await workbench.openFile('colors.sh');
    await workbench.runCommand('Run Active File in Sandbox');
    await workbench.waitForTerminal(/Exited with code 4/);
    await workbench.openView('Modal');
    const pane = page.locator('.pane', { has: page.locator('.pane-header h3:text-is("Runs")') });
    await pane.locator('.pane-header').click();
    const rows = pane.locator('.monaco-list-row', { hasText: 'colors.sh' });
    await waitForAttribute(rows.first(), 'aria-label', /^Run of colors\.sh, 0:0\d · exit 4/);

    await rows.first().click();
    const word = page.locator('.editor-instance .view-line span span').filter({ hasText: /^red$/ });
    await waitForTextColor('red text', word, (red, green, blue) => red > 2 * green && red > 2 * blue);
    await picture(workbench, 'runs');

    await workbench.clickRowAction(rows.first(), 'Run Again');
    await waitForCount('rows of runs', rows, 2);
    await workbench.chooseInContextMenu(rows.first(), 'Delete Record…');
    await workbench.clickDialog(strings.delete());
    await waitForCount('rows of runs', rows, 1);
  });

  it('keeps a detached run going when its terminal is closed, attaches to it, and stops it', async () => {
    const workbench = await open();
    await writeFile(join(workbench.folder, 'long.sh'), 'echo started; exec sleep 300\n');
    await workbench.openFile('long.sh');
    await workbench.runCommand('Modal: Run Active File Detached');
    await workbench.waitForTerminal(/started/);
    await workbench.runCommand('Terminal: Kill the Active Terminal Instance');
    await workbench.waitForNotification(/“long\.sh” keeps running/);
    await workbench.clickNotification('Attach');
    await workbench.waitForTerminal(/started/);
    await workbench.runCommand('Modal: Stop Run');
    await workbench.pickItem('long.sh');
    await workbench.waitForNotification(/“long\.sh” has ended: .*(SIGINT|SIGTERM)/);
  });
});
