import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { strings } from '../../src/providers/ports/strings.ts';
import { waitForStillBox } from '../helpers/elements.ts';
import { openWorkbench, type Workbench } from '../helpers/workbench.ts';
import { picture } from './pictures.ts';

describe('A development server in a sandbox', () => {
  it('is offered once it listens, is shown in VS Code, and reloads its page when a file is saved', async () => {
    const workbench = await openWorkbench({
      folder: 'test/fixtures/dev-server',
      settings: { 'modal.sync.live': true },
    });
    const { page } = workbench;
    await workbench.openFile('server.js');
    await workbench.runCommand('Modal: Run Active File in Sandbox');
    await workbench.waitForTerminal(/Local: http:/);
    await workbench.waitForNotification(/^node .*server\.js is listening on port \d+ in the sandbox\.$/);
    await picture(workbench, 'port-offer');
    await workbench.clickNotification(strings.preview());
    const preview = page.frameLocator('iframe.webview.ready').frameLocator('#active-frame').frameLocator('iframe');
    await preview.getByText('Version 1').waitFor();
    await preview.getByText('connected').waitFor();
    const path = join(workbench.folder, 'index.html');
    writeFileSync(path, readFileSync(path, 'utf8').replace('Version 1', 'Version 2'));
    await preview.getByText('Version 2').waitFor();

    await showRow(workbench);
    await picture(workbench, 'ports');
    const browser = await followLink(workbench, 'http://localhost:');
    await browser.getByText('Version 2').waitFor();
    assert.match(browser.url(), /^http:\/\/127\.0\.0\.1:\d+\/$/);
  });
});

/** Shows the row of the forwarded port in the Sandboxes view. */
async function showRow(workbench: Workbench): Promise<void> {
  await workbench.openView('Modal');
  const row = (hasText: string | RegExp) => workbench.page.locator('.sidebar .monaco-list-row', { hasText }).first();
  await workbench.expand(row('dev-server'));
  await row(/Port \d+localhost:\d+ · node/).waitFor();
}

/** Opens a link in the terminal with Ctrl+click. Returns the page that it opens. */
async function followLink(workbench: Workbench, text: string): Promise<Page> {
  const { page } = workbench;
  const row = page.locator('.terminal-wrapper.active .xterm-rows > div', { hasText: text }).first();
  let at = { x: 0, y: 0 };
  // The terminal requests links when the mouse is over a line.
  await workbench.gesture(
    'the mouse over the link',
    async () => {
      const { x, y, height } = await waitForStillBox(row, text);
      at = { x: x + 120, y: y + height / 2 };
      await page.mouse.move(at.x - 20, at.y);
      await page.mouse.move(at.x, at.y);
    },
    page.locator('.workbench-hover, .xterm-hover', { hasText: strings.openLink() }),
  );
  const opened = page.waitForEvent('popup');
  await page.keyboard.down('Control');
  await page.mouse.click(at.x, at.y);
  await page.keyboard.up('Control');
  return opened;
}
