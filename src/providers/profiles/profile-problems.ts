import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { cleanLine } from '../../base/text.ts';
import { MODAL_FILE } from '../../profiles/modal-file.ts';
import { type ModalFileProblem, modalFileProblems } from '../../profiles/modal-file-problems.ts';
import { newDiagnostic } from '../common/window.ts';
import { strings } from './strings.ts';

const SELECTOR = { pattern: `**/${MODAL_FILE}`, scheme: 'file' };

/** Reports the problems in an open `modal.json`, with quick fixes for misspelled values. */
export class ProfileProblems implements vscode.CodeActionProvider, vscode.Disposable {
  readonly #diagnostics = vscode.languages.createDiagnosticCollection('modal');
  readonly #subscriptions: vscode.Disposable[];

  constructor() {
    const check = (document: vscode.TextDocument) => this.#check(document);
    this.#subscriptions = [
      this.#diagnostics,
      vscode.workspace.onDidOpenTextDocument(check),
      vscode.workspace.onDidChangeTextDocument(({ document }) => check(document)),
      // A file that a profile names might have been created or deleted in the meantime.
      vscode.window.onDidChangeActiveTextEditor((editor) => editor && check(editor.document)),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.#diagnostics.delete(uri)),
      vscode.languages.registerCodeActionsProvider(SELECTOR, this, {
        providedCodeActionKinds: [vscode.CodeActionKind.QuickFix],
      }),
    ];
    vscode.workspace.textDocuments.forEach(check);
  }

  dispose(): void {
    for (const each of this.#subscriptions) each.dispose();
  }

  provideCodeActions(
    document: vscode.TextDocument,
    range: vscode.Range,
    { diagnostics }: vscode.CodeActionContext,
  ): vscode.CodeAction[] {
    return problemsOf(document).flatMap((problem) => {
      const place = rangeOf(document, problem);
      if (!problem.fix || !place.intersection(range)) return [];
      const action = new vscode.CodeAction(cleanLine(problem.fix.title), vscode.CodeActionKind.QuickFix);
      action.edit = new vscode.WorkspaceEdit();
      action.edit.replace(document.uri, place, problem.fix.newText);
      action.diagnostics = diagnostics.filter((each) => each.range.intersection(place));
      action.isPreferred = true;
      return [action];
    });
  }

  #check(document: vscode.TextDocument): void {
    if (vscode.languages.match(SELECTOR, document) === 0) return;
    // VS Code reports what violates the JSON schema.
    const own = problemsOf(document).filter(({ isShownBySchema }) => !isShownBySchema);
    this.#diagnostics.set(
      document.uri,
      own.map((problem) => {
        const key = problem.path.filter((part) => typeof part === 'string').at(-1) ?? '';
        const message = problem.message.endsWith('?')
          ? strings.problemWithSuggestion(key, problem.message)
          : strings.problem(key, problem.message);
        return newDiagnostic(rangeOf(document, problem), message, { source: 'Modal' });
      }),
    );
  }
}

function problemsOf(document: vscode.TextDocument): readonly ModalFileProblem[] {
  const root = dirname(dirname(document.uri.fsPath));
  return modalFileProblems(document.getText(), (path) => existsSync(join(root, path)));
}

function rangeOf(document: vscode.TextDocument, { offset, length }: ModalFileProblem): vscode.Range {
  return new vscode.Range(document.positionAt(offset), document.positionAt(offset + length));
}
