import assert from 'node:assert/strict';
import { sharedWorkbench } from '../helpers/workbench.ts';

describe('Run in Sandbox', () => {
  const open = sharedWorkbench();

  it('runs the file on a press of its code lens, and shows output and exit code in the terminal', async () => {
    const workbench = await open();
    await workbench.openFile('main.py');
    await workbench.clickCodeLens('Run in Sandbox');
    const text = await workbench.waitForTerminal(/Exited with code 0/);
    assert.match(text, /Hello from the sandbox!/);
  });

  it('runs the active file from the palette, and shows its traceback and exit code', async () => {
    const workbench = await open();
    await workbench.openFile('crash.py');
    await workbench.runCommand('Run Active File in Sandbox');
    const text = await workbench.waitForTerminal(/Exited with code 1/);
    assert.match(text, /ZeroDivisionError: division by zero/);

    await workbench.openFile('exit3.py');
    await workbench.runCommand('Run Active File in Sandbox');
    // VS Code has another word for a terminal that ends within half a second, as this run does.
    await workbench.waitForTerminal(/Exited with code 3[\s\S]*terminated with exit code: 3/);
  });
});
