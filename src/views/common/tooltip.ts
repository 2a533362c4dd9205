import * as vscode from 'vscode';
import { strings } from './strings.ts';

/** A tooltip with a heading and one line per fact. Everything is shown as plain text, whatever it contains. */
export function tooltipOf(heading: string, facts: readonly (readonly [label: string, text: string])[]) {
  const tooltip = new vscode.MarkdownString('**').appendText(oneLine(heading)).appendMarkdown('**\n\n');
  for (const [label, text] of facts) tooltip.appendText(oneLine(strings.detail(label, text))).appendMarkdown('  \n');
  return tooltip;
}

/** Joins the lines of a text: names may contain line breaks, but a row is one line. */
export function oneLine(text: string): string {
  return text.replaceAll(/\s*[\r\n]+\s*/g, ' ');
}
