import * as vscode from 'vscode';
import { DAY_MS } from '../../base/clock.ts';
import { UserError } from '../../base/errors.ts';
import { type SandboxSummary, sandboxLabel } from '../../modal/sandbox-list.ts';
import { askName } from '../../providers/common/inputs.ts';
import { waiting, withProgress } from '../../providers/common/progress.ts';
import { shown } from '../../providers/common/report.ts';
import { window } from '../../providers/common/window.ts';
import type { RunningCommands } from '../../run/running-commands.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import { folderKey } from '../../sandboxes/sandbox-origin.ts';
import type { SavePoints } from '../../sandboxes/save-points.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { type CleanUp, pointsToDelete, type SavePointGroup, savePointGroups } from '../../snapshots/save-points.ts';
import type { Snapshot, Snapshots } from '../../snapshots/snapshots.ts';
import { strings } from './strings.ts';

export interface SavePointCommandsOptions {
  readonly sessions: Sessions;
  readonly snapshots: Snapshots;
  readonly savePoints: SavePoints;
  readonly commands: RunningCommands;
  /** The folders of this window. */
  readonly folders: () => readonly Folder[];
  /** Asks for a running sandbox if there are several. Throws `UserError` if there is none. */
  pickSandbox(title: string): Promise<SandboxSummary | undefined>;
}

/** The commands on save points. Errors are shown. */
export class SavePointCommands implements vscode.Disposable {
  readonly #options: SavePointCommandsOptions;
  readonly #changed = new vscode.EventEmitter<void>();
  /** Fires after each command, which may have changed the list, even if it failed. */
  readonly onDidChange = this.#changed.event;

  constructor(options: SavePointCommandsOptions) {
    this.#options = options;
  }

  dispose(): void {
    this.#changed.dispose();
  }

  /** `modal.createSavePoint`: takes a save point of a sandbox. */
  create(row?: SandboxSummary): Promise<void> {
    return this.#run(async () => {
      const { sessions, savePoints, pickSandbox } = this.#options;
      const title = strings.savePoint();
      const sandbox = row ?? (await pickSandbox(title));
      const time = new Date().toLocaleTimeString([], { timeStyle: 'short' });
      const value = sandbox && strings.savePointAt(time);
      const name = value && (await askName({ title, prompt: strings.savePointPrompt(), value }));
      if (!name) return;
      await withProgress(strings.saving(sandboxLabel(sandbox)), async (signal) =>
        savePoints.save(await sessions.find(sandbox.id), name, signal),
      );
    });
  }

  /** `modal.restoreSavePoint`: replaces the folder's sandbox with one that has the files of a save point. */
  restore(point: Snapshot): Promise<void> {
    return this.#run(async () => {
      const { sessions, savePoints, commands, folders } = this.#options;
      const folder = folders().find(({ path }) => folderKey(path) === point.folderKey);
      if (!folder || point.profile === undefined) throw new UserError(strings.savePointOfOtherFolder());
      const { profile } = point;
      const sandbox = await sessions.sandboxOf(folder, profile);
      const running = sandbox ? commands.in(sandbox.sandboxId).map(({ label }) => label) : [];
      const action = strings.goBack();
      const detail = [
        running.length > 0 && strings.willBeStopped(running.join(', ')),
        strings.goBackDetail(profile, folder.name),
      ];
      const question = { modal: true, detail: detail.filter(Boolean).join('\n') };
      const answer = await window.showWarningMessage(strings.goBackTo(point.name), question, action);
      if (answer !== action) return;
      await withProgress(strings.goingBack(point.name), (signal) => savePoints.restore(folder, profile, point, signal));
      void window.showInformationMessage(strings.wentBack(profile, point.name));
    });
  }

  /** `modal.cleanUpSavePoints`: deletes save points by age or number. */
  cleanUp(group?: SavePointGroup): Promise<void> {
    return this.#run(async () => {
      const { snapshots } = this.#options;
      const groups = savePointGroups(await waiting(strings.checking(), () => snapshots.list()));
      const chosen = group ? groups.filter((each) => labelOfGroup(each) === labelOfGroup(group)) : groups;
      const points = chosen.map(pointsOf);
      const before = (days: number): CleanUp => ({ before: Date.now() - days * DAY_MS });
      const deletes = (cleanUp: CleanUp) => points.flatMap((each) => pointsToDelete(each, cleanUp));
      const automatic = points.flat().filter(({ savePoint }) => savePoint === 'automatic');
      const items = [
        { label: strings.automaticOnes(), points: automatic },
        { label: strings.olderThanOneDay(), points: deletes(before(1)) },
        { label: strings.olderThan(7), points: deletes(before(7)) },
        { label: strings.allButTheLatest(1), points: deletes({ keep: 1 }) },
        { label: strings.allButTheLatest(5), points: deletes({ keep: 5 }) },
        { label: strings.allSavePoints(), points: points.flat() },
      ].filter((item) => item.points.length > 0);
      if (items.length === 0) throw new UserError(strings.noSavePoints());
      const described = items.map((item) => ({ ...item, description: strings.savePointCount(item.points.length) }));
      const title = group ? strings.cleanUpOf(labelOfGroup(group)) : strings.cleanUp();
      const picked = await window.showQuickPick(described, { title, placeHolder: strings.selectSavePoints() });
      if (!picked) return;
      const count = picked.points.length;
      const action = strings.delete();
      const question = count === 1 ? strings.deleteOnePoint() : strings.deletePoints(count);
      if ((await window.showWarningMessage(question, { modal: true }, action)) !== action) return;
      await withProgress(strings.deletingMany(count), async (signal) => {
        for (const each of picked.points) {
          signal.throwIfAborted();
          await snapshots.delete(each);
        }
      });
    });
  }

  async #run(work: () => Promise<void>): Promise<void> {
    await shown(work);
    this.#changed.fire();
  }
}

/** Returns the name of the save points of a folder and profile. */
export function labelOfGroup({ folderName, profile }: SavePointGroup): string {
  return [folderName, profile].filter(Boolean).join(' · ') || strings.noFolder();
}

/** Returns the save points of a group, branches included. */
function pointsOf({ nodes }: SavePointGroup): Snapshot[] {
  const flat = (all: SavePointGroup['nodes']): Snapshot[] =>
    all.flatMap(({ point, branches }) => [point, ...branches.flatMap(flat)]);
  return flat(nodes);
}
