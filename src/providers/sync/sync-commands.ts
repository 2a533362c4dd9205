import { join } from 'node:path';
import type { Sandbox } from 'modal';
import * as vscode from 'vscode';
import { untilAborted } from '../../base/cancellation.ts';
import { UserError } from '../../base/errors.ts';
import { explainAndLog } from '../../modal/errors.ts';
import { progressLine, pullReport, syncReport } from '../../run/sync-report.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { FolderSyncs } from '../../sandboxes/folder-syncs.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import type { SyncEngine } from '../../sync/engine.ts';
import { chooseFolder, unsavedPaths } from '../common/folders.ts';
import { reviewChanges } from './pull-review.ts';
import { askInDialog } from './sync-questions.ts';

/** What a command works on, with its progress and its cancel button. */
interface Work {
  readonly folder: Folder;
  readonly engine: SyncEngine;
  readonly signal: AbortSignal;
  report(message: string): void;
}

/** The palette's sync commands. Each shows progress, can be cancelled, and says what it did. */
export class SyncCommands {
  readonly #sessions: Sessions;
  readonly #syncs: FolderSyncs;

  constructor(sessions: Sessions, syncs: FolderSyncs) {
    this.#sessions = sessions;
    this.#syncs = syncs;
  }

  /** `modal.syncNow`: sends what changed, starting a sandbox if need be. */
  push(): Promise<void> {
    return this.#do('Syncing to the sandbox', async ({ folder, engine, signal, report }) => {
      const { sandbox, isNew, isBilled } = await untilAborted(this.#sessions.acquire(folder), signal);
      const result = await engine.push(sandbox, {
        signal,
        fresh: isNew,
        ask: (question) => (!isBilled && question.kind === 'first-sync') || askInDialog(question),
        onProgress: (progress) => report(progressLine(progress)),
      });
      return syncReport(result).join(' ');
    });
  }

  /** `modal.pullChanges`: shows what programs changed in the sandbox and brings back what is picked. */
  pullChanges(): Promise<void> {
    return this.#do('Looking for changes in the sandbox', async (work) => {
      const sandbox = await this.#running(work.folder);
      const { modified, created, deleted } = await work.engine.remoteChanges(sandbox, work);
      const also = deleted.length > 0 ? ` ${deleted.length} synced files were deleted there; they stay here.` : '';
      if (modified.length + created.length === 0)
        return `Nothing to pull: no program has changed or made files.${also}`;
      const paths = await reviewChanges({ modified, created }, work.folder, sandbox.sandboxId);
      return paths && paths.length > 0 ? this.#pull(sandbox, work, { paths }) : undefined;
    });
  }

  /** `modal.pull`: brings back files by their paths or patterns. */
  async pull(patterns?: readonly string[]): Promise<void> {
    const asked =
      patterns ??
      (
        await vscode.window.showInputBox({
          title: 'Modal: Pull Files from Sandbox',
          prompt: 'Paths or patterns as in .gitignore, such as “results/*.csv”, separated by commas',
          ignoreFocusOut: true,
        })
      )
        ?.split(',')
        .map((pattern) => pattern.trim())
        .filter(Boolean);
    if (!asked || asked.length === 0) return;
    await this.#do('Pulling from the sandbox', async (work) =>
      this.#pull(await this.#running(work.folder), work, { patterns: asked }),
    );
  }

  /** `modal.mirror`: makes the sandbox's folder exactly equal, deleting what only it has, after a look at the list. */
  mirror(): Promise<void> {
    return this.#do('Comparing with the sandbox', async ({ folder, engine, signal }) => {
      const sandbox = await this.#running(folder);
      const extras = await engine.mirrorPreview(sandbox, { signal });
      const result = await engine.mirror(sandbox, extras, { signal, ask: askInDialog });
      return extras.length === 0
        ? `The sandbox has nothing that this folder has not. ${syncReport(result)[0]}.`
        : `Mirrored exactly: ${syncReport(result)[0]}.`;
    });
  }

  async #pull(
    sandbox: Sandbox,
    { folder, engine, signal, report }: Work,
    what: { paths?: readonly string[]; patterns?: readonly string[] },
  ): Promise<string> {
    const result = await engine.pull(sandbox, {
      ...what,
      dirty: unsavedPaths(folder),
      signal,
      ask: askInDialog,
      onProgress: (progress) => report(progressLine(progress)),
    });
    for (const { path, copy } of result.conflicts.slice(0, 3)) {
      const [here, there] = [path, copy].map((each) => vscode.Uri.file(join(folder.path, each)));
      await vscode.commands.executeCommand('vscode.diff', here, there, `${path} (here ↔ sandbox)`);
    }
    return pullReport(result);
  }

  async #running(folder: Folder): Promise<Sandbox> {
    const sandbox = await this.#sessions.started.lastOf(folder);
    if (!sandbox) throw new UserError(`No sandbox serves “${folder.name}”. Run something in it first.`);
    return sandbox;
  }

  async #do(title: string, action: (work: Work) => Promise<string | undefined>): Promise<void> {
    const cancel = new AbortController();
    try {
      const folder = await chooseFolder();
      const engine = this.#syncs.of(folder);
      const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
      const said = await vscode.window.withProgress(options, (progress, token) => {
        token.onCancellationRequested(() => cancel.abort());
        return action({ folder, engine, signal: cancel.signal, report: (message) => progress.report({ message }) });
      });
      if (said) void vscode.window.showInformationMessage(said);
    } catch (error) {
      if (!cancel.signal.aborted) void vscode.window.showErrorMessage(explainAndLog(error));
    }
  }
}
