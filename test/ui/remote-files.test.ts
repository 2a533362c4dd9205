import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { strings } from '../../src/providers/files/strings.ts';
import { strings as syncTexts } from '../../src/sync/strings.ts';
import { comesIntoSight, waitForPicture, waitForTexts } from '../helpers/elements.ts';
import { commandTitle, paletteTitle } from '../helpers/manifest.ts';
import { waitFor } from '../helpers/wait-for.ts';
import { openWorkbench, type Workbench } from '../helpers/workbench.ts';
import { accountSettings, localAccount } from './local-account.ts';
import { picture } from './pictures.ts';

describe('Open Sandbox Files in Explorer', () => {
  const account = localAccount();

  const rows = (workbench: Workbench, hasText: string) => workbench.explorerRows(hasText);
  const running = async () => (await account.server.control.running()).sandboxes.map(({ id }) => id);
  /** Runs a file, and opens the files of its sandbox from the row's context menu. */
  const openInExplorer = async (workbench: Workbench) => {
    await workbench.openFile('main.py');
    await workbench.clickCodeLens('Run in Sandbox');
    await workbench.clickDialog(syncTexts.sync());
    await workbench.waitForTerminal(/Exited with code 0/);
    await workbench.openView('Modal');
    const row = workbench.page.locator('.sidebar .monaco-list-row', { hasText: 'left' }).first();
    await workbench.chooseInContextMenu(row, commandTitle('modal.openInExplorer'));
  };
  /** Expands the sandbox's folder unless VS Code does, possibly in a restarted window. */
  const expandFolder = async (workbench: Workbench) => {
    const files = rows(workbench, 'greetings.py');
    await waitFor(
      'the folder to be expanded',
      90_000,
      async () => {
        await workbench.waitForFolders();
        if (await comesIntoSight(files.nth(1), 4_000)) return true;
        const collapsed = rows(workbench, 'hello (sandbox)').and(workbench.page.locator('[aria-expanded="false"]'));
        await collapsed.click({ timeout: 1_000 }).catch(() => {});
        return false;
      },
      (isExpanded) => isExpanded,
    );
    const shown = (texts: readonly string[], name: string) => texts.filter((text) => text.includes(name)).length;
    await waitForTexts(
      "the files of both folders, without the sync's own data",
      rows(workbench, ''),
      (texts) => shown(texts, 'greetings.py') === 2 && shown(texts, '.modal-sync') === 0,
    );
  };

  it('shows sandbox files next to the local ones, opens one, and compares the two', async () => {
    const workbench = await openWorkbench({ multiRoot: true, settings: accountSettings });
    await openInExplorer(workbench);
    await expandFolder(workbench);
    await rows(workbench, 'greetings.py').nth(1).click();
    await workbench.page.locator('.view-line', { hasText: 'def' }).first().waitFor();
    await picture(workbench, 'remote-files');
    await workbench.runCommand(paletteTitle('modal.compareWithLocal'));
    await workbench.page.locator('.tab.active', { hasText: strings.diffTitle('greetings.py') }).waitFor();
  });

  for (const nth of ['first', 'second'])
    it(`keeps using the sandbox after the restart that adds its files to a single-folder window (${nth} window)`, async () => {
      const before = await running();
      const workbench = await openWorkbench({ settings: accountSettings });
      await openInExplorer(workbench);
      await expandFolder(workbench);
      const started = (await running()).filter((id) => !before.includes(id));
      assert.equal(started.length, 1, 'the sandbox keeps running through the restart');
      await rows(workbench, 'greetings.py').nth(1).click();
      await workbench.page.locator('.view-line', { hasText: 'def' }).first().waitFor();
      await workbench.openFile('main.py');
      await workbench.clickCodeLens('Run in Sandbox');
      await workbench.waitForTerminal(/Exited with code 0/);
      assert.deepEqual(
        (await running()).filter((id) => !before.includes(id)),
        started,
        'the run uses the same sandbox',
      );
    });

  const open = async () => {
    const workbench = await openWorkbench({ multiRoot: true, settings: accountSettings });
    cpSync('media/icon.png', join(workbench.folder, 'icon.png'));
    mkdirSync(join(workbench.folder, 'sub'));
    writeFileSync(join(workbench.folder, 'sub', 'inner.txt'), '');
    writeFileSync(join(workbench.folder, 'brought.txt'), 'brought');
    writeFileSync(join(workbench.folder, '.modalignore'), 'brought.txt\n');
    const before = await running();
    await openInExplorer(workbench);
    await expandFolder(workbench);
    const [id] = (await running()).filter((each) => !before.includes(each));
    const sandbox = await account.modal.sandboxes.fromId(id ?? '');
    const shell = async (line: string) => (await sandbox.exec(['sh', '-c', line])).stdout.readText();
    return { workbench, sandbox, shell };
  };
  /** Drags a row to a folder, and confirms that it should be moved. */
  const move = async (workbench: Workbench, from: Locator, to: Locator, into: string) => {
    await workbench.gesture(
      `the drag into ${into}`,
      () => workbench.dragToRow(from, to),
      workbench.page.locator('.monaco-dialog-box', { hasText: `into '${into}'?` }),
    );
    await workbench.clickDialog('Move');
  };

  it('shows pictures and new files in the sandbox, and moves files within, into, and out of it by dragging', async () => {
    const { workbench, shell } = await open();
    await rows(workbench, 'icon.png').nth(1).click();
    await waitForPicture(workbench.page, 256);
    await picture(workbench, 'remote-picture');
    await shell('echo made > /workspace/made.txt');
    await rows(workbench, 'made.txt').waitFor();

    await move(workbench, rows(workbench, 'crash.py').nth(1), rows(workbench, 'sub').nth(1), 'sub');
    await waitFor(
      'the file in the other folder',
      20_000,
      () => shell('cd /workspace; ls sub; ls crash.py'),
      (names) => names === 'crash.py\ninner.txt\n',
    );
    await move(workbench, rows(workbench, 'brought.txt'), rows(workbench, 'hello (sandbox)'), 'hello (sandbox)');
    await waitFor(
      'the file in the sandbox',
      20_000,
      () => shell('cat /workspace/brought.txt'),
      (text) => text === 'brought',
    );
    const taken = join(workbench.folder, 'sub', 'made.txt');
    await workbench.gesture(
      'the drag of made.txt',
      () => workbench.dragToRow(rows(workbench, 'made.txt').last(), rows(workbench, 'sub').first(), { copy: true }),
      () => existsSync(taken),
    );
    await waitFor(
      'the local file',
      20_000,
      async () => (existsSync(taken) ? readFileSync(taken, 'utf8') : ''),
      (text) => text === 'made\n',
    );
    assert.equal(await shell('cat /workspace/made.txt'), 'made\n', 'the original still exists');
  });

  it('searches the sandbox and opens a result, and offers to remove the folder when the sandbox has stopped', async () => {
    const { workbench, sandbox, shell } = await open();
    await shell(`cd /workspace && printf 'first\\n  a $(rocket) is no icon\\n' > 'od d:1.txt'`);
    await workbench.chooseInContextMenu(rows(workbench, 'hello (sandbox)'), 'Search in Sandbox…');
    const found = workbench.page.locator('.quick-input-list .monaco-list-row');
    await workbench.page.locator('.quick-input-title', { hasText: strings.searchTitle('/workspace') }).waitFor();
    const { input } = workbench;
    await input.pressSequentially('no such line');
    await found.getByText(strings.noResults()).waitFor();
    await input.fill('greet');
    await found.getByText('greetings.py:1').waitFor();
    await picture(workbench, 'search-in-sandbox');
    await input.fill('rocket');
    await found.getByText('a $(rocket) is no icon').waitFor();
    await found.getByText('od d:1.txt:2').waitFor();
    await workbench.page.keyboard.press('Enter');
    await workbench.page.locator('.tab.active', { hasText: 'od d:1.txt' }).waitFor();
    await workbench.page.locator('.statusbar', { hasText: 'Ln 2, Col 13 (6 selected)' }).waitFor();

    await sandbox.terminate();
    await workbench.waitForNotification(/The sandbox for folder “hello \(sandbox\)” stopped/);
    await picture(workbench, 'sandbox-ended');
    await workbench.clickNotification(strings.removeFolder());
    await rows(workbench, 'hello (sandbox)').waitFor({ state: 'detached' });
    await rows(workbench, 'greetings.py').waitFor();
  });
});
