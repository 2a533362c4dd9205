import * as vscode from 'vscode';

/** What hovering a row tells: a heading and facts, each a line. They may hold anything, and are shown as plain text. */
export function tooltipOf(heading: string, facts: readonly (readonly [label: string, text: string])[]) {
  const tooltip = new vscode.MarkdownString('**').appendText(oneLine(heading)).appendMarkdown('**\n\n');
  for (const [label, text] of facts) tooltip.appendText(oneLine(`${label}: ${text}`)).appendMarkdown('  \n');
  return tooltip;
}

/** Names may hold anything; a row is one line. */
export function oneLine(text: string): string {
  return text.replaceAll(/\s*[\r\n]+\s*/g, ' ');
}
