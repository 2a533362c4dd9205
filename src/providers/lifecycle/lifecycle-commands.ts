import { UserError } from '../../base/errors.ts';
import { formatAgo } from '../../base/text.ts';
import type { SandboxSummary } from '../../modal/sandbox-list.ts';
import { Tag } from '../../modal/sandboxes.ts';
import type { RunningCommands } from '../../run/running-commands.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import { moveToNewSandbox, pause, resume } from '../../sandboxes/pause.ts';
import { folderKey } from '../../sandboxes/sandbox-origin.ts';
import type { ResumedSession, SandboxLifetime } from '../../sandboxes/session.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import type { Snapshot, Snapshots } from '../../snapshots/snapshots.ts';
import { chooseFolder, workspaceFolders } from '../common/folders.ts';
import { withProgress } from '../common/progress.ts';
import { shown } from '../common/report.ts';
import { strings as commonStrings } from '../common/strings.ts';
import { window } from '../common/window.ts';
import { strings } from './strings.ts';

export interface LifecycleDependencies {
  readonly sessions: Sessions;
  readonly snapshots: Snapshots;
  readonly profiles: { current(folder: Folder): Promise<string> };
  readonly commands: RunningCommands;
}

/** Pauses, resumes, and moves sandboxes. Errors are shown. */
export class LifecycleCommands {
  readonly #dependencies: LifecycleDependencies;
  #hasSaidResumed = false;

  constructor(dependencies: LifecycleDependencies) {
    this.#dependencies = dependencies;
  }

  /** `modal.pauseSandbox`: pauses the folder's sandbox, after confirmation if programs are running in it. */
  pause(row?: SandboxSummary): Promise<void> {
    return shown(async () => {
      const { sessions, snapshots } = this.#dependencies;
      const { folder, profile } = await this.#place(row?.tags[Tag.folder], row?.tags[Tag.profile]);
      const running = this.#describeRunning((await sessions.sandboxOf(folder, profile))?.sandboxId);
      if (running) {
        const question = strings.pauseAnyway(running);
        const action = strings.pause();
        if ((await window.showWarningMessage(question, { modal: true }, action)) !== action) return;
      }
      await withProgress(strings.pausing(), (signal) => pause(sessions, snapshots, folder, profile, signal));
      const action = strings.resume();
      void window.showInformationMessage(strings.paused(profile), action).then((pressed) => {
        if (pressed === action) void this.resume();
      });
    });
  }

  /** `modal.resumeSandbox`: starts a sandbox with the files of the paused one. */
  resume(row?: Snapshot): Promise<void> {
    return shown(async () => {
      const { sessions, snapshots } = this.#dependencies;
      const { folder, profile } = await this.#place(row?.folderKey, row?.profile);
      await withProgress(strings.resuming(), (signal) => resume(sessions, snapshots, folder, profile, signal));
      void window.showInformationMessage(strings.resumed(profile));
    });
  }

  /** Says once per window that a sandbox was resumed without being asked, and offers to start afresh. Each run's terminal says it. */
  async resumed({ folder, profile, savedAt }: ResumedSession): Promise<void> {
    if (this.#hasSaidResumed) return;
    this.#hasSaidResumed = true;
    const action = strings.startFresh();
    const message = strings.resumedFrom(profile, formatAgo(Date.now() - savedAt));
    if ((await window.showInformationMessage(message, action)) === action) await this.#startFresh(folder, profile);
  }

  /** Stops a sandbox, and discards its files, after confirmation if programs are running in it. */
  #startFresh(folder: Folder, profile: string): Promise<void> {
    return shown(async () => {
      const { sessions } = this.#dependencies;
      const running = this.#describeRunning((await sessions.sandboxOf(folder, profile))?.sandboxId);
      const action = strings.startFresh();
      if (running) {
        const question = strings.startFreshAnyway(running);
        if ((await window.showWarningMessage(question, { modal: true }, action)) !== action) return;
      }
      await sessions.startAfresh(folder, profile);
      void window.showInformationMessage(strings.startsFresh(profile));
    });
  }

  /** Moves a sandbox that is about to expire to a new one. Asks first, unless the profile allows it and nothing is running. */
  nearEnd(lifetime: SandboxLifetime): Promise<void> {
    return shown(async () => {
      const { name, profile } = lifetime.named;
      const running = this.#describeRunning(lifetime.sandbox.sandboxId);
      const minutes = Math.max(Math.round((lifetime.endsAt - Date.now()) / 60_000), 0);
      if (!profile.carryOver || running) {
        const expires = minutes === 1 ? strings.expiresInOneMinute(name) : strings.expiresInMinutes(name, minutes);
        const action = strings.moveToNewSandbox();
        const message = [expires, running].filter(Boolean).join(' ');
        if ((await window.showWarningMessage(message, action)) !== action) return;
      }
      await withProgress(strings.moving(), (signal) => moveToNewSandbox(this.#dependencies.sessions, lifetime, signal));
      void window.showInformationMessage(strings.moved(name));
    });
  }

  /** The folder and profile of a row, or the current ones. Throws `UserError` if the row belongs to another folder. */
  async #place(key: string | undefined, profile: string | undefined): Promise<{ folder: Folder; profile: string }> {
    if (key === undefined || profile === undefined) {
      const folder = await chooseFolder();
      return { folder, profile: await this.#dependencies.profiles.current(folder) };
    }
    const folder = workspaceFolders().find(({ path }) => folderKey(path) === key);
    if (folder) return { folder, profile };
    throw new UserError(strings.otherFolder());
  }

  /** Names what is running in a sandbox and would be stopped, as a sentence; empty if nothing is. */
  #describeRunning(sandboxId: string | undefined): string {
    const commands = sandboxId ? this.#dependencies.commands.in(sandboxId) : [];
    if (commands.length === 0) return '';
    const names = commands.map(({ label }) => commonStrings.quoted(label)).join(', ');
    return commands.length === 1 ? strings.runningOne(names) : strings.runningMany(names);
  }
}
