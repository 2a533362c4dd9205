import { isAbsolute, relative } from 'node:path';
import * as vscode from 'vscode';
import { DeclinedError, UserError } from '../../base/errors.ts';
import type { FolderSyncs } from '../../sandboxes/folder-syncs.ts';
import type { Explanation } from '../../sync/rules/rules.ts';
import { type Place, placeOf } from '../common/folders.ts';
import { readSettings } from '../common/settings.ts';

const INCLUDE = 'Include It';
const SHOW_RULE = 'Show Rule';

/** Tells people which rule decides about a file, and lets them overrule it. */
export class SyncRules {
  readonly #syncs: FolderSyncs;

  constructor(syncs: FolderSyncs) {
    this.#syncs = syncs;
  }

  /** `modal.whySynced`: says why a file is synced or not, with the rule's place. Resolves with what was said. */
  async explain(uri: vscode.Uri): Promise<string> {
    const place = placeOf(uri);
    const rule = await this.#ruleOf(place);
    const sentence = `“${place.path || place.name}” is ${rule.included ? 'synced' : 'not synced'}: ${reasonOf(rule, place)}.`;
    const buttons = [...(rule.included ? [] : [INCLUDE]), ...(ruleFile(rule) ? [SHOW_RULE] : [])];
    void vscode.window.showInformationMessage(sentence, ...buttons).then((pressed) => this.#act(pressed, rule, place));
    return sentence;
  }

  /** Throws `UserError` for a file that is not synced, unless the user includes it now. */
  async requireSynced(uri: vscode.Uri): Promise<void> {
    const place = placeOf(uri);
    const rule = await this.#ruleOf(place);
    if (rule.included) return;
    const sentence = `“${place.path}” is not synced: ${reasonOf(rule, place)}. The sandbox would not have it.`;
    if ((await vscode.window.showWarningMessage(sentence, INCLUDE)) !== INCLUDE) {
      throw new DeclinedError(`${sentence} Include it in the setting modal.sync.include, then run again.`);
    }
    await include(place);
  }

  /** Throws `UserError` for a file whose content is never sent, however it would be. */
  async requireNoCredential(uri: vscode.Uri): Promise<void> {
    const place = placeOf(uri);
    const rule = await this.#ruleOf(place);
    if (rule.included || rule.kind !== 'credential') return;
    throw new UserError(
      `Nothing of “${place.path}” is sent: ${reasonOf(rule, place)}. Name it in the setting modal.sync.include if it is none.`,
    );
  }

  async #ruleOf({ folder, path }: Place): Promise<Explanation> {
    const [rule] = await this.#syncs.of(folder).explain([path]);
    if (!rule) throw new UserError(`Nothing is known about “${path}”. Save the file, then ask again.`);
    return rule;
  }

  async #act(pressed: string | undefined, rule: Explanation, place: Place): Promise<void> {
    const file = ruleFile(rule);
    if (pressed === INCLUDE) await include(place);
    if (pressed !== SHOW_RULE || !file) return;
    const line = Math.max(rule.line - 1, 0);
    await vscode.window.showTextDocument(vscode.Uri.file(file), { selection: new vscode.Range(line, 0, line, 0) });
  }
}

/** The words after “synced:”. */
export function reasonOf(rule: Explanation, { folder, path }: Pick<Place, 'folder' | 'path'>): string {
  const what = rule.path !== path && rule.path !== '' ? ` (it decides about “${rule.path}”)` : '';
  if (rule.source === '') return `${builtInReason(rule)}${what}`;
  const inside = relative(folder.path, rule.source);
  const source = isAbsolute(rule.source) && !inside.startsWith('..') ? inside : rule.source;
  const place = rule.line > 0 ? `line ${rule.line} of ${source}` : source;
  return `${place} says “${rule.text}”${what}`;
}

function builtInReason({ kind, text }: Explanation): string {
  switch (kind) {
    case 'hard':
      return `“${text}” is never sent`;
    case 'credential':
      return `it looks like a credential (“${text}”)`;
    case 'bulk':
      return `“${text}” is left out unless it is included`;
    default:
      return text;
  }
}

/** The file that a rule stands in; absent for built-in rules and settings. */
function ruleFile(rule: Explanation): string | undefined {
  return rule.line > 0 && isAbsolute(rule.source) ? rule.source : undefined;
}

/** Names the file in the workspace folder's `modal.sync.include`. */
async function include({ path, workspaceFolder }: Place): Promise<void> {
  const { uri } = workspaceFolder;
  // A leading slash means this very file, and the characters of patterns mean themselves.
  const pattern = `/${path.replaceAll(/[\\*?[\]! ]/g, '\\$&')}`;
  const included = [...readSettings(uri).sync.include, pattern];
  const target = vscode.ConfigurationTarget.WorkspaceFolder;
  await vscode.workspace.getConfiguration('modal', uri).update('sync.include', included, target);
}
