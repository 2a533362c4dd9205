import type { Sandbox } from 'modal';
import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { listSandboxes, type SandboxSummary, sandboxLabel } from '../../modal/sandbox-list.ts';
import { Tag } from '../../modal/sandboxes.ts';
import { deleteImage } from '../../modal/snapshots.ts';
import { ProfileSchema } from '../../profiles/schema.ts';
import { executeCommand } from '../../providers/common/commands.ts';
import { shown, waiting, withProgress } from '../../providers/common/progress.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import { folderKey, originTags } from '../../sandboxes/sandbox-origin.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { dependentsOf, requireReady, type Snapshot, type Snapshots } from '../../snapshots/snapshots.ts';
import { takeOrDiscard } from '../../snapshots/take.ts';
import { REMOTE_ROOT } from '../../sync/options.ts';

const DAY_MS = 24 * 60 * 60_000;
const LIFETIMES: readonly (vscode.QuickPickItem & { readonly ttlMs: number | null })[] = [
  { label: '30 days', description: 'Modal’s own default', ttlMs: 30 * DAY_MS },
  { label: '1 day', ttlMs: DAY_MS },
  { label: '7 days', ttlMs: 7 * DAY_MS },
  { label: '90 days', ttlMs: 90 * DAY_MS },
  { label: '1 year', ttlMs: 365 * DAY_MS },
  { label: 'Until it is deleted', ttlMs: null },
];
/** The image between a sandbox and its fork is needed for the fork's start alone. */
const FORK_TTL_MS = DAY_MS;

export interface SnapshotCommandsOptions {
  readonly sessions: Sessions;
  readonly snapshots: Snapshots;
  /** The folders of this window. */
  readonly folders: () => readonly Folder[];
}

/** What people do with snapshots. */
export class SnapshotCommands implements vscode.Disposable {
  readonly #options: SnapshotCommandsOptions;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #startedSandbox = new vscode.EventEmitter<void>();
  /** Fires after each command, which may have changed the list, also when it failed. */
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

  /** `modal.createSnapshot`: of a sandbox's file system. */
  create(row?: SandboxSummary): Promise<void> {
    return this.#create('New Snapshot', row, async () => ({}));
  }

  /** `modal.createDirectorySnapshot`: of one directory of a sandbox. */
  createOfDirectory(row?: SandboxSummary): Promise<void> {
    return this.#create('New Snapshot of a Directory', row, async () => {
      const path = await vscode.window.showInputBox({
        title: 'New Snapshot of a Directory',
        prompt: 'The directory in the sandbox, from the root',
        value: REMOTE_ROOT,
        validateInput: (text) => (text.startsWith('/') ? undefined : 'A path from the root begins with “/”.'),
      });
      return path === undefined ? undefined : { path };
    });
  }

  #create(
    title: string,
    row: SandboxSummary | undefined,
    askWhat: () => Promise<{ path?: string } | undefined>,
  ): Promise<void> {
    return this.#explained(async () => {
      const sandbox = row ?? (await this.#pickSandbox(title));
      const what = sandbox && (await askWhat());
      const name = what && (await askName(title, defaultName(sandbox)));
      const ttlMs = name ? await askLifetime(title) : undefined;
      if (!name || ttlMs === undefined) return;
      await withProgress(`Taking the snapshot “${name}”…`, async (signal) => {
        await this.#options.snapshots.create(await this.#sandbox(sandbox.id), { name, ttlMs, signal, ...what });
      });
    });
  }

  /** `modal.forkSandbox`: a second sandbox with the files of the first, which goes on. */
  fork(sandbox?: SandboxSummary): Promise<void> {
    return this.#explained(async () => {
      const row = sandbox ?? (await this.#pickSandbox('Fork Sandbox'));
      if (!row) return;
      const label = sandboxLabel(row);
      await withProgress(`Forking “${label}”…`, async (signal) => {
        const { client } = await this.#options.sessions.connection();
        const imageId = await takeOrDiscard(client, await this.#sandbox(row.id), { ttlMs: FORK_TTL_MS, signal });
        const what = { imageId, folderKey: row.tags[Tag.folder], profile: row.tags[Tag.profile] };
        try {
          await this.#start({ kind: 'filesystem', ...what }, `${label} (fork)`, row.tags[Tag.snapshot], signal);
        } catch (error) {
          await deleteImage(client, imageId).catch(() => {});
          throw error;
        }
      });
      this.#startedSandbox.fire();
    });
  }

  /** `modal.restoreSnapshot`: a new sandbox with the snapshot's files; others from it go on. */
  restore(snapshot: Snapshot): Promise<void> {
    return this.#explained(async () => {
      requireReady(snapshot);
      const { sandboxId: id } = await withProgress(`Starting a sandbox from “${snapshot.name}”…`, (signal) =>
        this.#start(snapshot, snapshot.name, snapshot.id, signal),
      );
      this.#startedSandbox.fire();
      const terminal = 'Open Terminal';
      const done = `A sandbox with the files of “${snapshot.name}” is running.`;
      // Not waited for: the message stays until somebody answers.
      void vscode.window.showInformationMessage(done, terminal).then((pressed) => {
        if (pressed === terminal) void executeCommand('modal.openTerminal', { id, tags: {} });
      });
    });
  }

  /** `modal.renameSnapshot` */
  rename(snapshot: Snapshot): Promise<void> {
    return this.#explained(async () => {
      const name = await askName('Rename Snapshot', snapshot.name);
      if (name && name !== snapshot.name) await this.#options.snapshots.rename(snapshot.id, name);
    });
  }

  /** `modal.changeSnapshotLifetime` */
  changeLifetime(snapshot: Snapshot): Promise<void> {
    return this.#explained(async () => {
      requireReady(snapshot);
      const ttlMs = await askLifetime(`Lifetime of “${snapshot.name}” from Now`);
      if (ttlMs === undefined) return;
      // Modal fixes the lifetime of an image, so there has to be another one, made in a sandbox for that moment.
      await withProgress(`Changing the lifetime of “${snapshot.name}”…`, (signal) => {
        const start = (each: Snapshot) => this.#start(each, each.name, each.id, signal);
        return this.#options.snapshots.changeLifetime(snapshot, ttlMs, start, signal);
      });
    });
  }

  /** `modal.deleteSnapshots`: after a question that names what was made from them. */
  delete(chosen: readonly Snapshot[]): Promise<void> {
    return this.#explained(async () => {
      const { snapshots } = this.#options;
      const [running, all] = [
        await this.#sandboxes(),
        await waiting('Looking at the snapshots…', () => snapshots.list()),
      ];
      const ids = new Set(chosen.map(({ id }) => id));
      const names: string[] = [];
      for (const each of chosen) {
        const { snapshots: made, sandboxIds } = dependentsOf(each, all, running);
        names.push(...made.filter(({ id }) => !ids.has(id)).map(({ name }) => `the snapshot “${name}”`));
        const started = running.filter(({ id }) => sandboxIds.includes(id));
        names.push(...started.map((sandbox) => `the sandbox “${sandboxLabel(sandbox)}”`));
      }
      const what = chosen.length === 1 ? `the snapshot “${chosen[0]?.name}”` : `${chosen.length} snapshots`;
      const dependents = names.length > 0 ? ` From it were made ${names.join(', ')}, which stay.` : '';
      const question = `Delete ${what} for good?${dependents} Profiles and tasks that name it will fail.`;
      if ((await vscode.window.showWarningMessage(question, { modal: true }, 'Delete')) !== 'Delete') return;
      await withProgress(`Deleting ${what}…`, async (signal) => {
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

  /** Those that run. */
  #sandboxes(): Promise<SandboxSummary[]> {
    return waiting('Looking for sandboxes…', async () => {
      const { client, app } = await this.#options.sessions.connection();
      return listSandboxes(client, app, new Date());
    });
  }

  async #pickSandbox(title: string): Promise<SandboxSummary | undefined> {
    const running = (await this.#sandboxes()).filter(({ state }) => state === 'running');
    if (running.length === 0)
      throw new UserError('No sandbox is running, and a snapshot is taken of one. Run something first.');
    if (running.length === 1) return running[0];
    const items = running.map((sandbox) => ({
      label: sandboxLabel(sandbox),
      description: [sandbox.tags[Tag.profile], sandbox.id].filter(Boolean).join(' · '),
      sandbox,
    }));
    const picked = await vscode.window.showQuickPick(items, {
      title,
      placeHolder: 'Of which sandbox?',
    });
    return picked?.sandbox;
  }

  /** A sandbox from a snapshot, as the profile says that the snapshot's own sandbox had, where this window has its folder. */
  async #start(
    snapshot: Pick<Snapshot, 'kind' | 'imageId' | 'folderKey' | 'profile' | 'path'>,
    label: string,
    snapshotId: string | undefined,
    signal: AbortSignal,
  ): Promise<Sandbox> {
    const { sessions, folders } = this.#options;
    const folder = folders().find(({ path }) => folderKey(path) === snapshot.folderKey) ?? folders()[0];
    const profile = folder
      ? await sessions
          .profile(folder, snapshot.profile)
          .catch(() => sessions.profile(folder))
          .then((named) => named.profile)
      : ProfileSchema.parse({});
    const isDirectory = snapshot.kind === 'directory';
    const { image } = isDirectory ? profile : ProfileSchema.parse({ image: { snapshot: snapshot.imageId } });
    const sandbox = await sessions.create({ ...profile, image }, folder, signal);
    try {
      if (isDirectory && snapshot.path !== undefined) {
        const { client } = await sessions.connection();
        await sandbox.mountImage(snapshot.path, await client.images.fromId(snapshot.imageId));
      }
      await sandbox.setTags({
        ...(await sandbox.getTags()),
        ...(folder && originTags(folder)),
        [Tag.label]: label,
        ...(snapshotId && { [Tag.snapshot]: snapshotId }),
      });
      signal.throwIfAborted();
      return sandbox;
    } catch (error) {
      await sessions.terminate(sandbox).catch(() => {});
      throw error;
    }
  }

  /** Shows what went wrong, and has the view look again in either case. */
  async #explained(work: () => Promise<void>): Promise<void> {
    await shown(work);
    this.#changed.fire();
  }
}

function defaultName(sandbox: SandboxSummary): string {
  return `${sandboxLabel(sandbox)}, ${new Date().toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })}`;
}

async function askName(title: string, value: string): Promise<string | undefined> {
  const name = await vscode.window.showInputBox({
    title,
    prompt: 'A name, for you to know it by',
    value,
    validateInput: (text) => (text.trim() === '' ? 'A snapshot needs a name.' : undefined),
  });
  return name?.trim();
}

/** Undefined when none was chosen; null: no end. */
async function askLifetime(title: string): Promise<number | null | undefined> {
  const picked = await vscode.window.showQuickPick([...LIFETIMES], {
    title,
    placeHolder: 'How long does Modal keep it?',
  });
  return picked?.ttlMs;
}
