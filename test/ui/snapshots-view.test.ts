import assert from 'node:assert/strict';
import { Tag } from '../../src/modal/sandboxes.ts';
import { strings } from '../../src/views/snapshots/strings.ts';
import { waitForAttribute } from '../helpers/elements.ts';
import { waitFor } from '../helpers/wait-for.ts';
import { openWorkbench, sharedWorkbench, type Workbench } from '../helpers/workbench.ts';
import { accountSettings, localAccount } from './local-account.ts';
import { picture } from './pictures.ts';

describe('the Snapshots view', () => {
  // Closed before its account goes.
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

  it('takes no snapshot that is cancelled by the button of its progress', async () => {
    await account.server.control.addFault({ method: 'TaskSnapshotFilesystem', delayMs: 12_000, times: 1 });
    await account.server.control.resetCalls();
    const workbench = await open();
    // One sandbox runs, so that nobody is asked which.
    await row(workbench, 'Sandboxes', 'trainer').waitFor();
    await workbench.runCommand('Modal: New Snapshot…');
    await workbench.answerInput('never taken');
    await workbench.pickItem(strings.days(7));
    await workbench.waitForNotification(/Taking snapshot “never taken”/);
    await picture(workbench, 'snapshot-progress');
    await workbench.clickNotification('Cancel');
    await workbench.waitForNoNotification();
    assert.equal((await account.server.control.calls()).ImageDelete ?? 0, 0, 'the wait ends before Modal does');
    await waitFor(
      'what Modal made all the same to be deleted',
      30_000,
      async () => (await account.server.control.calls()).ImageDelete ?? 0,
      (count) => count === 1,
    );
    await pane(workbench, 'Snapshots').getByText('No snapshots yet.').waitFor();
  });

  it('keeps a sandbox by the menu of its row, and restores it by a button into a second one', async () => {
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

  it('agrees with the view of another window, renames by key and names what was made from a snapshot', async () => {
    const [here, there] = await Promise.all([
      open(),
      openWorkbench({ settings: accountSettings, theme: 'light', height: 900 }).then(show),
    ]);
    await take(here, 'seen from both');
    await take(there, 'from there');
    // A view looks at what others do each fifteen seconds.
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
