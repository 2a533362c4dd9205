import { posix } from 'node:path';
import * as vscode from 'vscode';
import type { Event } from '../../base/events.ts';
import { cleanLine } from '../../base/text.ts';
import { RUNNABLE_LANGUAGES } from '../../run/runners.ts';
import { findTargets } from '../../run/targets/find.ts';
import type { Target } from '../../run/targets/target.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import { commandTo } from '../common/commands.ts';
import { syncedFolder } from '../common/folders.ts';
import { onDidChangeSettings, readSettings } from '../common/settings.ts';
import { strings } from './strings.ts';

const SELECTOR: vscode.DocumentSelector = [
  ...RUNNABLE_LANGUAGES.map((language) => ({ language, scheme: 'file' })),
  ...['**/package.json', '**/{GNUmakefile,makefile,Makefile,*.mk}', '**/{justfile,.justfile,Justfile,*.just}'].map(
    (pattern) => ({ pattern, scheme: 'file' }),
  ),
];

/** The folders' profiles, as code lenses need them. */
export interface LensProfiles {
  /** Returns the name of the folder's current profile. */
  current(folder: Folder): Promise<string>;
  /** Fires when profiles, or the current one of a folder, change. */
  readonly onDidChange: Event<unknown>;
}

/** Shows “Run in Sandbox” above everything in a file that can be run. */
export class RunLenses implements vscode.CodeLensProvider, vscode.Disposable {
  readonly #profiles: LensProfiles;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #subscriptions: vscode.Disposable;
  readonly onDidChangeCodeLenses = this.#changed.event;

  constructor(profiles: LensProfiles) {
    this.#profiles = profiles;
    const update = () => this.#changed.fire();
    this.#subscriptions = vscode.Disposable.from(
      this.#changed,
      vscode.languages.registerCodeLensProvider(SELECTOR, this),
      profiles.onDidChange(update),
      vscode.workspace.onDidGrantWorkspaceTrust(update),
      onDidChangeSettings(update, 'codeLens'),
    );
  }

  dispose(): void {
    this.#subscriptions.dispose();
  }

  async provideCodeLenses(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
    const folder = vscode.workspace.getWorkspaceFolder(document.uri);
    if (!vscode.workspace.isTrusted || !folder) return [];
    const targets = findTargets(posix.basename(document.uri.path), document.languageId, document.getText()).filter(
      ({ kind }) => readSettings().codeLens[kind],
    );
    const [first] = targets;
    if (!first) return [];
    const profile = await this.#profiles.current(syncedFolder(folder));
    // A file gets one lens that changes the profile, next to the first that runs something.
    return [
      ...targets.map((target) => lensOf(document.uri, target, profile)),
      profileLens(document.uri, first, profile),
    ];
  }
}

function lensOf(uri: vscode.Uri, target: Target, profile: string): vscode.CodeLens {
  const command = {
    ...commandTo('modal.runTarget', [{ icon: 'play' }, strings.lens(profile)], uri, target),
    tooltip: cleanLine(strings.lensTooltip('name' in target ? target.name : posix.basename(uri.path), profile)),
  };
  return new vscode.CodeLens(new vscode.Range(target.line, 0, target.line, 0), command);
}

function profileLens(uri: vscode.Uri, { line }: Target, profile: string): vscode.CodeLens {
  const command = {
    ...commandTo('modal.chooseProfile', strings.changeProfile(), uri),
    tooltip: cleanLine(strings.changeProfileTooltip(profile)),
  };
  return new vscode.CodeLens(new vscode.Range(line, 0, line, 0), command);
}
