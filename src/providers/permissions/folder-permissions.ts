import * as vscode from 'vscode';
import type { Event } from '../../base/events.ts';
import { logError } from '../../base/log.ts';
import type { Prices } from '../../modal/prices.ts';
import { BUILT_IN_PROFILE, type NamedProfile } from '../../profiles/profiles.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import { type PermissionRequest, Permissions, type StartGate } from '../../sandboxes/permissions/permissions.ts';
import { sentFiles } from '../../sandboxes/permissions/sent-files.ts';
import type { PermissionStore } from '../../sandboxes/permissions/store.ts';
import { type Recipient, syncConsent } from '../../sandboxes/permissions/sync-consent.ts';
import type { SyncConsent } from '../../sync/push/consent.ts';
import type { AccountState } from '../common/account-state.ts';
import { chooseFolder, workspaceFolders } from '../common/folders.ts';
import { shown } from '../common/report.ts';
import { userInclude } from '../common/settings.ts';
import { window } from '../common/window.ts';
import { askPermission, offerReview, reviewInList } from './permission-dialog.ts';
import { strings } from './strings.ts';

export interface FolderPermissionsDependencies {
  readonly store: PermissionStore;
  readonly profiles: {
    get(folder: Folder, name?: string): Promise<NamedProfile>;
    readonly onDidChange: Event<unknown>;
  };
  readonly account: AccountState;
  /** Returns the workspace folder that contains a folder's profiles. */
  readonly profileRoot: (folder: Folder) => string;
  readonly prices: () => Prices;
  /** The commands that these permissions serve, which end with them. */
  readonly commands: vscode.Disposable;
}

/**
 * What the profiles of this window's folders may do. A run asks in a dialog; opening a folder only shows a notification,
 * once, if its profile would keep sandboxes warm.
 */
export class FolderPermissions implements vscode.Disposable {
  readonly #dependencies: FolderPermissionsDependencies;
  readonly #permissions: Permissions;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #subscriptions: vscode.Disposable[];
  /** The effects that a notification has named in this window. */
  readonly #offered = new Set<string>();
  /** The number of changes in progress that the user makes, and that need no notification. */
  #changing = 0;
  /** Fires when profiles or answers have changed. */
  readonly onDidChange = this.#changed.event;

  constructor(dependencies: FolderPermissionsDependencies) {
    this.#dependencies = dependencies;
    this.#permissions = new Permissions(dependencies.store, askPermission);
    const offer = () => void this.#offer().catch(logError);
    this.#subscriptions = [
      this.#changed,
      dependencies.commands,
      this.#permissions.onDidAnswer(() => this.#changed.fire()) as vscode.Disposable,
      dependencies.profiles.onDidChange(() => this.#changed.fire()) as vscode.Disposable,
      this.#changed.event(offer),
      dependencies.account.onDidChange(offer) as vscode.Disposable,
      vscode.workspace.onDidChangeWorkspaceFolders(offer),
      vscode.workspace.onDidGrantWorkspaceTrust(offer),
    ];
    offer();
  }

  dispose(): void {
    for (const each of this.#subscriptions) each.dispose();
  }

  /** Lets through what the user has allowed, and asks about the rest. */
  get gate(): StartGate {
    return this.#permissions;
  }

  /** Asks about the variables of this computer that a task reads. Throws `UserError` if the user doesn't allow them. */
  async requireTask(folder: Folder, { name, reads }: { name: string; reads: readonly string[] }): Promise<void> {
    const { account, profileRoot } = this.#dependencies;
    await this.#permissions.requireTask({ root: profileRoot(folder), accountId: await account.id() }, name, reads);
  }

  /** Returns the user's answers about sending a folder to an account. */
  syncConsent(folder: Folder, recipient: Recipient): SyncConsent {
    return syncConsent(this.#permissions, this.#dependencies.profileRoot(folder), folder, recipient);
  }

  /** Remembers that the user allows sending a file that looks like a credential. */
  async allowCredential(folder: Folder, path: string): Promise<void> {
    const { account } = this.#dependencies;
    const consent = this.syncConsent(folder, { accountId: await account.id(), isLocal: account.isLocal });
    await consent.answerCredentials([path], true);
  }

  /** Returns the named profile, or the folder's current one, without what the user has refused. Throws `UserError`. */
  async get(folder: Folder, name?: string): Promise<NamedProfile> {
    const { profiles, account, profileRoot } = this.#dependencies;
    const named = await profiles.get(folder, name);
    const accountId = await account.id().catch(() => undefined);
    return accountId === undefined ? named : this.#permissions.applied({ root: profileRoot(folder), accountId, named });
  }

  /** Returns whether the user has allowed everything that a folder's profile causes. */
  async isAllowed(folder: Folder, named: NamedProfile): Promise<boolean> {
    return this.#permissions.allowsWarmUps(await this.#request(folder, named));
  }

  /** Makes a change to a profile for the user, who thereby allows what the change adds. */
  async allowingChange<T>(folder: Folder, name: string, change: () => Promise<T>): Promise<T> {
    const effects = async () => {
      const named = await this.#dependencies.profiles.get(folder, name);
      const request = await this.#request(folder, named);
      return { request, undecided: await this.#permissions.undecided(request) };
    };
    const before = await effects().catch(() => undefined);
    this.#changing += 1;
    try {
      const changed = await change();
      const after = before && (await effects());
      const known = new Set(before?.undecided.map(({ key }) => key));
      const added = after?.undecided.filter(({ key }) => !known.has(key)) ?? [];
      if (after && added.length > 0) await this.#permissions.answer(after.request, added, true);
      return changed;
    } finally {
      this.#changing -= 1;
      void this.#offer().catch(logError);
    }
  }

  /** `modal.reviewPermissions`: asks about what is new; otherwise lists what was asked, to change the answers. */
  review(uri?: vscode.Uri): Promise<void> {
    return shown(async () => {
      const folder = await chooseFolder(uri);
      const named = await this.#dependencies.profiles.get(folder).catch(() => BUILT_IN_PROFILE);
      const request = await this.#request(folder, named);
      const files = await sentFiles(named.profile, { ...request, userInclude: userInclude(folder.path) });
      const fresh = await this.#permissions.undecided(request, files);
      if (fresh.length > 0) await this.#permissions.askAbout(request, fresh);
      else await this.#reviewAnswers(folder, request);
    });
  }

  async #reviewAnswers(folder: Folder, request: PermissionRequest): Promise<void> {
    const reviewed = await this.#permissions.review(request);
    if (reviewed.length === 0) {
      void window.showInformationMessage(strings.nothingAsked(folder.name));
      return;
    }
    for (const change of await reviewInList(request.root, reviewed))
      await this.#permissions.answer(request, [change], change.allowed);
  }

  /** Names what would happen without a run, once in each window. Nothing happens before the user answers. */
  async #offer(): Promise<void> {
    if (!vscode.workspace.isTrusted || !this.#dependencies.account.isChosen || this.#changing > 0) return;
    for (const folder of workspaceFolders()) {
      // The Problems view and the next run report what is wrong with a profile.
      const named = await this.#dependencies.profiles.get(folder).catch(() => undefined);
      if (named?.profile.warm) void this.#offerFor(folder, named).catch(logError);
    }
  }

  async #offerFor(folder: Folder, named: NamedProfile): Promise<void> {
    const request = await this.#request(folder, named);
    const fresh = await this.#permissions.undecided(request);
    const key = JSON.stringify([request.root, request.accountId, fresh.map((effect) => effect.key)]);
    if (fresh.length === 0 || this.#offered.has(key)) return;
    this.#offered.add(key);
    const pressed = await offerReview(request, fresh);
    if (pressed === 'review') await this.review(vscode.Uri.file(folder.path));
    if (pressed === 'refuse') await this.#permissions.answer(request, fresh, false);
  }

  async #request(folder: Folder, named: NamedProfile): Promise<PermissionRequest> {
    const { account, profileRoot, prices } = this.#dependencies;
    const accountId = await account.id();
    return { root: profileRoot(folder), accountId, isLocal: account.isLocal, prices: prices(), named };
  }
}
