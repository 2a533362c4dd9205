import * as vscode from 'vscode';
import { listSandboxes, type SandboxSummary, sandboxLabel } from '../../modal/sandbox-list.ts';
import { renameSandbox, Tag, terminateSandbox, touchSandbox } from '../../modal/sandboxes.ts';
import { waiting } from '../../providers/common/progress.ts';
import { shown } from '../../providers/common/report.ts';
import { window } from '../../providers/common/window.ts';
import { KeepAlive } from '../../sandboxes/keep-alive.ts';
import { folderKey, machineKey } from '../../sandboxes/sandbox-origin.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { nameList } from '../common/name-list.ts';
import { strings } from './strings.ts';

const MAX_NAME_LENGTH = 63;

/** The commands on sandboxes, other than running code. Errors are shown. */
export class SandboxCommands implements vscode.Disposable {
  readonly #sessions: Sessions;
  readonly #folderPaths: () => readonly string[];
  readonly keepAlive = new KeepAlive(async (id) => {
    await touchSandbox((await this.#sessions.connection()).client, id);
    await this.#sessions.noteUse(id);
  });

  readonly #changed = new vscode.EventEmitter<void>();
  /** Fires after each command that may have changed the list, even if it failed. */
  readonly onDidChange = this.#changed.event;

  constructor(sessions: Sessions, folderPaths: () => readonly string[]) {
    this.#sessions = sessions;
    this.#folderPaths = folderPaths;
  }

  dispose(): void {
    this.keepAlive.dispose();
    this.#changed.dispose();
  }

  /** `modal.terminateFolderSandboxes`: terminates those started from this window's folders on this computer. */
  terminateOfFolder(): Promise<void> {
    const keys = this.#folderPaths().map(folderKey);
    return this.#terminateWhere(
      ({ tags }) => tags[Tag.machine] === machineKey() && keys.includes(tags[Tag.folder] ?? ''),
      strings.noneInFolder(),
    );
  }

  /** `modal.terminateAllSandboxes`: terminates all sandboxes in the app. */
  terminateAll(): Promise<void> {
    return this.#terminateWhere(() => true, strings.none());
  }

  /** `modal.renameSandbox`: sets a tag, since Modal's own names can't be changed. */
  rename(sandbox: SandboxSummary): Promise<void> {
    return this.#run(async () => {
      const label = await window.showInputBox({
        title: strings.rename(),
        prompt: strings.renamePrompt(),
        value: sandboxLabel(sandbox),
        validateInput: (text) => (text.length > MAX_NAME_LENGTH ? strings.nameTooLong(MAX_NAME_LENGTH) : undefined),
      });
      if (label === undefined) return;
      const { client } = await this.#sessions.connection();
      await renameSandbox(client, sandbox.id, label.trim());
    });
  }

  /** `modal.keepSandboxAlive`: keeps a sandbox from reaching its idle timeout while this window is open. */
  keep({ id, idleTimeoutMs, endsAt }: SandboxSummary): void {
    if (idleTimeoutMs) this.keepAlive.keep(id, idleTimeoutMs);
    const end = endsAt.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
    window.setStatusBarMessage(strings.keepRunning(end), 8_000);
  }

  /** `modal.copySandboxId` */
  async copyId({ id }: SandboxSummary): Promise<void> {
    await vscode.env.clipboard.writeText(id);
    window.setStatusBarMessage(strings.copied(id), 3_000);
  }

  async #terminateWhere(which: (sandbox: SandboxSummary) => boolean, none: string): Promise<void> {
    await this.#run(async () => {
      const listed = await waiting(strings.listing(), async () => {
        const { client, app } = await this.#sessions.connection();
        return listSandboxes(client, app, new Date());
      });
      const running = listed.filter(({ state }) => state !== 'ended');
      const chosen = running.filter(which);
      if (chosen.length === 0) void window.showInformationMessage(none);
      else await this.terminate(chosen);
    });
  }

  /** `modal.terminateSandbox`: terminates sandboxes after confirmation. */
  async terminate(sandboxes: readonly SandboxSummary[]): Promise<void> {
    const [first] = sandboxes;
    if (!first) return;
    const action = strings.terminate();
    const question =
      sandboxes.length === 1
        ? strings.terminateOne(sandboxLabel(first))
        : strings.terminateMany(sandboxes.length, nameList(sandboxes.map(sandboxLabel)));
    if ((await window.showWarningMessage(question, { modal: true }, action)) !== action) return;
    await this.#run(async () => {
      const title = sandboxes.length === 1 ? strings.terminatingOne() : strings.terminatingMany(sandboxes.length);
      const ends = await waiting(title, async () => {
        const { client } = await this.#sessions.connection();
        return Promise.allSettled(
          sandboxes.map(async ({ id }) => {
            await terminateSandbox(client, id);
            await this.#sessions.noteTermination(id);
          }),
        );
      });
      const failed = ends.find((end) => end.status === 'rejected');
      if (failed) throw failed.reason;
    });
  }

  async #run(work: () => Promise<void>): Promise<void> {
    await shown(work);
    this.#changed.fire();
  }
}
