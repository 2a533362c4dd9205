import { posix } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { explainAndLog } from '../../modal/explain/explain.ts';
import type { SandboxSummary } from '../../modal/sandbox-list.ts';
import { type SearchHit, searchSandbox } from '../../modal/sandbox-search.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { REMOTE_ROOT } from '../../sync/options.ts';
import { chooseFolder } from '../common/folders.ts';
import { shown } from '../common/report.ts';
import { type RemotePlace, SANDBOX_SCHEME } from '../common/schemes.ts';
import { window } from '../common/window.ts';
import { rootOf } from './remote-file-commands.ts';
import type { RemoteFileSystems } from './remote-file-systems.ts';
import { strings } from './strings.ts';

/** The maximum number of lines to show. */
const MAX_HITS = 500;
/** A search starts after a pause of this length while typing. */
const QUIET_MS = 300;
/** The maximum length of a line in the list. */
const MAX_LABEL_LENGTH = 200;

interface HitItem extends vscode.QuickPickItem {
  readonly hit?: SearchHit;
}

/** Searches the files of a sandbox. VS Code's own search can't, since its API for that isn't available to extensions. */
export class SandboxSearch {
  readonly #sessions: Sessions;
  readonly #systems: RemoteFileSystems;

  constructor(sessions: Sessions, systems: RemoteFileSystems) {
    this.#sessions = sessions;
    this.#systems = systems;
  }

  /** `modal.searchInSandbox`: lists matching lines as they are found. Selecting one opens the file at that line. */
  show(target?: vscode.Uri | SandboxSummary): Promise<void> {
    return shown(async () => {
      const place = await this.#place(target);
      if (place) this.#pick(place);
    });
  }

  /** The folder to search: the given one, the active file's, or the workspace of the local folder's sandbox. */
  async #place(target?: vscode.Uri | SandboxSummary): Promise<RemotePlace> {
    const { sandboxes } = this.#systems;
    if (target && !(target instanceof vscode.Uri))
      return { container: target.id, path: await rootOf(sandboxes.files(target.id)) };
    const uri = target ?? vscode.window.activeTextEditor?.document.uri;
    if (uri?.scheme === SANDBOX_SCHEME) {
      const { container, path } = sandboxes.place(uri);
      const { type } = await sandboxes.files(container).stat(path);
      return { container, path: type === 'directory' ? path : posix.dirname(path) };
    }
    const folder = await chooseFolder(uri);
    const sandbox = await this.#sessions.lastSandboxOf(folder);
    if (!sandbox) throw new UserError(strings.noSandboxForFolder(folder.name));
    return { container: sandbox.sandboxId, path: REMOTE_ROOT };
  }

  #pick(place: RemotePlace): void {
    const pick = window.createQuickPick<HitItem>();
    pick.title = strings.searchTitle(place.path);
    pick.keepScrollPosition = true;
    pick.placeholder = strings.searchPlaceholder();
    let cancel = new AbortController();
    pick.onDidChangeValue(async (text) => {
      cancel.abort();
      cancel = new AbortController();
      const { signal } = cancel;
      pick.items = [];
      pick.busy = text !== '';
      if (text === '') return;
      const last = await this.#search(place, text, signal, (items) => {
        pick.items = items;
      });
      if (signal.aborted) return;
      pick.busy = false;
      if (last) pick.items = [...pick.items, { label: last, alwaysShow: true }];
    });
    pick.onDidAccept(() => {
      const [item] = pick.selectedItems;
      if (item?.hit) void this.#open(place, item.hit, pick.value);
    });
    pick.onDidHide(() => {
      cancel.abort();
      pick.dispose();
    });
    pick.show();
  }

  /** Shows results as they are found. Resolves with a closing remark, if there is one. */
  async #search(
    place: RemotePlace,
    text: string,
    signal: AbortSignal,
    show: (items: readonly HitItem[]) => void,
  ): Promise<string | undefined> {
    try {
      await sleep(QUIET_MS, undefined, { signal });
      const { client } = await this.#sessions.connection();
      const sandbox = await client.sandboxes.fromId(place.container);
      const items: HitItem[] = [];
      const onHits = (hits: readonly SearchHit[]) => {
        items.push(...hits.map((hit) => itemOf(place, hit)));
        show(items);
      };
      const { isComplete } = await searchSandbox(sandbox, place.path, text, { signal, maxHits: MAX_HITS, onHits });
      if (items.length === 0) return isComplete ? strings.noResults() : strings.noResultsInPart();
      return isComplete ? undefined : strings.firstResults(items.length.toLocaleString('en-US'));
    } catch (error) {
      return signal.aborted ? undefined : explainAndLog(error);
    }
  }

  #open(place: RemotePlace, { path, line, text }: SearchHit, searched: string): Promise<void> {
    return shown(async () => {
      const uri = this.#systems.sandboxes.uri({ container: place.container, path });
      const column = Math.max(text.toLowerCase().indexOf(searched.toLowerCase()), 0);
      const selection = new vscode.Range(line - 1, column, line - 1, column + searched.length);
      await vscode.window.showTextDocument(uri, { selection });
    });
  }
}

function itemOf(place: RemotePlace, hit: SearchHit): HitItem {
  const label = hit.text.trim().slice(0, MAX_LABEL_LENGTH);
  const path = posix.relative(place.path, hit.path).replaceAll('\n', '␊');
  // The list itself must not filter the lines.
  return { label, description: `${path}:${hit.line}`, alwaysShow: true, hit };
}
