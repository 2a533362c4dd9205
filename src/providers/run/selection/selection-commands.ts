import { posix } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../../../base/errors.ts';
import { DEFAULT_PROFILE, IDLE_TIMEOUT_MS } from '../../../profiles/schema.ts';
import { CANCELED, type RunResult } from '../../../run/result.ts';
import { shellOf } from '../../../run/runners.ts';
import { type Interpreter, interpreterOf } from '../../../run/selection/interpreters.ts';
import type { Cell } from '../../../run/targets/target.ts';
import type { Sessions } from '../../../sandboxes/sessions.ts';
import { diskFolders } from '../../common/folders.ts';
import { reportError, reportFailedRun } from '../../common/report.ts';
import { readSettings } from '../../common/settings.ts';
import { strings as commonStrings } from '../../common/strings.ts';
import { window } from '../../common/window.ts';
import { type RunAccount, runInAccount } from '../run-account.ts';
import type { RunRequests } from '../run-requests.ts';
import type { RunTerminals } from '../run-terminals.ts';
import { strings } from '../strings.ts';
import { codeOfLines, type SelectedCode, selectedCode } from './selected-code.ts';
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

/** Code of a document, and what moves the cursor when it is run. */
interface CodeToRun extends SelectedCode {
  readonly document: vscode.TextDocument;
  readonly move?: () => void;
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
    return this.#run(() => {
      const editor = activeEditor();
      const selected = selectedCode(editor);
      const { next } = selected ?? {};
      return selected && { ...selected, document: editor.document, move: () => next && moveTo(editor, next) };
    });
  }

  /** Runs a cell of a document, as it is in the editor. */
  async runCell(uri: vscode.Uri, { first, last }: Cell): Promise<RunResult> {
    return this.#run(async () => {
      const document = await vscode.workspace.openTextDocument(uri);
      return { ...codeOfLines(document, first, last), document };
    });
  }

  async #run(select: () => CodeToRun | undefined | Promise<CodeToRun>): Promise<RunResult> {
    try {
      const selected = await select();
      if (!selected) return CANCELED;
      const { code, line, document, move } = selected;
      const { languageId } = document;
      const found = await this.#find(document);
      if (!found) return { outcome: 'failed', error: commonStrings.notSignedIn() };
      move?.();
      const { session, file } = found;
      session.terminal.show(!readSettings().terminal.focus);
      const { account } = this.#services;
      const result = await runInAccount(account, () =>
        session.pty.run({ code, line, file, languageId }, session.process),
      );
      return reportFailedRun(result, { uri: document.uri, profile: session.process.request.profile });
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
    const { languageId } = document;
    const script = { name: posix.basename(document.uri.path), text: document.lineAt(0).text };
    const interpreter = interpreterOf(languageId, script);
    if (!interpreter) {
      const shell = languageId === 'shellscript' ? shellOf(script) : undefined;
      throw new UserError(strings.selectionNotSupported(shell ?? languageId));
    }
    const { request, file } = await requests.forSelection(document, interpreter);
    if (!(await account.ensureChosen())) return undefined;
    const { name, profile } = await sessions.profile(request.folder);
    const key = JSON.stringify([request.folder.path, name, interpreter.name]);
    const process = { request: { ...request, profile: name }, idleTimeoutMs: profile.idleTimeoutMs ?? IDLE_TIMEOUT_MS };
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
