import type * as vscode from 'vscode';
import { cleanLine } from '../../base/text.ts';
import { onServerWarning } from '../../modal/client.ts';
import { window } from '../common/window.ts';
import { strings } from './strings.ts';

const SHOWN_KEY = 'serverWarnings';
/** The number of shown warnings that are remembered. */
const MAX_SHOWN = 50;

/** Shows each new warning of Modal's servers once. `memory` is shared by all windows. The log has all of them. */
export function showServerWarnings(memory: vscode.Memento): vscode.Disposable {
  return onServerWarning((warning) => {
    const text = cleanLine(warning);
    const shown = memory.get<readonly string[]>(SHOWN_KEY, []);
    if (shown.includes(text)) return;
    void memory.update(SHOWN_KEY, [...shown, text].slice(-MAX_SHOWN));
    void window.showInformationMessage(strings.serverWarning(text));
  });
}
