import assert from 'node:assert/strict';
import { sharedWorkbench } from '../helpers/workbench.ts';
import { recording } from './pictures.ts';

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
});
