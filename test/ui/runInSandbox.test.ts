import assert from 'node:assert/strict';
import { join } from 'node:path';
import { projectFolder } from '../../scripts/paths.ts';
import { openWorkbench } from '../helpers/workbench.ts';

/** The pictures of the readme are taken anew only when asked for, so that tests leave the tree as it is. */
const takePictures = process.env.UPDATE_SCREENSHOTS !== undefined;

describe('Run in Sandbox', () => {
  it('runs the file on a press of its code lens, and shows output and exit code in the terminal', async () => {
    const workbench = await openWorkbench();
    await workbench.openFile('main.py');
    await workbench.clickCodeLens('Run in Sandbox');
    const text = await workbench.waitForTerminal(/Exited with code 0/);
    assert.match(text, /Hello from the sandbox!/);
    if (takePictures) await workbench.screenshot(join(projectFolder, 'media', 'screenshot.png'));
  });
});
