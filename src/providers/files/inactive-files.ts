import { posix } from 'node:path';
import * as vscode from 'vscode';
import { nameOfShown } from '../common/inactive-names.ts';
import { SANDBOX_SCHEME, VOLUME_SCHEME } from '../common/schemes.ts';
import { strings } from './strings.ts';

/** Grays out the files of sandboxes and volumes that are shown under another name, with a tooltip that says why. */
export function registerInactiveFiles(): vscode.Disposable {
  return vscode.window.registerFileDecorationProvider({
    provideFileDecoration: ({ scheme, path }) => {
      if (scheme !== SANDBOX_SCHEME && scheme !== VOLUME_SCHEME) return undefined;
      const shown = posix.basename(path);
      const name = nameOfShown(shown);
      if (name === undefined || name === shown) return undefined;
      return new vscode.FileDecoration(undefined, strings.inactive(name), new vscode.ThemeColor('disabledForeground'));
    },
  });
}
