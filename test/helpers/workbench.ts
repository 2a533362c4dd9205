/** Drives VS Code's workbench in a headless browser, as a user would, with the packed extension installed. */
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { projectFolder, vscodeTestFolder } from '../../scripts/paths.ts';
import { say } from '../../scripts/say.ts';
import { startBrowser } from '../../scripts/vscode/browser.ts';
import { type Settings, temporaryProfile } from '../../scripts/vscode/profile.ts';
import { startServer } from '../../scripts/vscode/server.ts';
import { comesIntoSight, stepTimeoutMs, waitForStillBox, waitForText, waitForTexts } from './elements.ts';
import { waitFor } from './wait-for.ts';

const READY_TIMEOUT_MS = 60_000;
/** The time to wait for the effect of a gesture before it is repeated. */
const DROP_TIMEOUT_MS = 10_000;

export interface WorkbenchOptions {
  /** The folder to open a copy of, relative to the project. Defaults to `examples/hello`. */
  readonly folder?: string;
  /** User settings, in addition to `"modal.account": "local"`. */
  readonly settings?: Settings;
  readonly theme?: 'dark' | 'light';
  readonly width?: number;
  readonly height?: number;
  /** Enables Workspace Trust, so that the folder isn't trusted. */
  readonly workspaceTrust?: boolean;
  /** More extensions to install, as folders relative to the project. */
  readonly extensions?: readonly string[];
  /** Opens the folder in a multi-root workspace, to which folders can be added without a restart. */
  readonly multiRoot?: boolean;
}

let browser: Promise<Browser> | undefined;
const open = new Set<Workbench>();
/** Workbenches that stay open after a test that passes. */
const shared = new WeakSet<Workbench>();

/**
 * Opens one window for all tests of a suite, which is much faster than one window per test. Every test begins with the
 * Explorer open and without editors, terminals, and notifications. After a test that failed, a new window is opened.
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
    'modal.localModal.runtime': process.env.LOCAL_MODAL_RUNTIME ?? 'namespaces',
    'modal.localModal.network': 'host',
    'workbench.colorTheme': options.theme === 'light' ? 'Default Light Modern' : 'Default Dark Modern',
    'window.commandCenter': false,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: VS Code's own variables
    'window.title': '${activeEditorShort}${separator}${rootName}',
    ...options.settings,
  });
  await cp(installed, profile.extensionsDir, { recursive: true });
  for (const extension of options.extensions ?? []) {
    await cp(join(projectFolder, extension), join(profile.extensionsDir, basename(extension)), { recursive: true });
    // Without the list of what is installed, VS Code looks for it.
    await rm(join(profile.extensionsDir, 'extensions.json'), { force: true });
  }
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
  // The folder of the server's command line would have a different authority from the URIs that the extension creates.
  const opened = options.multiRoot
    ? `workspace=${encodeURIComponent(workspaceFile)}`
    : `folder=${encodeURIComponent(folder)}`;
  await page.goto(`http://${server.authority}/?${opened}`, { waitUntil: 'commit', timeout: READY_TIMEOUT_MS });
  await workbench.waitForFolders();
  // The extension's contributions (commands, menus, and this icon) appear together, later than the Explorer.
  await workbench.viewIcon('Modal').waitFor({ timeout: READY_TIMEOUT_MS });
  return workbench;
}

/**
 * A window of VS Code. Every step waits for its effect, and names it in the error if it doesn't occur. Nothing here reads
 * the page just once, because the effect of a step is drawn some time after it.
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
   * Makes a gesture and waits for its effect. VS Code sometimes ignores one, for example while it redraws a menu or a row
   * under the mouse, or while extensions start. The gesture is then repeated once, after Escape has closed whatever it
   * opened late.
   */
  async gesture(what: string, make: () => Promise<void>, effect: Locator | (() => boolean)): Promise<void> {
    const shows = (timeoutMs: number) =>
      typeof effect !== 'function'
        ? comesIntoSight(effect, timeoutMs)
        : waitFor(`the effect of ${what}`, timeoutMs, async () => effect(), Boolean).catch(() => false);
    const isTaken = await make().then(
      () => shows(DROP_TIMEOUT_MS),
      (error: Error) => {
        if (error.name !== 'TimeoutError') throw error;
        return false;
      },
    );
    if (isTaken) return;
    say(`VS Code ignored ${what}. Trying again.`);
    await this.page.keyboard.press('Escape');
    await this.#restMouse();
    if (await shows(100)) return;
    await make();
    if (!(await shows(stepTimeoutMs))) throw new Error(`VS Code ignored ${what} twice.`);
  }

  /** Moves the mouse to where it shows no hover, which could cover what is clicked next. */
  async #restMouse(): Promise<void> {
    await this.page.mouse.move(1, 1);
    await this.page.locator('.workbench-hover').first().waitFor({ state: 'hidden' });
  }

  /**
   * Clicks an element that disappears when it is clicked, such as a menu item. Tries again once if VS Code ignores the
   * click.
   */
  async #clickAway(what: string, element: Locator): Promise<void> {
    const goes = (timeout: number) =>
      element.waitFor({ state: 'hidden', timeout }).then(
        () => true,
        () => false,
      );
    // A menu ignores clicks in its first moments, and a list moves its rows while it is being filled.
    await waitForStillBox(element);
    await element.click();
    if (await goes(DROP_TIMEOUT_MS)) return;
    say(`VS Code ignored the click on ${what}. Trying again.`);
    // The element can still disappear before it is clicked.
    await element.click({ timeout: DROP_TIMEOUT_MS }).catch(() => {});
    await element.waitFor({ state: 'hidden' });
  }

  /** Closes everything that a test opened in a window that the next test uses. */
  async tidyUp(): Promise<void> {
    await this.runCommand('View: Close All Editors');
    await this.runCommand('Terminal: Kill All Terminals');
    await this.page.locator('.terminal-wrapper').waitFor({ state: 'detached' });
    await this.runCommand('Notifications: Clear All Notifications');
    await this.waitForNoNotification();
    await this.openExplorer();
  }

  /**
   * Waits until the Explorer shows the open folders. VS Code's server sometimes shows a workspace as empty if the browser
   * hasn't opened it before, even one created with “Add Folder to Workspace…”: it reads the workspace file twice at the
   * same time, and the results can arrive in the wrong order. Reloading the page shows the folders.
   */
  async waitForFolders(): Promise<void> {
    const empty = this.page.getByText('You have not yet added a folder to the workspace');
    const rows = this.page.locator('.explorer-folders-view .monaco-list-row');
    for (const deadline = Date.now() + READY_TIMEOUT_MS; Date.now() < deadline; ) {
      await rows.or(empty).first().waitFor({ timeout: READY_TIMEOUT_MS });
      // The folders can still appear.
      if (await comesIntoSight(rows, 3_000)) return;
      await this.page.reload({ waitUntil: 'commit' });
    }
    await rows.first().waitFor({ timeout: 1 });
  }

  /** Returns the rows of the Explorer whose text contains `hasText`. */
  explorerRows(hasText: string): Locator {
    return this.page.locator('.explorer-folders-view .monaco-list-row', { hasText });
  }

  /** Opens a file in the Explorer with the mouse, and keeps its editor open. */
  async openFile(name: string): Promise<void> {
    const row = this.explorerRows(name).first();
    await row.waitFor();
    await this.gesture(
      `opening ${name}`,
      () => row.dblclick({ timeout: DROP_TIMEOUT_MS }),
      this.page.locator('.tab.active', { hasText: name }),
    );
  }

  /** Returns the visible code lenses of the active editor whose text contains `text`. VS Code can leave hidden ones behind. */
  codeLens(text: string): Locator {
    return this.page.locator('.editor-instance .codelens-decoration a', { hasText: text }).filter({ visible: true });
  }

  /** Clicks the first code lens with this text. */
  async clickCodeLens(text: string): Promise<void> {
    // A code lens moves while the ones above it appear.
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
        await this.input.fill(`>${title}`, { timeout: DROP_TIMEOUT_MS });
      },
      entry,
    );
    await this.#clickAway(`“${title}”`, entry);
  }

  /** The text box of the visible quick pick or input box. */
  get input(): Locator {
    return this.page.locator('.quick-input-widget input[type="text"]');
  }

  /** Fills the visible text box, and repeats that while VS Code overwrites the text. */
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

  /** Answers the visible input box. */
  async answerInput(text: string): Promise<void> {
    await this.input.fill(text);
    await this.input.press('Enter');
  }

  /** Returns the rows of the visible quick pick whose text contains `hasText`. */
  pickRows(hasText: string | RegExp): Locator {
    return this.page.locator('.quick-input-list .monaco-list-row', { hasText });
  }

  /** Chooses a row of the visible quick pick with the mouse. */
  async pickItem(text: string): Promise<void> {
    await this.#clickAway(`“${text}”`, this.pickRows(text).first());
  }

  /** Chooses a row of the visible quick pick by typing its text. */
  async pickByKeyboard(text: string): Promise<void> {
    await this.pickRows(text).first().waitFor();
    await this.input.pressSequentially(text);
    await this.page.locator('.quick-input-list .monaco-list-row.focused', { hasText: text }).waitFor();
    await this.input.press('Enter');
    await this.pickRows(text).first().waitFor({ state: 'hidden' });
  }

  /** Chooses a profile with the code lens and the keyboard. */
  async chooseProfile(name: string): Promise<void> {
    const lens = this.codeLens('Change Profile').first();
    await lens.waitFor();
    await this.gesture(
      'the click on Change Profile',
      () => lens.click({ timeout: DROP_TIMEOUT_MS }),
      this.pickRows(name),
    );
    await this.pickByKeyboard(name);
  }

  /** Puts the cursor on a text in the active editor, and opens its quick fixes, which must include `fix`. */
  async openQuickFix(text: string, fix: string): Promise<void> {
    const { page } = this;
    const place = page.locator('.editor-instance .view-line').getByText(text).first();
    await page.locator('.editor-instance .squiggly-error').first().waitFor();
    const bulb = page.locator('[class*="codicon-gutter-lightbulb"], .lightBulbWidget');
    await this.gesture(
      `the quick fixes of ${text}`,
      async () => {
        await place.click();
        await bulb.first().waitFor({ timeout: DROP_TIMEOUT_MS });
        await page.keyboard.press('Control+.');
      },
      page.locator('.action-widget').getByText(fix),
    );
  }

  /** Returns the lines of the visible terminal, without trailing spaces. */
  async #terminalText(): Promise<string> {
    const rows = await this.page.locator('.terminal-wrapper.active .xterm-rows > div').allTextContents();
    return rows
      .map((row) => row.replaceAll('\u00a0', ' ').trimEnd())
      .join('\n')
      .trimEnd();
  }

  /** Waits until the visible terminal's text matches, and returns all of it. */
  async waitForTerminal(wanted: RegExp | ((text: string) => boolean), timeoutMs = READY_TIMEOUT_MS): Promise<string> {
    return waitFor(
      `the terminal to show ${wanted}`,
      timeoutMs,
      () => this.#terminalText(),
      (text) => (wanted instanceof RegExp ? wanted.test(text) : wanted(text)),
    );
  }

  /** Focuses the visible terminal. */
  async focusTerminal(): Promise<void> {
    const terminal = this.page.locator('.terminal-wrapper.active .xterm');
    const click = () => terminal.locator('.xterm-screen').click({ timeout: DROP_TIMEOUT_MS });
    await this.gesture('the click on the terminal', click, this.page.locator('.terminal-wrapper.active .xterm.focus'));
  }

  /**
   * Waits until the active editor has focus. A panel that opens takes the focus and gives it back, which VS Code sometimes
   * forgets on a busy computer. Then this takes it back, once.
   */
  async waitForEditorFocus(): Promise<void> {
    const focused = this.page.locator('.editor-instance .monaco-editor.focused');
    if (await comesIntoSight(focused, DROP_TIMEOUT_MS)) return;
    say('VS Code left the focus in the panel. Taking it back.');
    await this.page.keyboard.press('Control+1');
    await focused.waitFor();
  }

  /** Waits for a notification whose text matches, and returns that text. */
  async waitForNotification(pattern: RegExp): Promise<string> {
    return waitForText(this.page.locator('.notifications-toasts .notification-list-item-message'), pattern);
  }

  /** Waits until no notification is visible. */
  async waitForNoNotification(): Promise<void> {
    const texts = this.page.locator('.notifications-toasts .notification-list-item-message');
    await waitForTexts('notifications to disappear', texts, ({ length }) => length === 0);
  }

  /** Returns a button of a visible notification. */
  notificationButton(label: string): Locator {
    return this.page.locator('.notifications-toasts .monaco-button', { hasText: label }).first();
  }

  /** Clicks a button of a notification. */
  async clickNotification(button: string): Promise<void> {
    await this.notificationButton(button).click();
  }

  /** Returns the icon of a view container in the activity bar. */
  viewIcon(title: string): Locator {
    return this.page.locator(`.activitybar a.action-label[aria-label^="${title}"]`).first();
  }

  /** Opens a view container from the activity bar by its title. Another one must be open. */
  async openView(title: string): Promise<void> {
    await this.viewIcon(title).click();
    await this.page.locator('.sidebar .composite.title', { hasText: title }).waitFor();
  }

  /** Opens the Explorer with its keyboard shortcut. */
  async openExplorer(): Promise<void> {
    const explorer = this.page.locator('.explorer-folders-view .monaco-list-row');
    await this.gesture(
      'the keyboard shortcut of the Explorer',
      () => this.page.keyboard.press('Control+Shift+E'),
      explorer,
    );
  }

  /** Expands a tree row with the mouse unless it is expanded. */
  async expand(row: Locator): Promise<void> {
    const expanded = row.and(this.page.locator('[aria-expanded="true"]'));
    await row.waitFor();
    if (await comesIntoSight(expanded, 100)) return;
    await this.#restMouse();
    await this.gesture('expanding a row', () => row.click({ timeout: DROP_TIMEOUT_MS }), expanded);
  }

  /** Clicks an inline action of a tree row, which is visible while the mouse is over the row. */
  async clickRowAction(row: Locator, action: string): Promise<void> {
    await row.hover();
    await row.locator(`.actions a[aria-label*="${action}"]`).click();
  }

  /** Opens the context menu of an element with the mouse. It must contain `text`. */
  async openContextMenu(element: Locator, text: string): Promise<void> {
    await element.waitFor();
    await this.gesture(
      `the context menu with “${text}”`,
      () => element.click({ button: 'right', timeout: DROP_TIMEOUT_MS }),
      this.#menuEntry(text),
    );
  }

  /** Chooses an item of the visible menu. */
  async chooseInMenu(text: string): Promise<void> {
    await this.#clickAway(`“${text}”`, this.#menuEntry(text));
  }

  /** Chooses an item of the context menu of an element with the mouse. */
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

  /** Clicks a button of the visible dialog, and waits until it closes. */
  async clickDialog(button: string): Promise<void> {
    const element = this.page.locator('.monaco-dialog-box').getByRole('button', { name: button, exact: true });
    await element.click();
    await element.waitFor({ state: 'hidden' });
  }

  /**
   * Drags an element to a tree row, and drops it once the row is marked as a drop target. Rows move while a tree is being
   * refreshed, so both must be still first.
   */
  async dragToRow(from: Locator, row: Locator, { over, copy = false }: DragOptions = {}): Promise<void> {
    const { mouse, keyboard } = this.page;
    await waitForStillBox(from);
    await from.hover();
    await mouse.down();
    if (copy) await keyboard.down('Control');
    const moveTo = async (each: Locator, offset = 0) => {
      const { x, y, width, height } = await waitForStillBox(each);
      await mouse.move(x + Math.min(width / 2, 80) + offset, y + height / 2, { steps: 12 });
    };
    if (over) await moveTo(over);
    await moveTo(row);
    // VS Code checks whether a row accepts the drop only when the mouse moves within it, and rows move when the folder under
    // the mouse expands.
    let offset = 0;
    await waitFor(
      'the row to accept the drop',
      stepTimeoutMs,
      async () => {
        offset = offset === 0 ? 2 : 0;
        await moveTo(row, offset);
        return row.and(this.page.locator('.drop-target')).isVisible();
      },
      Boolean,
    );
    await mouse.up();
    if (copy) await keyboard.up('Control');
  }

  /** Saves a screenshot as PNG, with all animations completed. */
  async screenshot(path: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await this.page.screenshot({ path, animations: 'disabled' });
  }
}

export interface DragOptions {
  /** An element to drag over on the way, such as an icon of the activity bar, which opens its view. */
  readonly over?: Locator;
  /** Holds Ctrl so that VS Code copies instead of moves. */
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
        () => say(`Screenshot: ${path}`),
        () => say('No screenshot could be taken.'),
      );
    }
    if (this.currentTest?.state === 'failed' || !shared.has(workbench)) await workbench.close();
  }
});
