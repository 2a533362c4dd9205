import * as vscode from 'vscode';
import type { Event } from '../../base/events.ts';
import { formatUsd } from '../../modal/prices.ts';
import { hardwareOf } from '../../profiles/hardware.ts';
import type { NamedProfile } from '../../profiles/profiles.ts';
import type { AccountState } from '../../providers/common/account-state.ts';
import type { Activity } from '../../providers/common/activity.ts';
import { activeFolder, syncedFolder } from '../../providers/common/folders.ts';
import { onDidChangeSettings } from '../../providers/common/settings.ts';
import { window } from '../../providers/common/window.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { strings } from './strings.ts';

/** The interval at which the day's spend is updated while a sandbox is running. */
const SPEND_INTERVAL_MS = 60_000;

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
  readonly budget: { state(): Promise<{ readonly todayUsd: number }> };
  readonly activity: Activity;
  readonly account: AccountState;
  /** How the sandboxes of Local Modal are isolated; undefined if it isn't in use. */
  readonly isolation: { read(): Promise<string | undefined>; readonly onDidChange: Event<unknown> };
}

/** The session of the active folder. */
export interface CurrentSession {
  readonly title: string;
  readonly isRunning: boolean;
}

/**
 * The active folder's session in the status bar: profile, state, hourly price, and the day's spend. Makes no requests to
 * Modal.
 */
export class StatusBar implements vscode.Disposable {
  readonly #options: StatusBarDependencies;
  readonly #item = window.createStatusBarItem('modal.session', 50, {
    name: strings.itemName(),
    command: 'modal.sessionMenu',
  });
  readonly #subscriptions: vscode.Disposable[];
  #timer: NodeJS.Timeout | undefined;
  #isDisposed = false;
  #session: CurrentSession = { title: strings.menuTitleWithoutFolder(), isRunning: false };

  constructor(options: StatusBarDependencies) {
    this.#options = options;
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
      options.account.onDidChange(update),
      options.isolation.onDidChange(update),
      onDidChangeSettings(update),
    ];
    update();
  }

  /** The session shown last, for the menu. */
  get session(): CurrentSession {
    return this.#session;
  }

  dispose(): void {
    this.#isDisposed = true;
    clearTimeout(this.#timer);
    for (const each of this.#subscriptions) each.dispose();
  }

  /** Redraws the item. */
  async update(): Promise<void> {
    const { sessions, profiles, warmUps, budget, activity, account } = this.#options;
    const workspaceFolder = activeFolder();
    if (!workspaceFolder || !account.isChosen || !vscode.workspace.isTrusted) return this.#item.hide();
    try {
      const folder = syncedFolder(workspaceFolder);
      const name = await profiles.current(folder);
      const isRunning = sessions.profilesOf(folder).includes(name);
      this.#session = { title: strings.menuTitle(folder.name, name), isRunning };
      const ready = warmUps.count(folder, name);
      const { todayUsd } = await budget.state();
      const price = await profiles.get(folder).then(
        ({ profile }) => sessions.prices.perHourUsd(hardwareOf(profile)),
        () => undefined,
      );
      const busy = activity.current;
      const icon = busy ? 'loading~spin' : isRunning ? 'vm-running' : ready > 0 ? 'flame' : 'vm-outline';
      const parts = [
        busy ?? name,
        isRunning && price !== undefined && !account.isLocal && strings.pricePerHour(formatUsd(price)),
        account.label,
      ];
      const state = isRunning ? strings.sandboxRunning : ready > 0 ? strings.warmSandbox : strings.noSandbox;
      const spend = account.isLocal
        ? `${strings.localModalIsFree()} ${(await this.#options.isolation.read()) ?? ''}`.trim()
        : strings.spentToday(formatUsd(todayUsd));
      const text = strings.text(parts.filter(Boolean).join(' · '));
      this.#item.show([{ icon }, text], `${state(name, folder.name)} ${strings.inAccount(account.label)} ${spend}`);
      clearTimeout(this.#timer);
      if (isRunning && !account.isLocal && !this.#isDisposed)
        this.#timer = setTimeout(() => void this.update(), SPEND_INTERVAL_MS);
    } catch {
      this.#item.hide();
    }
  }
}
