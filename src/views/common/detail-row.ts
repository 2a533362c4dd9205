import * as vscode from 'vscode';

/** Something to know about the row above. */
export interface Detail {
  readonly id: string;
  readonly label: string;
  readonly text: string;
}

export function detailItem({ id, label, text }: Detail): vscode.TreeItem {
  const item = new vscode.TreeItem(label);
  item.id = id;
  item.description = text;
  item.tooltip = `${label}: ${text}`;
  item.contextValue = 'detail';
  return item;
}
