/** Drives VS Code's workbench in a headless browser, as a person would, with the packed extension installed. */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { projectFolder, vscodeTestFolder } from '../../scripts/paths.ts';
import { say } from '../../scripts/say.ts';
import { startBrowser } from '../../scripts/vscode/browser.ts';
import { type Settings, temporaryProfile } from '../../scripts/vscode/profile.ts';
import { startServer } from '../../scripts/vscode/server.ts';
import { waitFor } from './wait-for.ts';

const readyTimeoutMs = 60_000;
const stepTimeoutMs = 40_000;

export interface WorkbenchOptions {
  /** Folder of the project, of which a copy is opened. */
  readonly folder?: string;
  /** User settings beside `"modal.account": "local"`. */
  readonly settings?: Settings;
  readonly theme?: 'dark' | 'light';
  readonly width?: number;
  readonly height?: number;
  /** Whether VS Code asks for trust in the folder, which then is not trusted. */
  readonly workspaceTrust?: boolean;
  /** Whether the folder is opened as the first one of a workspace of several, which takes another without a restart. */
  readonly multiRoot?: boolean;
}

let browser: Promise<Browser> | undefined;
const open = new Set<Workbench>();

/** Opens a workbench and waits until it is ready. It is closed after the test that opened it, or by `close`. */
export async function openWorkbench(options: WorkbenchOptions = {}): Promise<Workbench> {
  const installed = process.env.INSTALLED_EXTENSIONS;
  if (!installed) throw new Error('Run the UI tests with `npm test -- ui`, which packs and installs the extension.');
  const profile = await temporaryProfile({
    'modal.account': 'local',
    // Only the DOM renderer's text can be read from the page.
    'terminal.integrated.gpuAcceleration': 'off',
    'workbench.colorTheme': options.theme === 'light' ? 'Default Light Modern' : 'Default Dark Modern',
    'window.commandCenter': false,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: VS Code's own variables
    'window.title': '${activeEditorShort}${separator}${rootName}',
    ...options.settings,
  });
  await cp(installed, profile.extensionsDir, { recursive: true });
  const source = options.folder ?? 'examples/hello';
  const folder = join(profile.folder, 'workspace', basename(source));
  await mkdir(dirname(folder), { recursive: true });
  await cp(join(projectFolder, source), folder, { recursive: true });
  const workspaceFile = `${folder}.code-workspace`;
  if (options.multiRoot) await writeFile(workspaceFile, JSON.stringify({ folders: [{ path: basename(folder) }] }));
  const flags = {
    ...profile,
    folder: options.multiRoot ? workspaceFile : folder,
    extensionDevelopmentPaths: [],
    extensionTestsPath: undefined,
    workspaceTrust: options.workspaceTrust ?? false,
  };
  browser ??= startBrowser();
  const [server, running] = await Promise.all([startServer(flags, { testDriver: false }), browser]);
  const page = await running.newPage({ viewport: { width: options.width ?? 1280, height: options.height ?? 800 } });
  page.setDefaultTimeout(stepTimeoutMs);
  const workbench = new Workbench(page, folder, async () => {
    open.delete(workbench);
    await page.close();
    await server.stop();
    await profile.remove();
  });
  open.add(workbench);
  // The server's own default folder has another authority than the files that an extension names.
  const opened = options.multiRoot
    ? `workspace=${encodeURIComponent(workspaceFile)}`
    : `folder=${encodeURIComponent(folder)}`;
  await page.goto(`http://${server.authority}/?${opened}`, { waitUntil: 'commit', timeout: readyTimeoutMs });
  await workbench.waitForFolders();
  // What the extension contributes comes later than the explorer: commands, menus and this icon at once.
  await workbench.viewIcon('Modal').waitFor({ timeout: readyTimeoutMs });
  return workbench;
}

/** One window of VS Code. Every step waits for its effect, and says what it waited for when that does not come. */
export class Workbench {
  readonly page: Page;
  /** The copy of the folder that this window has open. */
  readonly folder: string;
  readonly close: () => Promise<void>;

  constructor(page: Page, folder: string, close: () => Promise<void>) {
    this.page = page;
    this.folder = folder;
    this.close = close;
  }

  /**
   * Waits until the Explorer shows what is open. VS Code's server build shows a workspace that the browser has not opened
   * before as empty, now and then, whoever made it (“Add Folder to Workspace…” too): it reads the workspace's file twice
   * at once, and the answers may come in the wrong order. Loaded again it shows the folders.
   */
  async waitForFolders(): Promise<void> {
    const isEmpty = this.page.getByText('You have not yet added a folder to the workspace');
    const rows = this.page.locator('.explorer-folders-view .monaco-list-row');
    await waitFor(
      'the Explorer to show the folders',
      readyTimeoutMs,
      async () => {
        await this.page.waitForTimeout(250);
        if (await isEmpty.isVisible()) await this.page.reload({ waitUntil: 'commit' });
        return rows.count();
      },
      (count) => count > 0,
    );
  }

  /** Opens a file of the explorer with the mouse, and keeps it open. */
  async openFile(name: string): Promise<void> {
    await this.page.locator('.explorer-folders-view .monaco-list-row', { hasText: name }).first().dblclick();
    await this.page.locator('.tab.active', { hasText: name }).waitFor();
  }

  /** The code lenses of the active editor whose text holds `text`. */
  codeLens(text: string): Locator {
    return this.page.locator('.editor-instance .codelens-decoration a', { hasText: text });
  }

  /** Presses the first code lens with this text. */
  async clickCodeLens(text: string): Promise<void> {
    await this.codeLens(text).first().click();
  }

  /** Runs a command by its title in the command palette. */
  async runCommand(title: string): Promise<void> {
    await this.page.keyboard.press('F1');
    await this.input.waitFor();
    await this.input.fill(`>${title}`);
    const entry = this.page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first();
    await entry.waitFor();
    await entry.click();
  }

  /** The text box of the pick or the question on the screen. */
  get input(): Locator {
    return this.page.locator('.quick-input-widget input[type="text"]');
  }

  /** Answers a question that wants a text. */
  async answerInput(text: string): Promise<void> {
    await this.input.waitFor();
    await this.input.fill(text);
    await this.page.keyboard.press('Enter');
  }

  /** Chooses a profile by the code lens and the keyboard. */
  async chooseProfile(name: string): Promise<void> {
    await this.clickCodeLens('Change Profile');
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: name }).first().waitFor();
    await this.page.keyboard.type(name);
    await this.page.keyboard.press('Enter');
  }

  /** The lines that the visible terminal shows, without the blanks at their ends. */
  async terminalText(): Promise<string> {
    const rows = await this.page.locator('.terminal-wrapper.active .xterm-rows > div').allTextContents();
    return rows
      .map((row) => row.replaceAll('\u00a0', ' ').trimEnd())
      .join('\n')
      .trimEnd();
  }

  /** Waits until the visible terminal shows `pattern`, and returns all its text. */
  async waitForTerminal(pattern: RegExp, timeoutMs = readyTimeoutMs): Promise<string> {
    return waitFor(
      `the terminal to show ${pattern}`,
      timeoutMs,
      () => this.terminalText(),
      (text) => pattern.test(text),
    );
  }

  /** The texts of the notifications on the screen. */
  async notifications(): Promise<string[]> {
    return this.page.locator('.notifications-toasts .notification-list-item-message').allTextContents();
  }

  /** Waits for a notification whose text matches, and returns that text. */
  async waitForNotification(pattern: RegExp, timeoutMs = stepTimeoutMs): Promise<string> {
    const texts = await waitFor(
      `a notification like ${pattern}`,
      timeoutMs,
      () => this.notifications(),
      (all) => all.some((text) => pattern.test(text)),
    );
    return texts.find((text) => pattern.test(text)) ?? '';
  }

  /** The labels of the buttons of the notifications on the screen. */
  async notificationButtons(): Promise<string[]> {
    return this.page.locator('.notifications-toasts .monaco-text-button').allTextContents();
  }

  /** Presses a button of a notification. */
  async clickNotification(button: string): Promise<void> {
    await this.page.locator('.notifications-toasts .monaco-button', { hasText: button }).first().click();
  }

  /** The icon of a view container in the activity bar. */
  viewIcon(title: string): Locator {
    return this.page.locator(`.activitybar a.action-label[aria-label^="${title}"]`).first();
  }

  /** Opens a view container of the activity bar by its title. */
  async openView(title: string): Promise<void> {
    await this.viewIcon(title).click();
    await this.page.locator('.sidebar .composite.title', { hasText: title }).waitFor();
  }

  /** The texts of the rows of the side bar's trees. */
  async treeRows(): Promise<string[]> {
    return this.page.locator('.sidebar .monaco-list-row').allInnerTexts();
  }

  /** Presses an action beside a row of the side bar's trees, which shows while the mouse is over the row. */
  async clickRowAction(row: string, action: string): Promise<void> {
    const item = this.page.locator('.sidebar .monaco-list-row', { hasText: row }).first();
    await item.hover();
    await item.locator(`.actions a[aria-label*="${action}"]`).click();
  }

  /** Chooses an entry of the menu on the screen. A menu takes no press in its first moments, so that is repeated. */
  async chooseInMenu(text: string): Promise<void> {
    const entry = this.page.locator('.monaco-menu').getByText(text, { exact: true });
    await entry.waitFor();
    await waitFor(
      `the menu to take “${text}”`,
      stepTimeoutMs,
      async () => {
        await this.page.waitForTimeout(300);
        if (await entry.isVisible()) await entry.click();
        await this.page.waitForTimeout(300);
        return entry.isVisible();
      },
      (isVisible) => !isVisible,
    );
  }

  /** Presses a button of the dialog on the screen. */
  async clickDialog(button: string): Promise<void> {
    await this.page.locator('.monaco-dialog-box .monaco-button', { hasText: button }).first().click();
  }

  /** Saves what the window shows as PNG. */
  async screenshot(path: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await this.page.screenshot({ path });
  }
}

afterEach(async function () {
  for (const workbench of [...open]) {
    if (this.currentTest?.state === 'failed') {
      const name = this.currentTest
        .fullTitle()
        .replace(/[^\w]+/g, '-')
        .slice(0, 100);
      const path = join(vscodeTestFolder, 'screenshots', `${name}.png`);
      await workbench.screenshot(path).then(
        () => say(`What it looked like: ${path}`),
        () => say('The page could not be photographed.'),
      );
    }
    await workbench.close();
  }
});
