import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentOf, readAll } from '../../src/modal/remote-files.ts';
import { volumeFiles } from '../../src/modal/volume-files.ts';
import { createVolume, listVolumes } from '../../src/modal/volumes.ts';
import { strings } from '../../src/views/volumes/strings.ts';
import { waitFor } from '../helpers/wait-for.ts';
import { openWorkbench, type Workbench } from '../helpers/workbench.ts';
import { accountSettings, localAccount } from './local-account.ts';
import { picture, waitForPicture } from './pictures.ts';

describe('the Volumes view', () => {
  const account = localAccount();

  const data = () => volumeFiles(async () => account.modal, 'data');
  const textOf = async (path: string) => String(await readAll(data(), path, 1e9).catch(() => ''));
  const pane = (workbench: Workbench) => workbench.page.locator('.pane', { hasText: 'Volumes' }).last();
  const row = (workbench: Workbench, hasText: string) =>
    pane(workbench).locator('.monaco-list-row', { hasText }).first();
  const open = async (theme: 'dark' | 'light' = 'dark') => {
    const workbench = await openWorkbench({ settings: accountSettings, theme });
    await workbench.openView('Modal');
    return workbench;
  };
  /** Answers VS Code's own file dialog, which takes a while to list what is there. */
  const typePath = async (workbench: Workbench, path: string) => {
    await workbench.page
      .locator('.quick-input-list .monaco-list-row', { hasText: 'main.py' })
      .or(workbench.page.locator('.quick-input-list .monaco-list-row', { hasText: '..' }))
      .first()
      .waitFor();
    await waitFor(
      'the path to be taken',
      20_000,
      async () => {
        await workbench.input.fill(path);
        await workbench.page.waitForTimeout(700);
        return workbench.input.inputValue();
      },
      (value) => value === path,
    );
    await workbench.page.keyboard.press('Enter');
  };

  it('says that there is none yet, and makes one by a button', async () => {
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

  it('shows files with sizes, opens one with the mouse, and saves what is edited', async () => {
    await withFiles();
    await data().write('/notes.txt', contentOf(Buffer.from('from the volume\n')));
    const workbench = await open();
    await row(workbench, 'data').click();
    await row(workbench, 'models').click();
    await row(workbench, 'weights.bin').waitFor();
    assert.match(await row(workbench, 'weights.bin').innerText(), /3\.4 MB/);
    assert.match((await row(workbench, 'notes.txt').getAttribute('aria-label')) ?? '', /^File notes\.txt, 16 B · /);
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

  it('shows a picture', async () => {
    await withFiles();
    await data().write('/icon.png', contentOf(readFileSync('media/icon.png')));
    const workbench = await open();
    await row(workbench, 'data').click();
    await row(workbench, 'icon.png').dispatchEvent('click');
    await waitForPicture(workbench, 256);
  });

  it('takes files that are dragged from the Explorer', async () => {
    await withFiles();
    const workbench = await open();
    await row(workbench, 'data').click();
    await row(workbench, 'models').waitFor();
    await workbench.page.keyboard.press('Control+Shift+E');
    const file = workbench.page.locator('.explorer-folders-view .monaco-list-row', { hasText: 'main.py' });
    const { mouse } = workbench.page;
    await file.hover();
    await mouse.down();
    const icon = await workbench.viewIcon('Modal').boundingBox();
    assert.ok(icon);
    await mouse.move(icon.x + 10, icon.y + 10, { steps: 10 });
    await row(workbench, 'models').waitFor();
    const target = await row(workbench, 'models').boundingBox();
    assert.ok(target);
    await mouse.move(target.x + 60, target.y + 10, { steps: 10 });
    await workbench.page.waitForTimeout(300);
    await mouse.up();
    const expected = readFileSync(join(workbench.folder, 'main.py'), 'utf8');
    await waitFor(
      'the file in the volume',
      20_000,
      () => textOf('/models/main.py'),
      (text) => text === expected,
    );
    await row(workbench, 'models').click();
    await row(workbench, 'main.py').waitFor();
  });

  it('uploads and downloads by keyboard, asks before it replaces, and deletes', async () => {
    await withFiles();
    const workbench = await open('light');
    writeFileSync(join(workbench.folder, 'up load.txt'), 'uploaded');
    const into = join(workbench.folder, 'down');
    mkdirSync(into);
    await row(workbench, 'data').click();
    await row(workbench, 'models').click();
    await row(workbench, 'weights.bin').waitFor();
    await row(workbench, 'models').hover();
    await row(workbench, 'models').locator('a[aria-label*="Upload"]').click();
    await typePath(workbench, join(workbench.folder, 'up load.txt'));
    await row(workbench, 'up load.txt').waitFor();
    assert.equal(await textOf('/models/up load.txt'), 'uploaded');

    await row(workbench, 'models').click({ button: 'right' });
    await workbench.chooseInMenu('Download…');
    await typePath(workbench, `${into}/`);
    await workbench.page.locator('.statusbar', { hasText: strings.downloaded('“models”') }).waitFor();
    assert.equal(readFileSync(join(into, 'models', 'up load.txt'), 'utf8'), 'uploaded');
    assert.ok(
      readdirSync(join(into, 'models')).every((name) => !name.startsWith('.')),
      'no unfinished file is left',
    );

    await row(workbench, 'up load.txt').click();
    await workbench.page.locator('.tab', { hasText: 'up load.txt' }).waitFor();
    await row(workbench, 'up load.txt').click({ button: 'right' });
    await picture(workbench, 'volumes-light');
    await workbench.chooseInMenu('Delete…');
    await workbench.clickDialog(strings.delete());
    await row(workbench, 'up load.txt').waitFor({ state: 'detached' });
  });

  it('drops a volume that was deleted elsewhere, and says so when a file of it is saved', async () => {
    await createVolume(account.modal, 'leaving');
    await volumeFiles(async () => account.modal, 'leaving').write('/inside.txt', contentOf(Buffer.from('x')));
    const workbench = await open();
    await row(workbench, 'leaving').click();
    await row(workbench, 'inside.txt').click();
    await workbench.page.locator('.view-line').first().click();
    await account.modal.volumes.delete('leaving');
    await row(workbench, 'leaving').waitFor({ state: 'detached' });
    await row(workbench, 'inside.txt').waitFor({ state: 'detached' });
    await workbench.page.keyboard.type('edited');
    await workbench.page.keyboard.press('Control+s');
    await workbench.waitForNotification(/There is no volume “leaving”: it was deleted or renamed/);
    assert.ok((await workbench.notificationButtons()).includes('Save As...'), 'what was written is not lost');
  });

  it('shows a folder of 20,000 entries a part at a time', async () => {
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
    await row(workbench, 'many').click();
    await row(workbench, 'f00000').waitFor();
    await row(workbench, 'f00000').click();
    await workbench.page.keyboard.press('End');
    await row(workbench, strings.showMore('1,000', '19,000')).click();
    await row(workbench, 'f01000').click();
    await workbench.page.keyboard.press('End');
    await row(workbench, strings.showMore('1,000', '18,000')).waitFor();
  });
});
