import type { Sandbox } from 'modal';
import * as vscode from 'vscode';
import { DAY_MS } from '../../base/clock.ts';
import { UserError } from '../../base/errors.ts';
import { listSandboxes, type SandboxSummary, sandboxLabel } from '../../modal/sandbox-list.ts';
import { Tag } from '../../modal/sandboxes.ts';
import { deleteImage } from '../../modal/snapshots.ts';
import { BUILT_IN_PROFILE } from '../../profiles/profiles.ts';
import { executeCommand } from '../../providers/common/commands.ts';
import { askName } from '../../providers/common/inputs.ts';
import { waiting, withProgress } from '../../providers/common/progress.ts';
import { shown } from '../../providers/common/report.ts';
import { window } from '../../providers/common/window.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import { folderKey, originTags } from '../../sandboxes/sandbox-origin.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { dependentsOf, requireReady, type Snapshot, type Snapshots } from '../../snapshots/snapshots.ts';
import { takeOrDiscard } from '../../snapshots/take.ts';
import { REMOTE_ROOT } from '../../sync/options.ts';
import { strings } from './strings.ts';

/** The image between a sandbox and its fork is needed only to start the fork. */
const FORK_TTL_MS = DAY_MS;

export interface SnapshotCommandsOptions {
  readonly sessions: Sessions;
  readonly snapshots: Snapshots;
  /** The folders of this window. */
  readonly folders: () => readonly Folder[];
}

/** The commands on snapshots. Errors are shown. */
export class SnapshotCommands implements vscode.Disposable {
  readonly #options: SnapshotCommandsOptions;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #startedSandbox = new vscode.EventEmitter<void>();
  /** Fires after each command, which may have changed the list, even if it failed. */
  readonly onDidChange = this.#changed.event;
  /** Fires when a sandbox was started from a snapshot. */
  readonly onDidStartSandbox = this.#startedSandbox.event;

  constructor(options: SnapshotCommandsOptions) {
    this.#options = options;
  }

  dispose(): void {
    this.#changed.dispose();
    this.#startedSandbox.dispose();
  }

  /** `modal.createSnapshot`: takes a snapshot of a sandbox's file system. */
  create(row?: SandboxSummary): Promise<void> {
    return this.#create(strings.newSnapshot(), row, async () => ({}));
  }

  /** `modal.createDirectorySnapshot`: takes a snapshot of a directory in a sandbox. */
  createOfDirectory(row?: SandboxSummary): Promise<void> {
    return this.#create(strings.newDirectorySnapshot(), row, async () => {
      const path = await window.showInputBox({
        title: strings.newDirectorySnapshot(),
        prompt: strings.directoryPrompt(),
        value: REMOTE_ROOT,
        validateInput: (text) => (text.startsWith('/') ? undefined : strings.relativePath()),
      });
      return path === undefined ? undefined : { path };
    });
  }

  #create(
    title: string,
    row: SandboxSummary | undefined,
    askWhat: () => Promise<{ path?: string } | undefined>,
  ): Promise<void> {
    return this.#run(async () => {
      const sandbox = row ?? (await this.pickSandbox(title));
      const what = sandbox && (await askWhat());
      const name = what && (await askSnapshotName(title, defaultName(sandbox)));
      const ttlMs = name ? await askLifetime(title) : undefined;
      if (!name || ttlMs === undefined) return;
      await withProgress(strings.taking(name), async (signal) => {
        await this.#options.snapshots.create(await this.#sandbox(sandbox.id), { name, ttlMs, signal, ...what });
      });
    });
  }

  /** `modal.forkSandbox`: starts a second sandbox with the files of the first, which keeps running. */
  fork(sandbox?: SandboxSummary): Promise<void> {
    return this.#run(async () => {
      const row = sandbox ?? (await this.pickSandbox(strings.fork()));
      if (!row) return;
      const label = sandboxLabel(row);
      await withProgress(strings.forking(label), async (signal) => {
        const { client } = await this.#options.sessions.connection();
        const imageId = await takeOrDiscard(client, await this.#sandbox(row.id), { ttlMs: FORK_TTL_MS, signal });
        const what = { imageId, folderKey: row.tags[Tag.folder], profile: row.tags[Tag.profile] };
        try {
          await this.#start({ kind: 'filesystem', ...what }, strings.nameOfFork(label), row.tags[Tag.snapshot], signal);
        } catch (error) {
          await deleteImage(client, imageId).catch(() => {});
          throw error;
        }
      });
      this.#startedSandbox.fire();
    });
  }

  /** `modal.restoreSnapshot`: starts a sandbox with the snapshot's files. */
  restore(snapshot: Snapshot): Promise<void> {
    return this.#run(async () => {
      requireReady(snapshot);
      const { sandboxId: id } = await withProgress(strings.starting(snapshot.name), (signal) =>
        this.#start(snapshot, snapshot.name, snapshot.id, signal),
      );
      this.#startedSandbox.fire();
      const terminal = strings.openTerminal();
      const done = strings.started(snapshot.name);
      // Not awaited: the message stays until the user responds.
      void window.showInformationMessage(done, terminal).then((pressed) => {
        if (pressed === terminal) void executeCommand('modal.openTerminal', { id, tags: {} });
      });
    });
  }

  /** `modal.renameSnapshot` */
  rename(snapshot: Snapshot): Promise<void> {
    return this.#run(async () => {
      const name = await askSnapshotName(strings.rename(), snapshot.name);
      if (name && name !== snapshot.name) await this.#options.snapshots.rename(snapshot.id, name);
    });
  }

  /** `modal.changeSnapshotLifetime` */
  changeLifetime(snapshot: Snapshot): Promise<void> {
    return this.#run(async () => {
      requireReady(snapshot);
      const ttlMs = await askLifetime(strings.newLifetime(snapshot.name));
      if (ttlMs === undefined) return;
      // Modal fixes an image's lifetime, so this takes another image of a sandbox started for that purpose.
      await withProgress(strings.changingLifetime(snapshot.name), (signal) => {
        const start = (each: Snapshot) => this.#start(each, each.name, each.id, signal);
        return this.#options.snapshots.changeLifetime(snapshot, ttlMs, start, signal);
      });
    });
  }

  /** `modal.deleteSnapshots`: deletes snapshots after a confirmation that lists what was created from them. */
  delete(chosen: readonly Snapshot[]): Promise<void> {
    return this.#run(async () => {
      const [first] = chosen;
      const { snapshots } = this.#options;
      const [running, all] = [await this.#sandboxes(), await waiting(strings.checking(), () => snapshots.list())];
      const ids = new Set(chosen.map(({ id }) => id));
      const names: string[] = [];
      for (const each of chosen) {
        const { snapshots: made, sandboxIds } = dependentsOf(each, all, running);
        names.push(...made.filter(({ id }) => !ids.has(id)).map(({ name }) => strings.dependentSnapshot(name)));
        const started = running.filter(({ id }) => sandboxIds.includes(id));
        names.push(...started.map((sandbox) => strings.dependentSandbox(sandboxLabel(sandbox))));
      }
      const action = strings.delete();
      if ((await window.showWarningMessage(deleteQuestion(chosen, names), { modal: true }, action)) !== action) return;
      const title =
        first && chosen.length === 1 ? strings.deletingOne(first.name) : strings.deletingMany(chosen.length);
      await withProgress(title, async (signal) => {
        for (const each of chosen) {
          signal.throwIfAborted();
          await snapshots.delete(each);
        }
      });
    });
  }

  async #sandbox(id: string): Promise<Sandbox> {
    const { client } = await this.#options.sessions.connection();
    return client.sandboxes.fromId(id);
  }

  /** The running sandboxes. */
  #sandboxes(): Promise<SandboxSummary[]> {
    return waiting(strings.listingSandboxes(), async () => {
      const { client, app } = await this.#options.sessions.connection();
      return listSandboxes(client, app, new Date());
    });
  }

  /** Asks for a running sandbox if there are several. Throws `UserError` if there is none. */
  async pickSandbox(title: string): Promise<SandboxSummary | undefined> {
    const running = (await this.#sandboxes()).filter(({ state }) => state === 'running');
    if (running.length === 0) throw new UserError(strings.noSandboxes());
    if (running.length === 1) return running[0];
    const items = running.map((sandbox) => ({
      label: sandboxLabel(sandbox),
      description: [sandbox.tags[Tag.profile], sandbox.id].filter(Boolean).join(' · '),
      sandbox,
    }));
    const picked = await window.showQuickPick(items, {
      title,
      placeHolder: strings.selectSandbox(),
    });
    return picked?.sandbox;
  }

  /**
   * Starts a sandbox from a snapshot, with the profile and folder of the sandbox that it was taken of if this window has
   * that folder. Throws if it can't be started, and the signal's reason.
   */
  async #start(
    snapshot: Pick<Snapshot, 'kind' | 'imageId' | 'folderKey' | 'profile' | 'path'>,
    label: string,
    snapshotId: string | undefined,
    signal: AbortSignal,
  ): Promise<Sandbox> {
    const { sessions, folders } = this.#options;
    const folder = folders().find(({ path }) => folderKey(path) === snapshot.folderKey) ?? folders()[0];
    const named = folder
      ? await sessions.profile(folder, snapshot.profile).catch(() => sessions.profile(folder))
      : BUILT_IN_PROFILE;
    const isDirectory = snapshot.kind === 'directory';
    const tags = {
      ...(folder && originTags(folder)),
      [Tag.label]: label,
      ...(snapshotId && { [Tag.snapshot]: snapshotId }),
    };
    // The user chose the snapshot, so it replaces the image that the profile asks for.
    const started = isDirectory ? {} : { snapshot: { imageId: snapshot.imageId } };
    const sandbox = await sessions.create(named, { folder, tags, signal, ...started });
    try {
      if (isDirectory && snapshot.path !== undefined) {
        const { client } = await sessions.connection();
        await sandbox.mountImage(snapshot.path, await client.images.fromId(snapshot.imageId));
      }
      signal.throwIfAborted();
      return sandbox;
    } catch (error) {
      await sessions.letGo(sandbox);
      throw error;
    }
  }

  async #run(work: () => Promise<void>): Promise<void> {
    await shown(work);
    this.#changed.fire();
  }
}

/** `dependents` are the snapshots and sandboxes that were created from the chosen ones. */
function deleteQuestion(chosen: readonly Snapshot[], dependents: readonly string[]): string {
  const [first] = chosen;
  const isOne = first && chosen.length === 1;
  const names = dependents.join(', ');
  return [
    isOne ? strings.deleteOne(first.name) : strings.deleteMany(chosen.length),
    ...(names ? [isOne ? strings.keepDependentsOfOne(names) : strings.keepDependentsOfMany(names)] : []),
    isOne ? strings.usersOfOneFail() : strings.usersOfManyFail(),
  ].join(' ');
}

function askSnapshotName(title: string, value: string): Promise<string | undefined> {
  return askName({ title, prompt: strings.namePrompt(), value });
}

function defaultName(sandbox: SandboxSummary): string {
  const time = new Date().toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
  return strings.defaultName(sandboxLabel(sandbox), time);
}

/** Asks how long to keep a snapshot, in milliseconds. Null is no expiration; undefined is canceled. */
async function askLifetime(title: string): Promise<number | null | undefined> {
  const items: readonly (vscode.QuickPickItem & { readonly ttlMs: number | null })[] = [
    { label: strings.days(30), description: strings.modalDefault(), ttlMs: 30 * DAY_MS },
    { label: strings.oneDay(), ttlMs: DAY_MS },
    { label: strings.days(7), ttlMs: 7 * DAY_MS },
    { label: strings.days(90), ttlMs: 90 * DAY_MS },
    { label: strings.oneYear(), ttlMs: 365 * DAY_MS },
    { label: strings.noExpiration(), ttlMs: null },
  ];
  const picked = await window.showQuickPick(items, { title, placeHolder: strings.lifetimePlaceholder() });
  return picked?.ttlMs;
}
