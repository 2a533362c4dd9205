import * as vscode from 'vscode';
import { cleanLine } from '../../base/text.ts';
import { strings } from './strings.ts';

/** A tooltip with a heading and one line per fact. Everything is shown as plain text, whatever it contains. */
export function tooltipOf(heading: string, facts: readonly (readonly [label: string, text: string])[]) {
  const tooltip = new vscode.MarkdownString('**').appendText(cleanLine(heading)).appendMarkdown('**\n\n');
  for (const [label, text] of facts) tooltip.appendText(cleanLine(strings.detail(label, text))).appendMarkdown('  \n');
  return tooltip;
}
