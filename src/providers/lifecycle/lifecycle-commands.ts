import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import type { SandboxSummary } from '../../modal/sandbox-list.ts';
import { Tag } from '../../modal/sandboxes.ts';
import type { RunningCommands } from '../../run/running-commands.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import { carryOver, pause, resume } from '../../sandboxes/pause.ts';
import { folderKey } from '../../sandboxes/sandbox-origin.ts';
import type { SandboxLifetime } from '../../sandboxes/session.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import type { Snapshot, Snapshots } from '../../snapshots/snapshots.ts';
import { chooseFolder, workspaceFolders } from '../common/folders.ts';
import { shown, withProgress } from '../common/progress.ts';

const PAUSE = 'Pause';
const RESUME = 'Resume';
const CARRY_OVER = 'Carry Over';

export interface LifecycleDependencies {
  readonly sessions: Sessions;
  readonly snapshots: Snapshots;
  readonly profiles: { current(folder: Folder): Promise<string> };
  readonly commands: RunningCommands;
}

/** Life beyond a sandbox: pause, resume, and what happens when one nears its end. What goes wrong is shown. */
export class LifecycleCommands {
  readonly #dependencies: LifecycleDependencies;

  constructor(dependencies: LifecycleDependencies) {
    this.#dependencies = dependencies;
  }

  /** `modal.pauseSandbox`: a snapshot and an end of the folder's sandbox, after a word on what runs in it. */
  pause(row?: SandboxSummary): Promise<void> {
    return shown(async () => {
      const { sessions, snapshots } = this.#dependencies;
      const { folder, profile } = await this.#place(row?.tags[Tag.folder], row?.tags[Tag.profile]);
      const running = this.#running((await sessions.sandboxOf(folder, profile))?.sandboxId);
      if (
        running &&
        (await vscode.window.showWarningMessage(`${running} Pause all the same?`, { modal: true }, PAUSE)) !== PAUSE
      )
        return;
      await withProgress('Pausing the sandbox…', (signal) => pause(sessions, snapshots, folder, profile, signal));
      const said = `The sandbox of “${profile}” is paused: its files are kept for 30 days, and it costs nothing.`;
      void vscode.window.showInformationMessage(said, RESUME).then((pressed) => {
        if (pressed === RESUME) void this.resume();
      });
    });
  }

  /** `modal.resumeSandbox`: a new sandbox with the files of the paused one. */
  resume(row?: Snapshot): Promise<void> {
    return shown(async () => {
      const { sessions, snapshots } = this.#dependencies;
      const { folder, profile } = await this.#place(row?.folderKey, row?.profile);
      await withProgress('Resuming the sandbox…', (signal) => resume(sessions, snapshots, folder, profile, signal));
      void vscode.window.showInformationMessage(`The sandbox of “${profile}” goes on with the files that it had.`);
    });
  }

  /** A sandbox nears its end: it is carried over, or that is offered. Nothing that runs is ended without a press. */
  nearEnd(life: SandboxLifetime): Promise<void> {
    return shown(async () => {
      const { name, profile } = life.named;
      const running = this.#running(life.sandbox.sandboxId);
      const minutes = Math.max(Math.round((life.endsAt - Date.now()) / 60_000), 0);
      if (!profile.carryOver || running) {
        const said = `The sandbox of “${name}” ends in ${minutes === 1 ? '1 minute' : `${minutes} minutes`}. ${running}`;
        if ((await vscode.window.showWarningMessage(said.trim(), CARRY_OVER)) !== CARRY_OVER) return;
      }
      await withProgress('Carrying the sandbox over…', (signal) =>
        carryOver(this.#dependencies.sessions, life, signal),
      );
      void vscode.window.showInformationMessage(
        `The sandbox of “${name}” was carried over into a new one with its files.`,
      );
    });
  }

  /** The folder and profile of a row of a view, or those that are in use. */
  async #place(key: string | undefined, profile: string | undefined): Promise<{ folder: Folder; profile: string }> {
    if (key === undefined || profile === undefined) {
      const folder = await chooseFolder();
      return { folder, profile: await this.#dependencies.profiles.current(folder) };
    }
    const folder = workspaceFolders().find(({ path }) => folderKey(path) === key);
    if (folder) return { folder, profile };
    throw new UserError('It belongs to another folder. Open that folder, then try again.');
  }

  /** What runs in a sandbox, as a sentence; empty when nothing does. */
  #running(sandboxId: string | undefined): string {
    const labels = sandboxId ? this.#dependencies.commands.in(sandboxId).map(({ label }) => `“${label}”`) : [];
    if (labels.length === 0) return '';
    return `${labels.join(', ')} ${labels.length === 1 ? 'runs' : 'run'} in it and would be ended.`;
  }
}
