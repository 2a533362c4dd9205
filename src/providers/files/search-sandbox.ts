import { posix } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { explainAndLog } from '../../modal/errors.ts';
import type { SandboxSummary } from '../../modal/sandbox-list.ts';
import { type SearchHit, searchSandbox } from '../../modal/sandbox-search.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { REMOTE_ROOT } from '../../sync/options.ts';
import { chooseFolder } from '../common/folders.ts';
import { shown } from '../common/progress.ts';
import { SANDBOX_SCHEME } from '../common/schemes.ts';
import { rootOf } from './remote-file-commands.ts';
import type { RemotePlace } from './remote-file-system.ts';
import type { RemoteFileSystems } from './remote-file-systems.ts';

/** More lines than these help nobody. */
const MOST_HITS = 500;
/** A search begins once nothing was typed for so long. */
const QUIET_MS = 300;
/** Of a line, what the list shows. */
const MOST_LABEL_CHARS = 200;

interface HitItem extends vscode.QuickPickItem {
  readonly hit?: SearchHit;
}

/** Search in the files of a sandbox, which VS Code's own search does not reach: its API for that is not open to extensions. */
export class SandboxSearch {
  readonly #sessions: Sessions;
  readonly #systems: RemoteFileSystems;

  constructor(sessions: Sessions, systems: RemoteFileSystems) {
    this.#sessions = sessions;
    this.#systems = systems;
  }

  /** `modal.searchInSandbox`: a list of lines that grows while it is searched; a press opens the file there. */
  show(target?: vscode.Uri | SandboxSummary): Promise<void> {
    return shown(async () => {
      const place = await this.#place(target);
      if (place) this.#pick(place);
    });
  }

  /** A folder of a sandbox: the one that is named, that of the active file, or the workspace of the folder's sandbox. */
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
    if (!sandbox)
      throw new UserError(`The folder “${folder.name}” has no sandbox in this window. Run something first.`);
    return { container: sandbox.sandboxId, path: REMOTE_ROOT };
  }

  #pick(place: RemotePlace): void {
    const pick = vscode.window.createQuickPick<HitItem>();
    pick.title = `Search in Sandbox: ${place.path}`;
    pick.keepScrollPosition = true;
    pick.placeholder = 'Text to look for; capital letters count when there are any';
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

  /** Shows what is found as it comes. Resolves with what there is to say at the end. */
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
      const { isComplete } = await searchSandbox(sandbox, place.path, text, { signal, maxHits: MOST_HITS, onHits });
      if (items.length === 0) return isComplete ? 'Nothing found' : 'Nothing found in what could be searched';
      return isComplete ? undefined : `There is more than these ${items.length.toLocaleString('en-US')} lines`;
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
  const label = hit.text.trim().slice(0, MOST_LABEL_CHARS);
  const path = posix.relative(place.path, hit.path).replaceAll('\n', '␊');
  // Not an icon, whatever the line says; and none is left out by the list's own search.
  return { label: label.replaceAll('$(', '\\$('), description: `${path}:${hit.line}`, alwaysShow: true, hit };
}
