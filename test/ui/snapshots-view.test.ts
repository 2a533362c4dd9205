import assert from 'node:assert/strict';
import { Tag } from '../../src/modal/sandboxes.ts';
import { strings } from '../../src/views/snapshots/strings.ts';
import { waitForAttribute } from '../helpers/elements.ts';
import { waitFor } from '../helpers/wait-for.ts';
import { openWorkbench, sharedWorkbench, type Workbench } from '../helpers/workbench.ts';
import { accountSettings, localAccount } from './local-account.ts';
import { picture } from './pictures.ts';

describe('The Snapshots view', () => {
  // Mocha runs the hooks in this order, so the window closes before its account stops.
  const shared = sharedWorkbench({ settings: accountSettings, height: 900 });
  const account = localAccount();
  before(async () => {
    const { modal } = account;
    const app = await modal.apps.fromName('vscode-sandboxes', { createIfMissing: true });
    const image = await modal.images.fromRegistry('debian:12-slim').build(app);
    await modal.sandboxes.create(app, image, {
      name: 'trainer',
      timeoutMs: 3_600_000,
      tags: { [Tag.folderName]: 'hello' },
    });
  });

  const pane = (workbench: Workbench, title: string) =>
    workbench.page.locator('.pane', { has: workbench.page.locator(`.pane-header h3:text-is("${title}")`) });
  const row = (workbench: Workbench, title: string, hasText: string) =>
    pane(workbench, title).locator('.monaco-list-row', { hasText }).first();
  const show = async (workbench: Workbench) => {
    await workbench.openView('Modal');
    await pane(workbench, 'Snapshots').waitFor();
    return workbench;
  };
  const open = async () => show(await shared());
  const take = async (workbench: Workbench, name: string) => {
    await workbench.chooseInContextMenu(row(workbench, 'Sandboxes', 'trainer'), 'New Snapshot…');
    await workbench.answerInput(name);
    await workbench.pickItem(strings.days(7));
    await row(workbench, 'Snapshots', name).waitFor();
  };

  it('takes no snapshot if it is canceled in its progress notification', async () => {
    await account.server.control.addFault({ method: 'TaskSnapshotFilesystem', delayMs: 12_000, times: 1 });
    await account.server.control.resetCalls();
    const workbench = await open();
    // Only one sandbox is running, so there's no question which one.
    await row(workbench, 'Sandboxes', 'trainer').waitFor();
    await workbench.runCommand('Modal: New Snapshot…');
    await workbench.answerInput('never taken');
    await workbench.pickItem(strings.days(7));
    await workbench.waitForNotification(/Taking snapshot “never taken”/);
    await picture(workbench, 'snapshot-progress');
    await workbench.clickNotification('Cancel');
    await workbench.waitForNoNotification();
    assert.equal((await account.server.control.calls()).ImageDelete ?? 0, 0, 'the wait ends before Modal finishes');
    await waitFor(
      'the image that Modal finished anyway to be deleted',
      30_000,
      async () => (await account.server.control.calls()).ImageDelete ?? 0,
      (count) => count === 1,
    );
    await pane(workbench, 'Snapshots').getByText('No snapshots yet.').waitFor();
  });

  it('takes a snapshot from the context menu of a sandbox, and restores it to a second sandbox', async () => {
    const workbench = await open();
    await take(workbench, 'before the upgrade');
    const snapshot = row(workbench, 'Snapshots', 'before the upgrade');
    await waitForAttribute(snapshot, 'aria-label', /^Snapshot before the upgrade, expires in 7 days/);
    await workbench.clickRowAction(snapshot, 'Restore');
    await workbench.waitForNotification(/A sandbox with the files of “before the upgrade” is running/);
    await row(workbench, 'Sandboxes', 'before the upgrade').waitFor();
    await row(workbench, 'Sandboxes', 'trainer').waitFor();
    await row(workbench, 'Snapshots', 'before the upgrade').click();
    await row(workbench, 'Snapshots', 'Image').waitFor();
    await picture(workbench, 'snapshots');
  });

  it('shows the snapshots of another window, renames one by keyboard, and names what was created from one', async () => {
    const [here, there] = await Promise.all([
      open(),
      openWorkbench({ settings: accountSettings, theme: 'light', height: 900 }).then(show),
    ]);
    await take(here, 'seen from both');
    await take(there, 'from there');
    // The view polls every 15 seconds.
    await row(there, 'Snapshots', 'seen from both').waitFor();
    await row(here, 'Snapshots', 'from there').waitFor();

    await row(there, 'Snapshots', 'seen from both').click();
    await there.page.keyboard.press('F2');
    await there.answerInput('renamed there');
    await here.chooseInContextMenu(row(here, 'Snapshots', 'before the upgrade'), 'Delete Snapshot…');
    const question = await here.waitForDialog(/Permanently delete snapshot “before the upgrade”\?/);
    assert.match(question, /created from it.*: sandbox “before the upgrade”/);
    await here.clickDialog(strings.delete());
    await row(here, 'Snapshots', 'before the upgrade').waitFor({ state: 'detached' });
    await row(there, 'Snapshots', 'before the upgrade').waitFor({ state: 'detached' });
    await row(there, 'Snapshots', 'renamed there').waitFor();
    await row(here, 'Snapshots', 'renamed there').waitFor();
    await picture(there, 'snapshots-light');
  });
});
