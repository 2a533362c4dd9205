import * as vscode from 'vscode';
import { RUNNABLE_LANGUAGES } from '../run/runners.ts';

/** 'Run in Sandbox' above the first line of every file that has a runner. */
export function registerCodeLens(): vscode.Disposable {
  const selector = RUNNABLE_LANGUAGES.map((language) => ({ language, scheme: 'file' }));
  return vscode.languages.registerCodeLensProvider(selector, {
    provideCodeLenses: (document) => {
      if (!vscode.workspace.isTrusted || !vscode.workspace.getWorkspaceFolder(document.uri)) return [];
      const command = { title: '$(play) Run in Sandbox', command: 'modal.runActiveFile', arguments: [document.uri] };
      return [new vscode.CodeLens(new vscode.Range(0, 0, 0, 0), command)];
    },
  });
}
