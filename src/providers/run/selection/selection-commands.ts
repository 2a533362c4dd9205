import * as vscode from 'vscode';
import { UserError } from '../../../base/errors.ts';
import { DEFAULT_PROFILE } from '../../../profiles/schema.ts';
import { CANCELED, type RunResult } from '../../../run/result.ts';
import { type Interpreter, interpreterOf } from '../../../run/selection/interpreters.ts';
import type { Sessions } from '../../../sandboxes/sessions.ts';
import type { AccountService } from '../../account/account-service.ts';
import { diskFolders } from '../../common/folders.ts';
import { reportAccountProblem, reportError } from '../../common/report.ts';
import { readSettings } from '../../common/settings.ts';
import { strings } from '../../common/strings.ts';
import type { RunRequests } from '../run-requests.ts';
import type { RunTerminals } from '../run-terminals.ts';
import { selectedCode } from './selected-code.ts';
import type { SelectionStart, SelectionTerminal } from './selection-terminal.ts';

/** What the commands of selections work with. */
export interface SelectionServices {
  readonly terminals: RunTerminals;
  readonly requests: RunRequests;
  readonly sessions: Sessions;
  readonly accounts: AccountService;
}

/** A terminal with what starts its process. */
interface Kept {
  readonly terminal: vscode.Terminal;
  readonly pty: SelectionTerminal;
  readonly process: SelectionStart;
}

/** The commands that run pieces of files in kept processes: one for each folder, profile and interpreter. */
export class SelectionCommands {
  readonly #services: SelectionServices;
  readonly #kept = new Map<string, Kept>();

  constructor(services: SelectionServices) {
    this.#services = services;
  }

  /**
   * `modal.runSelection`: runs what is selected in the active editor, or what its cursor is on, and moves the cursor on.
   * Resolves with the exit code of the code: 0, or another one after an error.
   */
  async run(): Promise<RunResult> {
    try {
      const editor = activeEditor();
      const selected = selectedCode(editor);
      if (!selected) return CANCELED;
      const { languageId } = editor.document;
      const found = await this.#find(editor.document);
      if (!found) return { outcome: 'failed', error: strings.notSignedIn() };
      if (selected.next) moveTo(editor, selected.next);
      const { kept, file } = found;
      kept.terminal.show(!readSettings().terminal.focus);
      const { code, line } = selected;
      const result = await kept.pty.run({ code, line, file, languageId }, kept.process);
      return reportAccountProblem(result);
    } catch (error) {
      return reportError(error);
    }
  }

  /** `modal.restartSelectionProcess`: ends the kept process of the active editor's language and starts another. */
  async restart(): Promise<void> {
    try {
      const found = await this.#find(activeEditor().document);
      if (!found) return;
      found.kept.terminal.show(true);
      await found.kept.pty.restart(found.kept.process);
    } catch (error) {
      reportError(error);
    }
  }

  /** The kept process of a document, made where there is none; undefined when the user chose no account. */
  async #find(document: vscode.TextDocument): Promise<{ kept: Kept; file: string } | undefined> {
    const { requests, accounts, sessions } = this.#services;
    const interpreter = interpreterOf(document.languageId);
    if (!interpreter) {
      throw new UserError(
        `Selections of Python, JavaScript, TypeScript and shell files can be run, not of “${document.languageId}”. Run the whole file instead.`,
      );
    }
    const { request, file } = await requests.forSelection(document, interpreter);
    if (!accounts.isChosen && !(await accounts.offer())) return undefined;
    const { name, profile } = await sessions.profile(request.folder);
    const key = JSON.stringify([request.folder.path, name, interpreter.name]);
    const process = { request: { ...request, profile: name }, idleTimeoutMs: profile.idleTimeoutMs };
    const kept = { ...(this.#kept.get(key) ?? this.#open(key, interpreter, request.folder.name, name)), process };
    this.#kept.set(key, kept);
    return { kept, file };
  }

  #open(key: string, interpreter: Interpreter, folder: string, profile: string): Pick<Kept, 'terminal' | 'pty'> {
    const pty = this.#services.terminals.createForSelections(interpreter, () => this.#kept.delete(key));
    const details = [...(diskFolders().length > 1 ? [folder] : []), ...(profile === DEFAULT_PROFILE ? [] : [profile])];
    const name = `Modal ${interpreter.name}${details.length > 0 ? ` (${details.join(', ')})` : ''}`;
    return { pty, terminal: vscode.window.createTerminal({ name, pty, iconPath: new vscode.ThemeIcon('vm') }) };
  }
}

function activeEditor(): vscode.TextEditor {
  const editor = vscode.window.activeTextEditor;
  if (!editor) throw new UserError('No file is open in the editor. Open one and select code in it, then run again.');
  return editor;
}

function moveTo(editor: vscode.TextEditor, position: vscode.Position): void {
  editor.selection = new vscode.Selection(position, position);
  editor.revealRange(editor.selection, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}
