import * as vscode from 'vscode';
import { linesToRun } from '../../../run/selection/statements.ts';

/** What of an editor is to run. */
export interface SelectedCode {
  readonly code: string;
  /** The line it begins on, from 1. */
  readonly line: number;
  /** Where the cursor goes on afterwards; absent where it stays. */
  readonly next?: vscode.Position;
}

/** The selections of an editor; without one, what its cursor is on. Absent when there is nothing. */
export function selectedCode({ document, selections, selection }: vscode.TextEditor): SelectedCode | undefined {
  const selected = selections.filter((each) => !each.isEmpty).sort((a, b) => a.start.compareTo(b.start));
  const [first] = selected;
  if (!first) return codeAtCursor(document, selection.active.line);
  let code = '';
  let end = first.start.line;
  for (const each of selected) {
    // The lines between them count, so that each keeps its own.
    if (code !== '') code += '\n'.repeat(Math.max(1, each.start.line - end));
    code += plain(document.getText(withIndentation(document, each)));
    end = each.end.line;
  }
  return code.trim() === '' ? undefined : { code, line: first.start.line + 1 };
}

function codeAtCursor(document: vscode.TextDocument, cursor: number): SelectedCode | undefined {
  const lines = linesToRun(plain(document.getText()), cursor, document.languageId);
  if (!lines) return undefined;
  const range = new vscode.Range(lines.first, 0, lines.last, document.lineAt(lines.last).text.length);
  const next = lines.next ?? document.lineCount - 1;
  const column = lines.next === undefined ? document.lineAt(next).text.length : 0;
  return {
    code: plain(document.getText(range)),
    line: lines.first + 1,
    next: new vscode.Position(next, column || document.lineAt(next).firstNonWhitespaceCharacterIndex),
  };
}

/** A selection of several lines that starts within the indentation of its first one means all of that. */
function withIndentation(document: vscode.TextDocument, { start, end }: vscode.Selection): vscode.Range {
  const isInIndentation = start.character <= document.lineAt(start.line).firstNonWhitespaceCharacterIndex;
  return new vscode.Range(start.line !== end.line && isInIndentation ? start.with({ character: 0 }) : start, end);
}

function plain(text: string): string {
  return text.replaceAll('\r\n', '\n');
}
