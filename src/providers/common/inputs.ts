import * as vscode from 'vscode';
import { diskFolders } from './folders.ts';
import { strings } from './strings.ts';
import { window } from './window.ts';

export interface NameInput {
  readonly title: string;
  readonly prompt?: string;
  /** The text to start with. */
  readonly value?: string;
  /** Returns what is wrong with a name that isn't empty; undefined if it can be used. */
  readonly problem?: (name: string) => string | undefined;
  /** Keeps the input open when the focus moves elsewhere. */
  readonly ignoreFocusOut?: boolean;
}

/** Asks for a name that isn't empty. Resolves with the name without surrounding spaces; undefined if the user cancels. */
export async function askName({ problem, ...options }: NameInput): Promise<string | undefined> {
  const name = await window.showInputBox({
    ...options,
    validateInput: (text) => (text.trim() === '' ? strings.enterName() : problem?.(text.trim())),
  });
  return name?.trim();
}

/** Asks for a local folder to download into. */
export async function pickDownloadFolder(): Promise<vscode.Uri | undefined> {
  const defaultUri = diskFolders()[0]?.uri;
  const picked = await vscode.window.showOpenDialog({
    title: strings.downloadTo(),
    openLabel: strings.selectFolder(),
    ...(defaultUri && { defaultUri }),
    canSelectFiles: false,
    canSelectFolders: true,
  });
  return picked?.[0];
}
