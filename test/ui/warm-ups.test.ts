import assert from 'node:assert/strict';
import { strings as permissionStrings } from '../../src/providers/permissions/strings.ts';
import { strings } from '../../src/sandboxes/strings.ts';
import { strings as statusBarStrings } from '../../src/views/status-bar/strings.ts';
import { waitForAttribute, waitForText } from '../helpers/elements.ts';
import { manifestText } from '../helpers/manifest.ts';
import { openWorkbench, type Workbench } from '../helpers/workbench.ts';
import { picture } from './pictures.ts';

/** Returns the status bar item. */
const statusItem = (workbench: Workbench) => workbench.page.locator('.statusbar-item[id*="modal.session"]');
const warmRow = (workbench: Workbench, hasText: string) =>
  workbench.page.locator('.sidebar .monaco-list-row', { hasText }).first();

/** Chooses a profile with warm sandboxes, and allows them. */
async function chooseReady(workbench: Workbench, theme: 'dark' | 'light'): Promise<void> {
  await workbench.openFile('word.sh');
  await workbench.chooseProfile('ready');
  await workbench.waitForNotification(/Profile “ready” in “profiles” asks for your permission: Keep 1 sandbox running/);
  await picture(workbench, `permission-notification-${theme}`);
  await workbench.clickNotification(permissionStrings.review());
  const asked = await workbench.waitForDialog(/Allow profile “ready” in “profiles” to do the following\?/);
  assert.match(asked, /• Keep 1 sandbox running while VS Code is open[^•]*• Refresh warm sandboxes every 30 minutes/);
  await picture(workbench, `permissions-${theme}`);
  await workbench.clickDialog(permissionStrings.allow());
  await statusItem(workbench).locator('.codicon-flame').waitFor();
}

describe('Warm-ups', () => {
  it('shows a warm sandbox in the Warm-Ups view and the status bar, and uses it for a run', async () => {
    const workbench = await openWorkbench({ folder: 'test/fixtures/profiles' });
    await chooseReady(workbench, 'dark');
    await workbench.openView('Modal');
    await workbench.runCommand(`Modal: Focus on ${manifestText('view.warmUps')} View`);
    await warmRow(workbench, '1 of 1 ready').waitFor();
    await warmRow(workbench, 'image ready, started 1 sandbox').waitFor();
    await workbench.clickCodeLens('Run in Sandbox (ready)');
    assert.match(await workbench.waitForTerminal(/Exited with code 0/), /● Using warm sandbox sb-/);
    await statusItem(workbench).locator('.codicon-vm-running').waitFor();
    await warmRow(workbench, '1 of 1 ready').waitFor();
    await picture(workbench, 'warm-ups');
  });

  it("pauses warm-ups from the status bar's menu by keyboard, in a light theme", async () => {
    const workbench = await openWorkbench({ folder: 'test/fixtures/profiles', theme: 'light' });
    await chooseReady(workbench, 'light');
    await waitForAttribute(
      statusItem(workbench),
      'aria-label',
      /^Modal: profile “ready” in profiles, warm sandbox available\. Account: Local Modal\. Local Modal is free\./,
    );
    await statusItem(workbench).locator('a').focus();
    await workbench.page.keyboard.press('Enter');
    await workbench.pickRows(statusBarStrings.stopEverything()).waitFor();
    const offered = await waitForText(workbench.page.locator('.quick-input-list'), /Resume Sandbox/);
    assert.doesNotMatch(offered, /Pause Sandbox/, 'no sandbox is running that could be paused');
    await picture(workbench, 'session-menu');
    await workbench.pickByKeyboard('Stop');
    await workbench.waitForNotification(/Stopped 1 sandbox\. Warm-ups are paused until the next run\./);
    await statusItem(workbench).locator('.codicon-vm-outline').waitFor();
    await workbench.runCommand(`Modal: Focus on ${manifestText('view.warmUps')} View`);
    await warmRow(workbench, `paused: ${strings.pausedUntilNextRun()}`).waitFor();
    await picture(workbench, 'warm-ups-paused');
  });
});
