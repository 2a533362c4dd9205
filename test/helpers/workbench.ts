/** Drives VS Code's workbench in a headless browser, as a person would, with the packed extension installed. */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { projectFolder, vscodeTestFolder } from '../../scripts/paths.ts';
import { say } from '../../scripts/say.ts';
import { startBrowser } from '../../scripts/vscode/browser.ts';
import { type Settings, temporaryProfile } from '../../scripts/vscode/profile.ts';
import { startServer } from '../../scripts/vscode/server.ts';
import { comesIntoSight, stepTimeoutMs, waitForStillBox, waitForText, waitForTexts } from './elements.ts';
import { waitFor } from './wait-for.ts';

const readyTimeoutMs = 60_000;
/** How long a gesture may go without its effect before VS Code counts as having dropped it. */
const dropTimeoutMs = 10_000;

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
/** Those that are not closed after a test that passed. */
const shared = new WeakSet<Workbench>();

/**
 * Opens one window for the tests of a suite, which takes a fraction of the time of one for each. Every test begins with
 * the Explorer, no editor, no terminal and no notification; after one that failed there is another window.
 */
export function sharedWorkbench(options: WorkbenchOptions = {}): () => Promise<Workbench> {
  let workbench: Workbench | undefined;
  after(() => workbench?.close());
  return async () => {
    if (workbench && open.has(workbench)) await workbench.tidyUp();
    else workbench = await openWorkbench(options);
    shared.add(workbench);
    return workbench;
  };
}

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

/**
 * One window of VS Code. Every step waits for its effect, and says what it waited for when that does not come. Nothing here
 * reads the page just once: what a step brings is drawn some time after the step.
 */
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
   * Makes a gesture and waits for its effect. Now and then VS Code drops one, as when a menu or a row is drawn anew under the
   * mouse or extensions are asked while they start; so it is made once more, after Escape has closed what came late.
   */
  async gesture(what: string, make: () => Promise<void>, effect: Locator | (() => boolean)): Promise<void> {
    const shows = (timeoutMs: number) =>
      typeof effect !== 'function'
        ? comesIntoSight(effect, timeoutMs)
        : waitFor(`the effect of ${what}`, timeoutMs, async () => effect(), Boolean).catch(() => false);
    const isTaken = await make().then(
      () => shows(dropTimeoutMs),
      (error: Error) => {
        if (error.name !== 'TimeoutError') throw error;
        return false;
      },
    );
    if (isTaken) return;
    say(`Once more, as VS Code dropped it: ${what}`);
    await this.page.keyboard.press('Escape');
    if (await shows(100)) return;
    await make();
    if (!(await shows(stepTimeoutMs))) throw new Error(`VS Code took no notice, twice, of ${what}.`);
  }

  /** Presses something that goes away once it is pressed, like an entry of a menu; once more when VS Code drops the press. */
  async #pressAway(what: string, element: Locator): Promise<void> {
    const goes = (timeout: number) =>
      element.waitFor({ state: 'hidden', timeout }).then(
        () => true,
        () => false,
      );
    // A menu takes no press in its first moments, and a list that is still filled moves its rows.
    await waitForStillBox(element);
    await element.click();
    if (await goes(dropTimeoutMs)) return;
    say(`Once more, as VS Code dropped it: the press of ${what}`);
    // It may go at last, before it can be pressed.
    await element.click({ timeout: dropTimeoutMs }).catch(() => {});
    await element.waitFor({ state: 'hidden' });
  }

  /** Closes whatever a test may have opened in a window that the next one uses as well. */
  async tidyUp(): Promise<void> {
    await this.runCommand('View: Close All Editors');
    await this.runCommand('Terminal: Kill All Terminals');
    await this.page.locator('.terminal-wrapper').waitFor({ state: 'detached' });
    await this.runCommand('Notifications: Clear All Notifications');
    await this.waitForNoNotification();
    await this.openExplorer();
  }

  /**
   * Waits until the Explorer shows what is open. VS Code's server build shows a workspace that the browser has not opened
   * before as empty, now and then, whoever made it (“Add Folder to Workspace…” too): it reads the workspace's file twice
   * at once, and the answers may come in the wrong order. Loaded again it shows the folders.
   */
  async waitForFolders(): Promise<void> {
    const empty = this.page.getByText('You have not yet added a folder to the workspace');
    const rows = this.page.locator('.explorer-folders-view .monaco-list-row');
    for (const deadline = Date.now() + readyTimeoutMs; Date.now() < deadline; ) {
      await rows.or(empty).first().waitFor({ timeout: readyTimeoutMs });
      // The folders get a moment to come all the same.
      if (await comesIntoSight(rows, 3_000)) return;
      await this.page.reload({ waitUntil: 'commit' });
    }
    await rows.first().waitFor({ timeout: 1 });
  }

  /** The rows of the Explorer whose text holds `hasText`. */
  explorerRows(hasText: string): Locator {
    return this.page.locator('.explorer-folders-view .monaco-list-row', { hasText });
  }

  /** Opens a file of the explorer with the mouse, and keeps it open. */
  async openFile(name: string): Promise<void> {
    const row = this.explorerRows(name).first();
    await row.waitFor();
    await this.gesture(
      `opening ${name}`,
      () => row.dblclick({ timeout: dropTimeoutMs }),
      this.page.locator('.tab.active', { hasText: name }),
    );
  }

  /** The code lenses of the active editor whose text holds `text`. */
  codeLens(text: string): Locator {
    return this.page.locator('.editor-instance .codelens-decoration a', { hasText: text });
  }

  /** Presses the first code lens with this text. */
  async clickCodeLens(text: string): Promise<void> {
    // A lens moves while the ones above it come in.
    await waitForStillBox(this.codeLens(text).first());
    await this.codeLens(text).first().click();
  }

  /** Runs a command by its title in the command palette. */
  async runCommand(title: string): Promise<void> {
    const entry = this.pickRows(title).first();
    await this.gesture(
      `the palette for “${title}”`,
      async () => {
        await this.page.keyboard.press('F1');
        await this.input.fill(`>${title}`, { timeout: dropTimeoutMs });
      },
      entry,
    );
    await this.#pressAway(`“${title}”`, entry);
  }

  /** The text box of the pick or the question on the screen. */
  get input(): Locator {
    return this.page.locator('.quick-input-widget input[type="text"]');
  }

  /** Fills the text box on the screen, anew whenever VS Code writes something else into it, until the text stays. */
  async fillInput(text: string): Promise<void> {
    let stays = 0;
    await waitFor(
      `the text box to keep “${text}”`,
      stepTimeoutMs,
      async () => {
        const value = await this.input.inputValue();
        stays = value === text ? stays + 1 : 0;
        if (stays === 0) await this.input.fill(text);
        return { value, stays };
      },
      (seen) => seen.stays >= 5,
    );
  }

  /** Answers a question that wants a text. */
  async answerInput(text: string): Promise<void> {
    await this.input.fill(text);
    await this.input.press('Enter');
  }

  /** The rows of the pick on the screen whose text holds `hasText`. */
  pickRows(hasText: string | RegExp): Locator {
    return this.page.locator('.quick-input-list .monaco-list-row', { hasText });
  }

  /** Chooses a row of the pick on the screen with the mouse. */
  async pickItem(text: string): Promise<void> {
    await this.#pressAway(`“${text}”`, this.pickRows(text).first());
  }

  /** Chooses a row of the pick on the screen by typing what it holds. */
  async pickByKeyboard(text: string): Promise<void> {
    await this.pickRows(text).first().waitFor();
    await this.input.pressSequentially(text);
    await this.page.locator('.quick-input-list .monaco-list-row.focused', { hasText: text }).waitFor();
    await this.input.press('Enter');
    await this.pickRows(text).first().waitFor({ state: 'hidden' });
  }

  /** Chooses a profile by the code lens and the keyboard. */
  async chooseProfile(name: string): Promise<void> {
    const lens = this.codeLens('Change Profile').first();
    await lens.waitFor();
    await this.gesture('the lens for profiles', () => lens.click({ timeout: dropTimeoutMs }), this.pickRows(name));
    await this.pickByKeyboard(name);
  }

  /** Puts the cursor on a text of the active editor and opens the menu of its quick fixes, which has to hold `fix`. */
  async openQuickFix(text: string, fix: string): Promise<void> {
    const { page } = this;
    const place = page.locator('.editor-instance .view-line').getByText(text).first();
    await page.locator('.editor-instance .squiggly-error').first().waitFor();
    const bulb = page.locator('[class*="codicon-gutter-lightbulb"], .lightBulbWidget');
    await this.gesture(
      `the quick fixes of ${text}`,
      async () => {
        await place.click();
        await bulb.first().waitFor({ timeout: dropTimeoutMs });
        await page.keyboard.press('Control+.');
      },
      page.locator('.action-widget').getByText(fix),
    );
  }

  /** The lines that the visible terminal shows, without the blanks at their ends. */
  async #terminalText(): Promise<string> {
    const rows = await this.page.locator('.terminal-wrapper.active .xterm-rows > div').allTextContents();
    return rows
      .map((row) => row.replaceAll('\u00a0', ' ').trimEnd())
      .join('\n')
      .trimEnd();
  }

  /** Waits until the visible terminal's text is as wanted, and returns all of it. */
  async waitForTerminal(wanted: RegExp | ((text: string) => boolean), timeoutMs = readyTimeoutMs): Promise<string> {
    return waitFor(
      `the terminal to show ${wanted}`,
      timeoutMs,
      () => this.#terminalText(),
      (text) => (wanted instanceof RegExp ? wanted.test(text) : wanted(text)),
    );
  }

  /** Puts the keyboard into the visible terminal. */
  async focusTerminal(): Promise<void> {
    const terminal = this.page.locator('.terminal-wrapper.active .xterm');
    const press = () => terminal.locator('.xterm-screen').click({ timeout: dropTimeoutMs });
    await this.gesture(
      'the press into the terminal',
      press,
      this.page.locator('.terminal-wrapper.active .xterm.focus'),
    );
  }

  /** Waits until the keyboard is in the active editor. */
  async waitForEditorFocus(): Promise<void> {
    await this.page.locator('.editor-instance .monaco-editor.focused').waitFor();
  }

  /** Waits for a notification whose text matches, and returns that text. */
  async waitForNotification(pattern: RegExp): Promise<string> {
    return waitForText(this.page.locator('.notifications-toasts .notification-list-item-message'), pattern);
  }

  /** Waits until no notification is on the screen. */
  async waitForNoNotification(): Promise<void> {
    const texts = this.page.locator('.notifications-toasts .notification-list-item-message');
    await waitForTexts('notifications to go', texts, ({ length }) => length === 0);
  }

  /** A button of a notification on the screen. */
  notificationButton(label: string): Locator {
    return this.page.locator('.notifications-toasts .monaco-button', { hasText: label }).first();
  }

  /** Presses a button of a notification. */
  async clickNotification(button: string): Promise<void> {
    await this.notificationButton(button).click();
  }

  /** The icon of a view container in the activity bar. */
  viewIcon(title: string): Locator {
    return this.page.locator(`.activitybar a.action-label[aria-label^="${title}"]`).first();
  }

  /** Opens a view container of the activity bar by its title, where another one is open. */
  async openView(title: string): Promise<void> {
    await this.viewIcon(title).click();
    await this.page.locator('.sidebar .composite.title', { hasText: title }).waitFor();
  }

  /** Opens the Explorer by its key. */
  async openExplorer(): Promise<void> {
    const explorer = this.page.locator('.explorer-folders-view .monaco-list-row');
    await this.gesture('the key of the Explorer', () => this.page.keyboard.press('Control+Shift+E'), explorer);
  }

  /** Unfolds a row of a tree with the mouse, unless it is unfolded. */
  async unfold(row: Locator): Promise<void> {
    const unfolded = row.and(this.page.locator('[aria-expanded="true"]'));
    await row.waitFor();
    if (await comesIntoSight(unfolded, 100)) return;
    await this.gesture('unfolding a row', () => row.click({ timeout: dropTimeoutMs }), unfolded);
  }

  /** Presses an action beside a row of a tree, which shows while the mouse is over the row. */
  async clickRowAction(row: Locator, action: string): Promise<void> {
    await row.hover();
    await row.locator(`.actions a[aria-label*="${action}"]`).click();
  }

  /** Opens the context menu of an element with the mouse, which has to hold `text`. */
  async openContextMenu(element: Locator, text: string): Promise<void> {
    await element.waitFor();
    await this.gesture(
      `the context menu with “${text}”`,
      () => element.click({ button: 'right', timeout: dropTimeoutMs }),
      this.#menuEntry(text),
    );
  }

  /** Chooses an entry of the menu on the screen. */
  async chooseInMenu(text: string): Promise<void> {
    await this.#pressAway(`“${text}”`, this.#menuEntry(text));
  }

  /** Chooses an entry of the context menu of an element with the mouse. */
  async chooseInContextMenu(element: Locator, text: string): Promise<void> {
    await this.openContextMenu(element, text);
    await this.chooseInMenu(text);
  }

  #menuEntry(text: string): Locator {
    return this.page.locator('.monaco-menu').getByText(text, { exact: true });
  }

  /** Waits for a dialog whose text matches, and returns that text. */
  async waitForDialog(pattern: RegExp): Promise<string> {
    return waitForText(this.page.locator('.monaco-dialog-box'), pattern);
  }

  /** Presses a button of the dialog on the screen, which closes it. */
  async clickDialog(button: string): Promise<void> {
    const element = this.page.locator('.monaco-dialog-box .monaco-button', { hasText: button }).first();
    await element.click();
    await element.waitFor({ state: 'hidden' });
  }

  /**
   * Drags an element onto a row of a tree, over others on the way if need be, and waits for the row to offer itself. Rows
   * move while a tree takes in what has changed, so both have to stand still first.
   */
  async dragToRow(from: Locator, row: Locator, { over, copy = false }: DragOptions = {}): Promise<void> {
    const { mouse, keyboard } = this.page;
    await waitForStillBox(from);
    await from.hover();
    await mouse.down();
    if (copy) await keyboard.down('Control');
    for (const each of [...(over ? [over] : []), row]) {
      const { x, y, width, height } = await waitForStillBox(each);
      const [atX, atY] = [x + Math.min(width / 2, 80), y + height / 2];
      await mouse.move(atX, atY, { steps: 12 });
      // A row is only asked whether it takes the drop when the mouse moves within it.
      await mouse.move(atX + 2, atY);
    }
    await row.and(this.page.locator('.drop-target')).waitFor();
    await mouse.up();
    if (copy) await keyboard.up('Control');
  }

  /** Saves what the window shows as PNG, as it is once whatever fades in has done so. */
  async screenshot(path: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await this.page.screenshot({ path, animations: 'disabled' });
  }
}

export interface DragOptions {
  /** What the mouse goes over on its way, as an icon of the activity bar that then opens its view. */
  readonly over?: Locator;
  /** Whether Ctrl is held, so that VS Code copies. */
  readonly copy?: boolean;
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
    if (this.currentTest?.state === 'failed' || !shared.has(workbench)) await workbench.close();
  }
});
