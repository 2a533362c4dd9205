import { isAbsolute } from 'node:path';
import * as vscode from 'vscode';
import { DeclinedError, UserError } from '../../base/errors.ts';
import { visibleName } from '../../base/text.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import type { FolderSyncs } from '../../sandboxes/folder-syncs.ts';
import { canInclude, decidingRule, reasonOf } from '../../sync/rules/reason.ts';
import type { Explanation } from '../../sync/rules/rule.ts';
import { diskFolderOf, type Place, placeOf } from '../common/folders.ts';
import { showError } from '../common/report.ts';
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
      const explanation = await this.#ruleOf(place);
      const rule = decidingRule(explanation);
      const name = visibleName(place.path || place.name);
      const describe = rule.included ? strings.synced : strings.notSynced;
      const reason = reasonOf(rule, place.folder.path, place.path);
      const message =
        rule === explanation
          ? describe(name, reason)
          : strings.syncedLink(name, visibleName(rule.target ?? rule.path), reason);
      const buttons = [
        ...(canInclude(rule) ? [strings.include()] : []),
        ...(ruleFile(rule) ? [strings.showRule()] : []),
      ];
      void window.showInformationMessage(message, ...buttons).then((pressed) => this.#act(pressed, rule, place));
      return message;
    } catch (error) {
      return showError(error);
    }
  }

  /** Throws `UserError` for a file that isn't synced, unless the user includes it. */
  async requireSynced(uri: vscode.Uri): Promise<void> {
    const place = placeOf(uri);
    const rule = decidingRule(await this.#ruleOf(place));
    if (rule.included) return;
    if (rule.kind === 'unreadable') throw new UserError(rule.text);
    const reason = reasonOf(rule, place.folder.path, place.path);
    const name = visibleName(place.path);
    if (!canInclude(rule)) throw new UserError(strings.requiredNeverSynced(name, reason));
    const include = strings.include();
    const pressed = await window.showWarningMessage(strings.requiredNotSynced(name, reason), include);
    if (pressed !== include) throw new DeclinedError(strings.requiredNotIncluded(name, reason));
    await this.#include(rule, place);
  }

  /** Throws `UserError` for a file whose content is never sent in any way. */
  async requireNoCredential(uri: vscode.Uri): Promise<void> {
    const place = placeOf(uri);
    const found = await this.#ruleOf(place);
    const rule = found.leadsTo ?? found;
    if (rule.included || rule.kind !== 'credential') return;
    throw new UserError(
      strings.credentialNotSent(visibleName(place.path), reasonOf(rule, place.folder.path, place.path)),
    );
  }

  /** Returns the rule that keeps a file out of sandboxes, as a fragment; undefined if it's synced, or not in a folder. */
  async whyNotSynced(uri: vscode.Uri): Promise<string | undefined> {
    if (!diskFolderOf(uri)) return undefined;
    const place = placeOf(uri);
    const rule = decidingRule(await this.#ruleOf(place));
    return rule.included ? undefined : reasonOf(rule, place.folder.path, place.path);
  }

  async #ruleOf({ folder, path }: Place): Promise<Explanation> {
    const [rule] = await this.#syncs.of(folder).explain([path]);
    if (!rule) throw new UserError(strings.noSyncStatus(path));
    return rule;
  }

  /** Includes a file for the user, who thereby allows sending it even if it looks like a credential. */
  async #include(rule: Explanation, place: Place): Promise<void> {
    const path = rule.target ?? place.path;
    if (rule.kind === 'credential') await this.#permissions.allowCredential(place.folder, path);
    await includeFile({ ...place, path });
  }

  async #act(pressed: string | undefined, rule: Explanation, place: Place): Promise<void> {
    const file = ruleFile(rule);
    if (pressed === strings.include()) await this.#include(rule, place);
    if (pressed !== strings.showRule() || !file) return;
    const line = Math.max(rule.line - 1, 0);
    await vscode.window.showTextDocument(vscode.Uri.file(file), { selection: new vscode.Range(line, 0, line, 0) });
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
