import * as vscode from 'vscode';
import { formatUsd } from '../../modal/prices.ts';
import { profilePricePerHourUsd } from '../../profiles/hardware.ts';
import { activeFolder, syncedFolder } from '../../providers/common/folders.ts';
import type { FolderProfiles } from '../../providers/profiles/folder-profiles.ts';
import type { WarmUpService } from '../../providers/warm/warm-up-service.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';

/** How often the day's spend is added up while a sandbox runs. */
const SPEND_MS = 60_000;

export interface StatusBarOptions {
  readonly sessions: Sessions;
  readonly profiles: FolderProfiles;
  readonly warmUps: WarmUpService;
  readonly isAccountChosen: () => boolean;
  readonly isLocal: () => boolean;
}

/** The active folder's session in the status bar: profile, state, price an hour, the day's spend. Makes no call to Modal. */
export class StatusBar implements vscode.Disposable {
  readonly #options: StatusBarOptions;
  readonly #item = vscode.window.createStatusBarItem('modal.session', vscode.StatusBarAlignment.Left, 50);
  readonly #subscriptions: vscode.Disposable[];
  readonly #busy: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isDisposed = false;
  #isRunning = false;
  #title = 'Modal';

  constructor(options: StatusBarOptions) {
    this.#options = options;
    this.#item.name = 'Modal Sandbox';
    this.#item.command = 'modal.sessionMenu';
    const update = () => void this.update();
    this.#subscriptions = [
      this.#item,
      vscode.window.onDidChangeActiveTextEditor(update),
      vscode.workspace.onDidChangeWorkspaceFolders(update),
      vscode.workspace.onDidGrantWorkspaceTrust(update),
      options.profiles.onDidChange(update),
      options.warmUps.onDidChange(update),
    ];
    update();
  }

  dispose(): void {
    this.#isDisposed = true;
    clearTimeout(this.#timer);
    for (const each of this.#subscriptions) each.dispose();
  }

  /** Shows a spinner with words for as long as the work goes on. */
  async during<T>(words: string, work: Promise<T>): Promise<T> {
    this.#busy.push(words);
    void this.update();
    try {
      return await work;
    } finally {
      this.#busy.splice(this.#busy.indexOf(words), 1);
      void this.update();
    }
  }

  /** Draws it anew. */
  async update(): Promise<void> {
    const { sessions, profiles, warmUps, isAccountChosen, isLocal } = this.#options;
    const workspaceFolder = activeFolder();
    if (!workspaceFolder || !isAccountChosen() || !vscode.workspace.isTrusted) return this.#item.hide();
    try {
      const folder = syncedFolder(workspaceFolder);
      const name = await profiles.current(folder);
      const isRunning = sessions.started.profilesOf(folder).includes(name);
      this.#isRunning = isRunning;
      this.#title = `Modal: ${folder.name}, profile “${name}”`;
      const ready = warmUps.pool.count(folder, name);
      const { todayUsd } = await warmUps.budget();
      const price = await profiles.get(folder).then(
        ({ profile }) => profilePricePerHourUsd(profile),
        () => undefined,
      );
      const busy = this.#busy.at(-1);
      const icon = busy ? '$(loading~spin)' : isRunning ? '$(vm-running)' : ready > 0 ? '$(flame)' : '$(vm-outline)';
      const parts = [busy ?? name, isRunning && price !== undefined && !isLocal() && `${formatUsd(price)}/h`];
      this.#item.text = `${icon} Modal: ${parts.filter(Boolean).join(' · ')}`;
      const state = isRunning ? 'its sandbox runs' : ready > 0 ? 'a sandbox is ready' : 'no sandbox runs';
      const spend = isLocal() ? 'The local Modal costs nothing.' : `Spent today, estimated: ${formatUsd(todayUsd)}.`;
      this.#item.tooltip = `Modal: profile “${name}” of ${folder.name}, ${state}. ${spend}`;
      this.#item.accessibilityInformation = { label: this.#item.tooltip, role: 'button' };
      this.#item.show();
      clearTimeout(this.#timer);
      if (isRunning && !isLocal() && !this.#isDisposed) this.#timer = setTimeout(() => void this.update(), SPEND_MS);
    } catch {
      this.#item.hide();
    }
  }

  /** The menu behind it: what one does with a session, as far as it can be done now. */
  async menu(): Promise<void> {
    const whenRunning = [
      { label: '$(cloud-download) Pull Changes from Sandbox…', command: 'modal.pullChanges' },
      { label: '$(debug-pause) Pause Sandbox', command: 'modal.pauseSandbox' },
      { label: '$(debug-restart) Replace Sandbox', command: 'modal.replaceSandbox' },
    ];
    const items = [
      { label: '$(play) Run Active File in Sandbox', command: 'modal.runActiveFile' },
      { label: '$(terminal) Open Terminal in Sandbox', command: 'modal.openTerminal' },
      { label: '$(server-environment) Choose Profile…', command: 'modal.chooseProfile' },
      ...(this.#isRunning
        ? whenRunning
        : [{ label: '$(debug-continue) Resume Sandbox', command: 'modal.resumeSandbox' }]),
      { label: '$(list-tree) Show Sandboxes', command: 'modal.sandboxes.focus' },
      { label: '$(debug-stop) Stop Everything', command: 'modal.stopEverything' },
    ];
    const placeHolder = 'What to do with the folder’s sandbox';
    const picked = await vscode.window.showQuickPick(items, { title: this.#title, placeHolder });
    if (picked) await vscode.commands.executeCommand(picked.command);
  }
}
