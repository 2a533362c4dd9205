import type { Sandbox } from 'modal';
import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { cleanLine, visibleName } from '../../base/text.ts';
import { listSandboxes, type SandboxSummary, sandboxLabel } from '../../modal/sandbox-list.ts';
import { Tag } from '../../modal/sandboxes.ts';
import { BUILT_IN_PROFILE } from '../../profiles/profiles.ts';
import { waiting, withProgress } from '../../providers/common/progress.ts';
import { shown } from '../../providers/common/report.ts';
import { showDiff, window } from '../../providers/common/window.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { changesBetween, type FileChange, fileStates } from '../../snapshots/compare.ts';
import { requireReady, type Snapshot, type Snapshots } from '../../snapshots/snapshots.ts';
import { strings } from './strings.ts';

const SCHEME = 'modal-saved';
/** The maximum number of files that a list shows. */
const MAX_ROWS = 5_000;
const MAX_TEXT_BYTES = 5 * 1024 * 1024;

/** Something to compare: a snapshot, or a running sandbox. */
interface Side {
  readonly name: string;
  /** Orders the two. */
  readonly at: number;
  readonly snapshot?: Snapshot;
  readonly running?: SandboxSummary;
}

interface OpenSide extends Side {
  readonly sandbox: Sandbox;
}

/** Compares the files of two snapshots, or of a snapshot and a running sandbox. */
export class CompareCommands implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #sessions: Sessions;
  readonly #snapshots: Snapshots;
  readonly #texts = new Map<string, string>();
  readonly #disposables: readonly vscode.Disposable[];

  constructor(sessions: Sessions, snapshots: Snapshots) {
    this.#sessions = sessions;
    this.#snapshots = snapshots;
    this.#disposables = [
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        this.#texts.delete(uri.path);
      }),
    ];
  }

  dispose(): void {
    for (const each of this.#disposables) each.dispose();
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#texts.get(uri.path) ?? '';
  }

  /** `modal.compareSnapshots`: lists the files that differ between two snapshots, or one and what the user selects. */
  compare(chosen: readonly Snapshot[]): Promise<void> {
    return shown(async () => {
      const [first, second, third] = chosen;
      if (!first || third) throw new UserError(strings.selectTwo());
      const other = second ? sideOf(second) : await this.#pickOther(first);
      if (!other) return;
      for (const { snapshot } of [sideOf(first), other]) if (snapshot) requireReady(snapshot);
      const sides = [sideOf(first), other].sort((a, b) => a.at - b.at);
      const started: Sandbox[] = [];
      try {
        const { before, after, changes } = await withProgress(strings.comparing(), async (signal) => {
          const [one, two] = await Promise.all(sides.map((side) => this.#open(side, started, signal)));
          if (!one || !two) throw new UserError(strings.selectTwo());
          const [left, right] = await Promise.all([fileStates(one.sandbox, signal), fileStates(two.sandbox, signal)]);
          return { before: one, after: two, changes: changesBetween(left, right) };
        });
        await this.#review(before, after, changes);
      } finally {
        await Promise.all(started.map((sandbox) => this.#sessions.letGo(sandbox)));
      }
    });
  }

  async #pickOther(first: Snapshot): Promise<Side | undefined> {
    const { client, app } = await this.#sessions.connection();
    const [running, snapshots] = await waiting(strings.checking(), () =>
      Promise.all([listSandboxes(client, app, new Date()), this.#snapshots.list()]),
    );
    const sides: Side[] = [
      ...running
        .filter(({ state }) => state === 'running')
        .map((each) => ({ name: sandboxLabel(each), at: Number.POSITIVE_INFINITY, running: each })),
      ...snapshots
        .filter(({ id, kind, state }) => id !== first.id && kind !== 'directory' && state === 'ready')
        .map(sideOf),
    ];
    const items = sides.map((side) => ({
      side,
      label: side.name,
      description: side.running
        ? [strings.running(), side.running.tags[Tag.profile]].filter(Boolean).join(' · ')
        : new Date(side.at).toLocaleString(),
    }));
    const placeHolder = strings.compareWith(first.name);
    return (await window.showQuickPick(items, { title: strings.compareTitle(), placeHolder }))?.side;
  }

  /** Starts a small sandbox for a snapshot, without the folder's profile, volumes, and secrets. */
  async #open(side: Side, started: Sandbox[], signal: AbortSignal): Promise<OpenSide> {
    const { snapshot, running, name } = side;
    if (!snapshot) return { ...side, sandbox: await this.#sessions.find(running?.id ?? '') };
    const tags = { [Tag.label]: strings.comparedSandbox(name) };
    const sandbox = await this.#sessions.create(BUILT_IN_PROFILE, {
      tags,
      signal,
      snapshot: { imageId: snapshot.imageId },
    });
    started.push(sandbox);
    return { ...side, sandbox };
  }

  /** Lists the changed files, and opens the diffs of those that the user selects, until the list is closed. */
  async #review(before: OpenSide, after: OpenSide, changes: readonly FileChange[]): Promise<void> {
    if (changes.length === 0) {
      void window.showInformationMessage(strings.sameFiles(before.name, after.name));
      return;
    }
    const icons = { added: 'diff-added', changed: 'diff-modified', deleted: 'diff-removed' } as const;
    const pick = window.createQuickPick<vscode.QuickPickItem & { readonly change: FileChange }>();
    pick.title = strings.changedFiles(changes.length, before.name, after.name);
    pick.placeholder = strings.changedFilesPlaceholder();
    pick.ignoreFocusOut = true;
    pick.items = changes.slice(0, MAX_ROWS).map((change) => ({
      change,
      label: visibleName(change.path),
      description: strings[change.kind](),
      iconPath: new vscode.ThemeIcon(icons[change.kind]),
    }));
    await new Promise<void>((resolve) => {
      pick.onDidAccept(() => {
        for (const { change } of pick.selectedItems) void shown(() => this.#show(before, after, change));
      });
      pick.onDidHide(() => {
        pick.dispose();
        resolve();
      });
      pick.show();
    });
  }

  async #show(before: OpenSide, after: OpenSide, { path, kind }: FileChange): Promise<void> {
    const [left, right] = await Promise.all([
      kind === 'added' ? '' : textOf(before.sandbox, path),
      kind === 'deleted' ? '' : textOf(after.sandbox, path),
    ]);
    const title = strings.diffTitle(visibleName(path), before.name, after.name);
    const uris = [this.#uriOf(before, path, left), this.#uriOf(after, path, right)] as const;
    await showDiff(...uris, title, { preview: true, preserveFocus: true });
  }

  #uriOf({ name, at, running }: Side, path: string, text: string): vscode.Uri {
    const side = `${running?.id ?? at} ${cleanLine(name, 100).replaceAll(/[/\\]/g, ' ')}`;
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${side}/${path}` });
    this.#texts.set(uri.path, text);
    return uri;
  }
}

function sideOf(snapshot: Snapshot): Side {
  return { name: snapshot.name, at: snapshot.createdAt, snapshot };
}

async function textOf(sandbox: Sandbox, path: string): Promise<string> {
  const { size, symlinkTarget } = await sandbox.filesystem.stat(`/${path}`);
  if (symlinkTarget) return symlinkTarget;
  if (size > MAX_TEXT_BYTES) return strings.tooLargeToCompare();
  const bytes = await sandbox.filesystem.readBytes(`/${path}`);
  return bytes.includes(0) ? strings.binaryFile(bytes.length) : Buffer.from(bytes).toString();
}
