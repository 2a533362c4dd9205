import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentOf, readAll } from '../../src/modal/remote-files.ts';
import { volumeFiles } from '../../src/modal/volume-files.ts';
import { createVolume, listVolumes } from '../../src/modal/volumes.ts';
import { strings } from '../../src/views/volumes/strings.ts';
import { waitForAttribute, waitForPicture, waitForText } from '../helpers/elements.ts';
import { waitFor } from '../helpers/wait-for.ts';
import { openWorkbench, sharedWorkbench, type Workbench } from '../helpers/workbench.ts';
import { accountSettings, localAccount } from './local-account.ts';
import { picture } from './pictures.ts';

describe('The Volumes view', () => {
  // Mocha runs the hooks in this order, so the window closes before its account stops.
  const shared = sharedWorkbench({ settings: accountSettings });
  const account = localAccount();

  const data = () => volumeFiles(async () => account.modal, 'data');
  const textOf = async (path: string) => String(await readAll(data(), path, 1e9).catch(() => ''));
  const pane = (workbench: Workbench) => workbench.page.locator('.pane', { hasText: 'Volumes' }).last();
  const row = (workbench: Workbench, hasText: string) =>
    pane(workbench).locator('.monaco-list-row', { hasText }).first();
  const show = async (workbench: Workbench) => {
    await workbench.openView('Modal');
    return workbench;
  };
  const open = async () => show(await shared());
  /**
   * Answers VS Code's own file dialog, which overwrites typed text with a folder's path once it has listed the folder.
   */
  const typePath = async (workbench: Workbench, path: string) => {
    await workbench.pickRows('..').or(workbench.pickRows('main.py')).first().waitFor();
    await workbench.fillInput(path);
    await workbench.input.press('Enter');
  };

  it('creates a volume with the button of the empty view', async () => {
    const workbench = await open();
    await pane(workbench).getByRole('button', { name: 'New Volume…' }).first().click();
    await workbench.answerInput('data');
    await row(workbench, 'data').waitFor();
    assert.deepEqual(
      (await listVolumes(account.modal)).map(({ name }) => name),
      ['data'],
    );
  });

  const withFiles = async () => {
    await createVolume(account.modal, 'data').catch(() => {});
    await data().write('/models/weights.bin', contentOf(Buffer.alloc(3_400_000, 1)));
  };

  it('shows volume files with their sizes, opens one with the mouse, and saves edits', async () => {
    await withFiles();
    await data().write('/notes.txt', contentOf(Buffer.from('from the volume\n')));
    const workbench = await open();
    await workbench.expand(row(workbench, 'data'));
    await workbench.expand(row(workbench, 'models'));
    await waitForText(row(workbench, 'weights.bin'), /3\.4 MB/);
    await waitForAttribute(row(workbench, 'notes.txt'), 'aria-label', /^File notes\.txt, 16 B · /);
    await row(workbench, 'notes.txt').click();
    await workbench.page.locator('.view-line', { hasText: 'from the volume' }).click();
    await picture(workbench, 'volumes');
    await workbench.page.keyboard.press('Control+Home');
    await workbench.page.keyboard.type('edited, ');
    await workbench.page.keyboard.press('Control+s');
    await waitFor(
      'the file to be saved',
      20_000,
      () => textOf('/notes.txt'),
      (text) => text === 'edited, from the volume\n',
    );
  });

  it('shows a picture in a volume', async () => {
    await withFiles();
    await data().write('/icon.png', contentOf(readFileSync('media/icon.png')));
    const workbench = await open();
    await workbench.expand(row(workbench, 'data'));
    await row(workbench, 'icon.png').dispatchEvent('click');
    await waitForPicture(workbench.page, 256);
  });

  it('uploads files that are dragged from the Explorer to a volume', async () => {
    await withFiles();
    const workbench = await open();
    await workbench.expand(row(workbench, 'data'));
    await workbench.expand(row(workbench, 'models'));
    const over = workbench.viewIcon('Modal');
    await workbench.gesture(
      'the drag of main.py',
      async () => {
        await workbench.openExplorer();
        await workbench.dragToRow(workbench.explorerRows('main.py'), row(workbench, 'models'), { over });
      },
      row(workbench, 'main.py'),
    );
    const expected = readFileSync(join(workbench.folder, 'main.py'), 'utf8');
    await waitFor(
      'the file in the volume',
      20_000,
      () => textOf('/models/main.py'),
      (text) => text === expected,
    );
  });

  it('uploads, downloads, and deletes volume files', async () => {
    await withFiles();
    const workbench = await show(await openWorkbench({ settings: accountSettings, theme: 'light' }));
    writeFileSync(join(workbench.folder, 'up load.txt'), 'uploaded');
    const into = join(workbench.folder, 'down');
    mkdirSync(into);
    await workbench.expand(row(workbench, 'data'));
    await workbench.expand(row(workbench, 'models'));
    await row(workbench, 'weights.bin').waitFor();
    await workbench.clickRowAction(row(workbench, 'models'), 'Upload');
    await typePath(workbench, join(workbench.folder, 'up load.txt'));
    await row(workbench, 'up load.txt').waitFor();
    assert.equal(await textOf('/models/up load.txt'), 'uploaded');

    await workbench.chooseInContextMenu(row(workbench, 'models'), 'Download…');
    await typePath(workbench, `${into}/`);
    await workbench.page.locator('.statusbar', { hasText: strings.downloaded('“models”') }).waitFor();
    assert.equal(readFileSync(join(into, 'models', 'up load.txt'), 'utf8'), 'uploaded');
    assert.ok(
      readdirSync(join(into, 'models')).every((name) => !name.startsWith('.')),
      'no partial file is left',
    );

    await row(workbench, 'up load.txt').click();
    await workbench.page.locator('.tab', { hasText: 'up load.txt' }).waitFor();
    await workbench.openContextMenu(row(workbench, 'up load.txt'), 'Delete…');
    await picture(workbench, 'volumes-light');
    await workbench.chooseInMenu('Delete…');
    await workbench.clickDialog(strings.delete());
    await row(workbench, 'up load.txt').waitFor({ state: 'detached' });
  });

  it("removes a volume that was deleted elsewhere, and explains why its file can't be saved", async () => {
    await createVolume(account.modal, 'leaving');
    await volumeFiles(async () => account.modal, 'leaving').write('/inside.txt', contentOf(Buffer.from('x')));
    // Edits to a deleted volume can't be saved, so this window can't be reused.
    const workbench = await show(await openWorkbench({ settings: accountSettings }));
    await workbench.expand(row(workbench, 'leaving'));
    await row(workbench, 'inside.txt').click();
    await workbench.page.locator('.view-line').first().click();
    await account.modal.volumes.delete('leaving');
    await row(workbench, 'leaving').waitFor({ state: 'detached' });
    await row(workbench, 'inside.txt').waitFor({ state: 'detached' });
    await workbench.page.keyboard.type('edited');
    await workbench.page.keyboard.press('Control+s');
    await workbench.waitForNotification(/Volume “leaving” doesn't exist\. It was deleted or renamed/);
    // The edits aren't lost.
    await workbench.notificationButton('Save As...').waitFor();
  });

  it('shows a folder with 20,000 entries page by page', async () => {
    await createVolume(account.modal, 'many');
    const { volumes } = account.modal;
    const { volumeId } = await volumes.fromName('many');
    const files = Array.from({ length: 20_000 }, (_, n) => ({
      path: `f${String(n).padStart(5, '0')}`,
      size: 0,
      blocks: [],
    }));
    await account.modal.cpClient.volumePutFiles2({ volumeId, files });
    const workbench = await open();
    await workbench.expand(row(workbench, 'many'));
    await row(workbench, 'f00000').waitFor();
    await row(workbench, 'f00000').click();
    await workbench.page.keyboard.press('End');
    await row(workbench, strings.showMore('1,000', '19,000')).click();
    await row(workbench, 'f01000').click();
    await workbench.page.keyboard.press('End');
    await row(workbench, strings.showMore('1,000', '18,000')).waitFor();
  });
});
