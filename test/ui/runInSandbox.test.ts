import assert from 'node:assert/strict';
import { openWorkbench } from '../helpers/workbench.ts';

describe('Run in Sandbox', () => {
  it('runs the file on a press of its code lens, and shows output and exit code in the terminal', async () => {
    const workbench = await openWorkbench();
    await workbench.openFile('main.py');
    await workbench.clickCodeLens('Run in Sandbox');
    const text = await workbench.waitForTerminal(/Exited with code 0/);
    assert.match(text, /Hello from the sandbox!/);
  });
});
