import { isAbsolute, relative } from 'node:path';
import * as vscode from 'vscode';
import { DeclinedError, UserError } from '../../base/errors.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { FolderSyncs } from '../../sandboxes/folder-syncs.ts';
import type { Explanation } from '../../sync/rules/rules.ts';
import { type Place, placeOf } from '../common/folders.ts';
import { showError } from '../common/progress.ts';
import { readSettings } from '../common/settings.ts';
import { window } from '../common/window.ts';
import { strings } from './strings.ts';

export interface CredentialPermissions {
  /** Remembers that the user allows sending a file that looks like a credential. */
  allowCredential(folder: Folder, path: string): Promise<void>;
}

/** Explains which rule applies to a file, and lets users override it. */
export class SyncRules {
  readonly #syncs: FolderSyncs;
  readonly #permissions: CredentialPermissions;

  constructor(syncs: FolderSyncs, permissions: CredentialPermissions) {
    this.#syncs = syncs;
    this.#permissions = permissions;
  }

  /**
   * `modal.whySynced`: explains why a file, or the one in the active editor, is synced or not, with a way to the rule.
   * Resolves with the message that is shown.
   */
  async explain(uri = vscode.window.activeTextEditor?.document.uri): Promise<string> {
    try {
      if (!uri) throw new UserError(strings.noFileOpen());
      const place = placeOf(uri);
      const rule = await this.#ruleOf(place);
      const message = (rule.included ? strings.synced : strings.notSynced)(
        place.path || place.name,
        reasonOf(rule, place),
      );
      const buttons = [...(rule.included ? [] : [strings.include()]), ...(ruleFile(rule) ? [strings.showRule()] : [])];
      void window.showInformationMessage(message, ...buttons).then((pressed) => this.#act(pressed, rule, place));
      return message;
    } catch (error) {
      return showError(error);
    }
  }

  /** Throws `UserError` for a file that isn't synced, unless the user includes it. */
  async requireSynced(uri: vscode.Uri): Promise<void> {
    const place = placeOf(uri);
    const rule = await this.#ruleOf(place);
    if (rule.included) return;
    const reason = reasonOf(rule, place);
    const include = strings.include();
    const pressed = await window.showWarningMessage(strings.requiredNotSynced(place.path, reason), include);
    if (pressed !== include) throw new DeclinedError(strings.requiredNotIncluded(place.path, reason));
    await this.#include(rule, place);
  }

  /** Throws `UserError` for a file whose content is never sent in any way. */
  async requireNoCredential(uri: vscode.Uri): Promise<void> {
    const place = placeOf(uri);
    const rule = await this.#ruleOf(place);
    if (rule.included || rule.kind !== 'credential') return;
    throw new UserError(strings.credentialNotSent(place.path, reasonOf(rule, place)));
  }

  async #ruleOf({ folder, path }: Place): Promise<Explanation> {
    const [rule] = await this.#syncs.of(folder).explain([path]);
    if (!rule) throw new UserError(strings.noSyncStatus(path));
    return rule;
  }

  /** Includes a file for the user, who thereby allows sending it even if it looks like a credential. */
  async #include(rule: Explanation, place: Place): Promise<void> {
    if (rule.kind === 'credential') await this.#permissions.allowCredential(place.folder, place.path);
    await includeFile(place);
  }

  async #act(pressed: string | undefined, rule: Explanation, place: Place): Promise<void> {
    const file = ruleFile(rule);
    if (pressed === strings.include()) await this.#include(rule, place);
    if (pressed !== strings.showRule() || !file) return;
    const line = Math.max(rule.line - 1, 0);
    await vscode.window.showTextDocument(vscode.Uri.file(file), { selection: new vscode.Range(line, 0, line, 0) });
  }
}

/** Describes the rule that applies to a file, as a fragment without a period. */
export function reasonOf(rule: Explanation, { folder, path }: Pick<Place, 'folder' | 'path'>): string {
  const reason = rule.source === '' ? builtInReason(rule) : sourceReason(rule, folder.path);
  return rule.path === path || rule.path === '' ? reason : strings.appliesTo(reason, rule.path);
}

function sourceReason({ source, line, text }: Explanation, folderPath: string): string {
  const inside = relative(folderPath, source);
  const shown = isAbsolute(source) && !inside.startsWith('..') ? inside : source;
  return line > 0 ? strings.ruleOfLine(line, shown, text) : strings.ruleOfSource(shown, text);
}

function builtInReason({ kind, text }: Explanation): string {
  switch (kind) {
    case 'credential':
      return strings.looksLikeCredential(text);
    case 'bulk':
      return strings.excludedByDefault(text);
    default:
      return text;
  }
}

/** The file that contains a rule; undefined for built-in rules and settings. */
function ruleFile(rule: Explanation): string | undefined {
  return rule.line > 0 && isAbsolute(rule.source) ? rule.source : undefined;
}

/** Adds the file to the workspace folder's `modal.sync.include`. */
async function includeFile({ path, workspaceFolder }: Place): Promise<void> {
  const { uri } = workspaceFolder;
  // The leading slash anchors the pattern to this file; the backslashes make its characters literal.
  const pattern = `/${path.replaceAll(/[\\*?[\]! ]/g, '\\$&')}`;
  const included = [...readSettings(uri).sync.include, pattern];
  const target = vscode.ConfigurationTarget.WorkspaceFolder;
  await vscode.workspace.getConfiguration('modal', uri).update('sync.include', included, target);
}
