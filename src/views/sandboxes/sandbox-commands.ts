import * as vscode from 'vscode';
import { listSandboxes, type SandboxSummary, sandboxLabel } from '../../modal/sandbox-list.ts';
import { renameSandbox, Tag, terminateSandbox, touchSandbox } from '../../modal/sandboxes.ts';
import { shown, waiting } from '../../providers/common/progress.ts';
import { KeepAlive } from '../../sandboxes/keep-alive.ts';
import { folderKey, machineKey } from '../../sandboxes/sandbox-origin.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';

/** What people do with sandboxes beside running something in them. */
export class SandboxCommands implements vscode.Disposable {
  readonly #sessions: Sessions;
  readonly #folderPaths: () => readonly string[];
  readonly keepAlive = new KeepAlive(async (id) => {
    await touchSandbox((await this.#sessions.connection()).client, id);
    await this.#sessions.noteUse(id);
  });

  readonly #changed = new vscode.EventEmitter<void>();
  /** Fires after each command that may have changed the list, also when it failed. */
  readonly onDidChange = this.#changed.event;

  constructor(sessions: Sessions, folderPaths: () => readonly string[]) {
    this.#sessions = sessions;
    this.#folderPaths = folderPaths;
  }

  dispose(): void {
    this.keepAlive.dispose();
    this.#changed.dispose();
  }

  /** `modal.terminateFolderSandboxes`: all that were started from the folders of this window on this machine. */
  terminateOfFolder(): Promise<void> {
    const keys = this.#folderPaths().map(folderKey);
    return this.#terminateWhere(
      ({ tags }) => tags[Tag.machine] === machineKey() && keys.includes(tags[Tag.folder] ?? ''),
      'No sandbox of this folder is running.',
    );
  }

  /** `modal.terminateAllSandboxes`: all of the app, whoever started them. */
  terminateAll(): Promise<void> {
    return this.#terminateWhere(() => true, 'No sandbox is running.');
  }

  /** `modal.renameSandbox`: Modal's own names cannot be changed, so the name is kept in a tag. */
  rename(sandbox: SandboxSummary): Promise<void> {
    return this.#explained(async () => {
      const label = await vscode.window.showInputBox({
        title: 'Rename Sandbox',
        prompt: 'What the sandbox is called in this view, on every machine. Empty: its folder’s name.',
        value: sandboxLabel(sandbox),
        validateInput: (text) => (text.length > 63 ? 'A name has at most 63 characters.' : undefined),
      });
      if (label === undefined) return;
      const { client } = await this.#sessions.connection();
      await renameSandbox(client, sandbox.id, label.trim());
    });
  }

  /** `modal.keepSandboxAlive`: it does not end when idle while this window is open. */
  keep({ id, idleTimeoutMs, endsAt }: SandboxSummary): void {
    if (idleTimeoutMs) this.keepAlive.keep(id, idleTimeoutMs);
    const end = endsAt.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
    const kept = 'The sandbox stays while this window is open';
    vscode.window.setStatusBarMessage(`${kept}, until ${end}: Modal fixes a sandbox’s lifetime at its start`, 8_000);
  }

  /** `modal.copySandboxId` */
  async copyId({ id }: SandboxSummary): Promise<void> {
    await vscode.env.clipboard.writeText(id);
    vscode.window.setStatusBarMessage(`Copied ${id}`, 3_000);
  }

  async #terminateWhere(which: (sandbox: SandboxSummary) => boolean, none: string): Promise<void> {
    await this.#explained(async () => {
      const listed = await waiting('Looking for sandboxes…', async () => {
        const { client, app } = await this.#sessions.connection();
        return listSandboxes(client, app, new Date());
      });
      const running = listed.filter(({ state }) => state !== 'ended');
      const chosen = running.filter(which);
      if (chosen.length === 0) void vscode.window.showInformationMessage(none);
      else await this.terminate(chosen);
    });
  }

  /** `modal.terminateSandbox`: terminates sandboxes after confirmation. */
  async terminate(sandboxes: readonly SandboxSummary[]): Promise<void> {
    const [first] = sandboxes;
    if (!first) return;
    const action = 'Terminate';
    const question =
      sandboxes.length === 1
        ? `Terminate the sandbox of “${sandboxLabel(first)}”? What runs in it ends, and its files are gone.`
        : `Terminate ${sandboxes.length} sandboxes (${namesOf(sandboxes)})? What runs in them ends, and their files are gone.`;
    if ((await vscode.window.showWarningMessage(question, { modal: true }, action)) !== action) return;
    await this.#explained(async () => {
      const title = sandboxes.length === 1 ? 'Terminating the sandbox…' : `Terminating ${sandboxes.length} sandboxes…`;
      const ends = await waiting(title, async () => {
        const { client } = await this.#sessions.connection();
        return Promise.allSettled(
          sandboxes.map(async ({ id }) => {
            await terminateSandbox(client, id);
            await this.#sessions.noteEnd(id);
          }),
        );
      });
      const failed = ends.find((end) => end.status === 'rejected');
      if (failed) throw failed.reason;
    });
  }

  /** Shows what went wrong, and has the view look again in either case. */
  async #explained(work: () => Promise<void>): Promise<void> {
    await shown(work);
    this.#changed.fire();
  }
}

const MOST_NAMES = 3;

function namesOf(sandboxes: readonly SandboxSummary[]): string {
  const names = sandboxes.slice(0, MOST_NAMES).map((sandbox) => `“${sandboxLabel(sandbox)}”`);
  const more = sandboxes.length - names.length;
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ');
}
