import { posix } from 'node:path';
import * as vscode from 'vscode';
import { RUNNABLE_LANGUAGES } from '../../run/runners.ts';
import { findTargets } from '../../run/targets/find.ts';
import type { Target, TargetKind } from '../../run/targets/target.ts';

const SELECTOR: vscode.DocumentSelector = [
  ...RUNNABLE_LANGUAGES.map((language) => ({ language, scheme: 'file' })),
  ...['**/package.json', '**/{GNUmakefile,makefile,Makefile,*.mk}', '**/{justfile,.justfile,Justfile,*.just}'].map(
    (pattern) => ({ pattern, scheme: 'file' }),
  ),
];

/** 'Run in Sandbox' above everything in a file that can be run. */
export class RunLenses implements vscode.CodeLensProvider, vscode.Disposable {
  readonly #isOn: (kind: TargetKind) => boolean;
  readonly #profileName: (folder: vscode.WorkspaceFolder) => Promise<string>;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #registration: vscode.Disposable;
  readonly onDidChangeCodeLenses = this.#changed.event;

  /** `profileName` tells the folder's current profile. */
  constructor(isOn: (kind: TargetKind) => boolean, profileName: (folder: vscode.WorkspaceFolder) => Promise<string>) {
    this.#isOn = isOn;
    this.#profileName = profileName;
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

  async provideCodeLenses(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
    const folder = vscode.workspace.getWorkspaceFolder(document.uri);
    if (!vscode.workspace.isTrusted || !folder) return [];
    const targets = findTargets(posix.basename(document.uri.path), document.languageId, document.getText()).filter(
      ({ kind }) => this.#isOn(kind),
    );
    const [first] = targets;
    if (!first) return [];
    const profile = await this.#profileName(folder);
    // One lens to change the profile is enough for a file; it stands beside the first that runs something.
    return [
      ...targets.map((target) => lensOf(document.uri, target, profile)),
      profileLens(document.uri, first, profile),
    ];
  }
}

function lensOf(uri: vscode.Uri, target: Target, profile: string): vscode.CodeLens {
  const command = {
    title: `$(play) Run in Sandbox (${profile})`,
    tooltip: `Run ${'name' in target ? target.name : posix.basename(uri.path)} in a Modal sandbox of the profile “${profile}”`,
    command: 'modal.runTarget',
    arguments: [uri, target],
  };
  return new vscode.CodeLens(new vscode.Range(target.line, 0, target.line, 0), command);
}

function profileLens(uri: vscode.Uri, { line }: Target, profile: string): vscode.CodeLens {
  const command = {
    title: 'Change Profile',
    tooltip: `Sandboxes of this folder are started from the profile “${profile}”`,
    command: 'modal.chooseProfile',
    arguments: [uri],
  };
  return new vscode.CodeLens(new vscode.Range(line, 0, line, 0), command);
}
