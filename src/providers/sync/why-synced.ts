import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { explainAndLog } from '../../modal/errors.ts';
import type { SyncRules } from './sync-rules.ts';

/** `modal.whySynced`: for the given file, or the one in the active editor. Resolves with the sentence that was shown. */
export async function whySynced(rules: SyncRules, uri?: vscode.Uri): Promise<string> {
  try {
    const target = uri ?? vscode.window.activeTextEditor?.document.uri;
    if (!target) throw new UserError('No file is open in the editor. Open one, or ask from the explorer.');
    return await rules.explain(target);
  } catch (error) {
    const sentence = explainAndLog(error);
    void vscode.window.showErrorMessage(sentence);
    return sentence;
  }
}
