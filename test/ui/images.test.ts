import assert from 'node:assert/strict';
import { openWorkbench, type Workbench } from '../helpers/workbench.ts';
import { picture } from './pictures.ts';

async function run(workbench: Workbench, profile: string): Promise<void> {
  await workbench.chooseProfile(profile);
  await workbench.clickCodeLens(`Run in Sandbox (${profile})`);
}

describe('Images', () => {
  it('shows the log of a build, and a notification that can cancel it', async () => {
    const workbench = await openWorkbench({ folder: 'test/fixtures/images' });
    await workbench.openFile('say.sh');
    await run(workbench, 'slow');
    const log = await workbench.waitForTerminal(/Part 3 of 60/);
    assert.match(log, /==> 3\/4 echo Fetching the model[\s\S]*^Fetching the model$[\s\S]*==> 4\/4 for n in/m);
    await workbench.waitForNotification(/Building the image.*4\/4 for n in/);
    await workbench.page.locator('.statusbar-item', { hasText: 'Building the image…' }).waitFor();
    await picture(workbench, 'image-build');
    await workbench.clickNotification('Cancel');
    await workbench.waitForTerminal(/● The build was canceled/);
  });

  it('shows a failed build in the Problems view, with its line and the last lines of the log', async () => {
    const workbench = await openWorkbench({ folder: 'test/fixtures/images', theme: 'light' });
    await workbench.openFile('say.sh');
    await run(workbench, 'failing');
    await workbench.waitForTerminal(/● Couldn't build the image/);
    await workbench.runCommand('Problems: Focus on Problems View');
    const problem = workbench.page
      .locator('.markers-panel .monaco-list-row', { hasText: "Couldn't build the image" })
      .first();
    await problem.waitFor();
    await workbench.gesture(
      'the click on the problem',
      () => problem.click(),
      workbench.page.locator('.tab.active', { hasText: 'Failing.Dockerfile' }),
    );
    await workbench.page.locator('.markers-panel', { hasText: 'no image here' }).waitFor();
    await picture(workbench, 'image-problem');
  });

  it('checks an image from the command palette', async () => {
    const workbench = await openWorkbench({ folder: 'test/fixtures/images' });
    await workbench.openFile('say.sh');
    await workbench.runCommand('Modal: Check Image');
    // The image is built first.
    await workbench.page.locator('.view-line', { hasText: 'Size:' }).first().waitFor({ timeout: 120_000 });
    await picture(workbench, 'image-check');
  });
});
