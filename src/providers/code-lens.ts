import { posix } from 'node:path';
import * as vscode from 'vscode';
import { RUNNABLE_LANGUAGES } from '../run/runners.ts';
import { findTargets } from '../run/targets/find.ts';
import type { Target, TargetKind } from '../run/targets/target.ts';

const SELECTOR: vscode.DocumentSelector = [
  ...RUNNABLE_LANGUAGES.map((language) => ({ language, scheme: 'file' })),
  ...['**/package.json', '**/{GNUmakefile,makefile,Makefile,*.mk}', '**/{justfile,.justfile,Justfile,*.just}'].map(
    (pattern) => ({ pattern, scheme: 'file' }),
  ),
];

/** 'Run in Sandbox' above everything in a file that can be run. */
export class RunLenses implements vscode.CodeLensProvider, vscode.Disposable {
  readonly #isOn: (kind: TargetKind) => boolean;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #registration: vscode.Disposable;
  readonly onDidChangeCodeLenses = this.#changed.event;

  constructor(isOn: (kind: TargetKind) => boolean) {
    this.#isOn = isOn;
    this.#registration = vscode.languages.registerCodeLensProvider(SELECTOR, this);
  }

  dispose(): void {
    this.#registration.dispose();
    this.#changed.dispose();
  }

  /** Settings or trust have changed. */
  update(): void {
    this.#changed.fire();
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    if (!vscode.workspace.isTrusted || !vscode.workspace.getWorkspaceFolder(document.uri)) return [];
    return findTargets(posix.basename(document.uri.path), document.languageId, document.getText())
      .filter(({ kind }) => this.#isOn(kind))
      .map((target) => lensOf(document.uri, target));
  }
}

function lensOf(uri: vscode.Uri, target: Target): vscode.CodeLens {
  const command = {
    title: '$(play) Run in Sandbox',
    tooltip: `Run ${'name' in target ? target.name : posix.basename(uri.path)} in a Modal sandbox`,
    command: 'modal.runTarget',
    arguments: [uri, target],
  };
  return new vscode.CodeLens(new vscode.Range(target.line, 0, target.line, 0), command);
}
