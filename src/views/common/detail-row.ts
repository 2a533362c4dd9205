import * as vscode from 'vscode';
import { strings } from './strings.ts';

/** A fact about the parent row. */
export interface Detail {
  readonly id: string;
  readonly label: string;
  readonly text: string;
}

export function detailItem({ id, label, text }: Detail): vscode.TreeItem {
  const item = new vscode.TreeItem(label);
  item.id = id;
  item.description = text;
  item.tooltip = strings.detail(label, text);
  item.contextValue = 'detail';
  return item;
}
