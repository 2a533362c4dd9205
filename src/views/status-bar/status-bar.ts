import * as vscode from 'vscode';
import type { Event } from '../../base/events.ts';
import { formatUsd } from '../../modal/prices.ts';
import { hardwareOf } from '../../profiles/hardware.ts';
import type { NamedProfile } from '../../profiles/profiles.ts';
import type { AccountState } from '../../providers/common/account-state.ts';
import type { Activity } from '../../providers/common/activity.ts';
import { activeFolder, syncedFolder } from '../../providers/common/folders.ts';
import { onDidChangeSettings } from '../../providers/common/settings.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';

/** How often the day's spend is added up while a sandbox runs. */
const SPEND_MS = 60_000;

export interface StatusBarDependencies {
  readonly sessions: Sessions;
  readonly profiles: {
    current(folder: Folder): Promise<string>;
    get(folder: Folder): Promise<NamedProfile>;
    readonly onDidChange: Event<unknown>;
  };
  readonly warmUps: {
    count(folder: Folder, profileName: string): number;
    readonly onDidChange: Event<unknown>;
  };
  readonly budget: { check(): Promise<{ readonly todayUsd: number }> };
  readonly activity: Activity;
  readonly account: AccountState;
}

/** The session of the active folder. */
export interface CurrentSession {
  readonly title: string;
  readonly isRunning: boolean;
}

/** The active folder's session in the status bar: profile, state, price an hour, the day's spend. Makes no call to Modal. */
export class StatusBar implements vscode.Disposable {
  readonly #options: StatusBarDependencies;
  readonly #item = vscode.window.createStatusBarItem('modal.session', vscode.StatusBarAlignment.Left, 50);
  readonly #subscriptions: vscode.Disposable[];
  #timer: NodeJS.Timeout | undefined;
  #isDisposed = false;
  #session: CurrentSession = { title: 'Modal', isRunning: false };

  constructor(options: StatusBarDependencies) {
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
      options.sessions.onDidChange(update),
      options.warmUps.onDidChange(update),
      options.activity.onDidChange(update),
      onDidChangeSettings(update),
    ];
    update();
  }

  /** What the status bar showed last, for its menu. */
  get session(): CurrentSession {
    return this.#session;
  }

  dispose(): void {
    this.#isDisposed = true;
    clearTimeout(this.#timer);
    for (const each of this.#subscriptions) each.dispose();
  }

  /** Draws it anew. */
  async update(): Promise<void> {
    const { sessions, profiles, warmUps, budget, activity, account } = this.#options;
    const workspaceFolder = activeFolder();
    if (!workspaceFolder || !account.isChosen || !vscode.workspace.isTrusted) return this.#item.hide();
    try {
      const folder = syncedFolder(workspaceFolder);
      const name = await profiles.current(folder);
      const isRunning = sessions.profilesOf(folder).includes(name);
      this.#session = { title: `Modal: ${folder.name}, profile “${name}”`, isRunning };
      const ready = warmUps.count(folder, name);
      const { todayUsd } = await budget.check();
      const price = await profiles.get(folder).then(
        ({ profile }) => sessions.prices.perHourUsd(hardwareOf(profile)),
        () => undefined,
      );
      const busy = activity.current;
      const icon = busy ? '$(loading~spin)' : isRunning ? '$(vm-running)' : ready > 0 ? '$(flame)' : '$(vm-outline)';
      const parts = [busy ?? name, isRunning && price !== undefined && !account.isLocal && `${formatUsd(price)}/h`];
      this.#item.text = `${icon} Modal: ${parts.filter(Boolean).join(' · ')}`;
      const state = isRunning ? 'its sandbox runs' : ready > 0 ? 'a sandbox is ready' : 'no sandbox runs';
      const spend = account.isLocal
        ? 'The local Modal costs nothing.'
        : `Spent today, estimated: ${formatUsd(todayUsd)}.`;
      this.#item.tooltip = `Modal: profile “${name}” of ${folder.name}, ${state}. ${spend}`;
      this.#item.accessibilityInformation = { label: this.#item.tooltip, role: 'button' };
      this.#item.show();
      clearTimeout(this.#timer);
      if (isRunning && !account.isLocal && !this.#isDisposed)
        this.#timer = setTimeout(() => void this.update(), SPEND_MS);
    } catch {
      this.#item.hide();
    }
  }
}
