import { join } from 'node:path';
import type { Sandbox } from 'modal';
import * as vscode from 'vscode';
import { untilAborted } from '../../base/cancellation.ts';
import { UserError } from '../../base/errors.ts';
import { progressLine, pullReport, syncReport } from '../../run/sync-report.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { FolderSyncs } from '../../sandboxes/folder-syncs.ts';
import { billing } from '../../sandboxes/session.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import type { SyncEngine } from '../../sync/engine.ts';
import { chooseFolder, unsavedPaths } from '../common/folders.ts';
import { withProgress } from '../common/progress.ts';
import { shown } from '../common/report.ts';
import { showDiff, window } from '../common/window.ts';
import { reviewChanges } from './pull-review.ts';
import { strings } from './strings.ts';
import { askInDialog } from './sync-questions.ts';

/** The subject of a command, with its progress and cancellation. */
interface Work {
  readonly folder: Folder;
  readonly engine: SyncEngine;
  readonly signal: AbortSignal;
  report(message: string): void;
}

/** The sync commands. Each shows cancelable progress and then a summary. */
export class SyncCommands {
  readonly #sessions: Sessions;
  readonly #syncs: FolderSyncs;

  constructor(sessions: Sessions, syncs: FolderSyncs) {
    this.#sessions = sessions;
    this.#syncs = syncs;
  }

  /** `modal.syncNow`: sends the changes, starting a sandbox if necessary. */
  push(): Promise<void> {
    return this.#do(strings.syncing(), async ({ folder, engine, signal, report }) => {
      const session = await untilAborted(this.#sessions.acquire(folder, undefined, signal), signal);
      const result = await engine.push(session.sandbox, {
        signal,
        fresh: session.isNew,
        ask: askInDialog,
        consent: this.#syncs.consent(folder, session),
        onProgress: (progress) => report(progressLine(progress)),
      });
      return syncReport(result).join(' ');
    });
  }

  /** `modal.pullChanges`: lists what programs changed in the sandbox and pulls what the user selects. */
  pullChanges(): Promise<void> {
    return this.#do(strings.checking(), async (work) => {
      const sandbox = await this.#running(work.folder);
      const { modified, created, deleted } = await work.engine.remoteChanges(sandbox, work);
      if (modified.length + created.length === 0)
        return deleted.length > 0 ? strings.nothingToPullButDeleted(deleted.length) : strings.nothingToPull();
      const paths = await reviewChanges({ modified, created }, work.folder, sandbox.sandboxId);
      return paths && paths.length > 0 ? this.#pull(sandbox, work, { paths }) : undefined;
    });
  }

  /** `modal.pull`: pulls files by paths or patterns. */
  async pull(patterns?: readonly string[]): Promise<void> {
    const wanted = patterns ?? (await askPatterns());
    if (!wanted || wanted.length === 0) return;
    await this.#do(strings.pulling(), async (work) =>
      this.#pull(await this.#running(work.folder), work, { patterns: wanted }),
    );
  }

  /** `modal.mirror`: makes the sandbox's folder identical. Files that exist only there are deleted after confirmation. */
  mirror(): Promise<void> {
    return this.#do(strings.comparing(), async ({ folder, engine, signal }) => {
      const sandbox = await this.#running(folder);
      const consent = this.#syncs.consent(folder, billing(await this.#sessions.connection()));
      const extras = await engine.mirrorPreview(sandbox, { signal });
      const [summary = ''] = syncReport(await engine.mirror(sandbox, extras, { signal, ask: askInDialog, consent }));
      return extras.length === 0 ? strings.noExtraFiles(summary) : strings.mirrored(summary);
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
      const uriOf = (each: string) => vscode.Uri.file(join(folder.path, each));
      await showDiff(uriOf(path), uriOf(copy), strings.diffTitle(path));
    }
    return pullReport(result);
  }

  async #running(folder: Folder): Promise<Sandbox> {
    const sandbox = await this.#sessions.lastSandboxOf(folder);
    if (!sandbox) throw new UserError(strings.noSandbox(folder.name));
    return sandbox;
  }

  async #do(title: string, action: (work: Work) => Promise<string | undefined>): Promise<void> {
    await shown(async () => {
      const folder = await chooseFolder();
      const engine = this.#syncs.of(folder);
      const summary = await withProgress(title, (signal, report) =>
        action({ folder, engine, signal, report: (message) => report({ message }) }),
      );
      if (summary) void window.showInformationMessage(summary);
    });
  }
}

async function askPatterns(): Promise<string[] | undefined> {
  const text = await window.showInputBox({
    title: strings.pullTitle(),
    prompt: strings.pullPrompt(),
    ignoreFocusOut: true,
  });
  return text
    ?.split(',')
    .map((pattern) => pattern.trim())
    .filter(Boolean);
}
