import * as vscode from 'vscode';
import { UserError } from '../../../base/errors.ts';
import { DEFAULT_PROFILE } from '../../../profiles/schema.ts';
import { CANCELED, type RunResult } from '../../../run/result.ts';
import { type Interpreter, interpreterOf } from '../../../run/selection/interpreters.ts';
import type { Sessions } from '../../../sandboxes/sessions.ts';
import { diskFolders } from '../../common/folders.ts';
import { reportAccountProblem, reportError } from '../../common/report.ts';
import { readSettings } from '../../common/settings.ts';
import { strings as commonStrings } from '../../common/strings.ts';
import { window } from '../../common/window.ts';
import type { RunAccount } from '../run-commands.ts';
import type { RunRequests } from '../run-requests.ts';
import type { RunTerminals } from '../run-terminals.ts';
import { strings } from '../strings.ts';
import { selectedCode } from './selected-code.ts';
import type { SelectionStart, SelectionTerminal } from './selection-terminal.ts';

export interface SelectionServices {
  readonly terminals: RunTerminals;
  readonly requests: RunRequests;
  readonly sessions: Sessions;
  readonly account: RunAccount;
}

/** A terminal, and how its process is started. */
interface InteractiveSession {
  readonly terminal: vscode.Terminal;
  readonly pty: SelectionTerminal;
  readonly process: SelectionStart;
}

/** The commands that run selections in persistent processes: one for each folder, profile, and interpreter. */
export class SelectionCommands {
  readonly #services: SelectionServices;
  readonly #interactive = new Map<string, InteractiveSession>();

  constructor(services: SelectionServices) {
    this.#services = services;
  }

  /**
   * `modal.runSelection`: runs the selection in the active editor, or the statement at its cursor, and moves the cursor to
   * the next statement. Resolves with the exit code of the code: 0, or another one after an error.
   */
  async run(): Promise<RunResult> {
    try {
      const editor = activeEditor();
      const selected = selectedCode(editor);
      if (!selected) return CANCELED;
      const { languageId } = editor.document;
      const found = await this.#find(editor.document);
      if (!found) return { outcome: 'failed', error: commonStrings.notSignedIn() };
      if (selected.next) moveTo(editor, selected.next);
      const { session, file } = found;
      session.terminal.show(!readSettings().terminal.focus);
      const { code, line } = selected;
      const result = await session.pty.run({ code, line, file, languageId }, session.process);
      return reportAccountProblem(result);
    } catch (error) {
      return reportError(error);
    }
  }

  /** `modal.restartSelectionProcess`: stops the process of the active editor's language and starts a new one. */
  async restart(): Promise<void> {
    try {
      const found = await this.#find(activeEditor().document);
      if (!found) return;
      found.session.terminal.show(true);
      await found.session.pty.restart(found.session.process);
    } catch (error) {
      reportError(error);
    }
  }

  /** Finds or creates the interactive session of a document; undefined if no account is chosen. */
  async #find(document: vscode.TextDocument): Promise<{ session: InteractiveSession; file: string } | undefined> {
    const { requests, account, sessions } = this.#services;
    const interpreter = interpreterOf(document.languageId);
    if (!interpreter) throw new UserError(strings.selectionNotSupported(document.languageId));
    const { request, file } = await requests.forSelection(document, interpreter);
    if (!(await account.ensureChosen())) return undefined;
    const { name, profile } = await sessions.profile(request.folder);
    const key = JSON.stringify([request.folder.path, name, interpreter.name]);
    const process = { request: { ...request, profile: name }, idleTimeoutMs: profile.idleTimeoutMs };
    const opened = this.#interactive.get(key) ?? this.#open(key, interpreter, request.folder.name, name);
    const session = { ...opened, process };
    this.#interactive.set(key, session);
    return { session, file };
  }

  #open(
    key: string,
    interpreter: Interpreter,
    folder: string,
    profile: string,
  ): Pick<InteractiveSession, 'terminal' | 'pty'> {
    const pty = this.#services.terminals.createForSelections(interpreter, () => this.#interactive.delete(key));
    const details = [...(diskFolders().length > 1 ? [folder] : []), ...(profile === DEFAULT_PROFILE ? [] : [profile])];
    const name =
      details.length > 0
        ? strings.selectionTerminalOf(interpreter.name, details.join(', '))
        : strings.selectionTerminal(interpreter.name);
    return { pty, terminal: window.createTerminal({ name, pty, iconPath: new vscode.ThemeIcon('vm') }) };
  }
}

function activeEditor(): vscode.TextEditor {
  const editor = vscode.window.activeTextEditor;
  if (!editor) throw new UserError(strings.noFileToSelectIn());
  return editor;
}

function moveTo(editor: vscode.TextEditor, position: vscode.Position): void {
  editor.selection = new vscode.Selection(position, position);
  editor.revealRange(editor.selection, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}
