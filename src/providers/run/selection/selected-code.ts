import * as vscode from 'vscode';
import { linesToRun } from '../../../run/selection/statements.ts';

/** The code of an editor that is run. */
export interface SelectedCode {
  readonly code: string;
  /** The line that it starts on, from 1. */
  readonly line: number;
  /** The cursor's next position. Undefined if it stays. */
  readonly next?: vscode.Position;
}

/** Returns the selections of an editor, or else the statement at its cursor; undefined if there is no code. */
export function selectedCode({ document, selections, selection }: vscode.TextEditor): SelectedCode | undefined {
  const selected = selections.filter((each) => !each.isEmpty).sort((a, b) => a.start.compareTo(b.start));
  const [first] = selected;
  if (!first) return codeAtCursor(document, selection.active.line);
  let code = '';
  let end = first.start.line;
  for (const each of selected) {
    // Lines between selections are kept as empty lines, so that line numbers stay right.
    if (code !== '') code += '\n'.repeat(Math.max(1, each.start.line - end));
    code += plain(document.getText(withIndentation(document, each)));
    end = each.end.line;
  }
  return code.trim() === '' ? undefined : { code, line: first.start.line + 1 };
}

function codeAtCursor(document: vscode.TextDocument, cursor: number): SelectedCode | undefined {
  const lines = linesToRun(plain(document.getText()), cursor, document.languageId);
  if (!lines) return undefined;
  const next = lines.next ?? document.lineCount - 1;
  const column = lines.next === undefined ? document.lineAt(next).text.length : 0;
  return {
    ...codeOfLines(document, lines.first, lines.last),
    next: new vscode.Position(next, column || document.lineAt(next).firstNonWhitespaceCharacterIndex),
  };
}

/** Returns the code of lines, which start at 0, both included. */
export function codeOfLines(document: vscode.TextDocument, first: number, last: number): SelectedCode {
  const range = new vscode.Range(first, 0, last, document.lineAt(last).text.length);
  return { code: plain(document.getText(range)), line: first + 1 };
}

/** Extends a selection of several lines that starts within the first line's indentation to include all of it. */
function withIndentation(document: vscode.TextDocument, { start, end }: vscode.Selection): vscode.Range {
  const isInIndentation = start.character <= document.lineAt(start.line).firstNonWhitespaceCharacterIndex;
  return new vscode.Range(start.line !== end.line && isInIndentation ? start.with({ character: 0 }) : start, end);
}

function plain(text: string): string {
  return text.replaceAll('\r\n', '\n');
}
