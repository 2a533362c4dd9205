import { posix } from 'node:path';
import * as vscode from 'vscode';
import { cleanLine } from '../../base/text.ts';
import { RUNNABLE_LANGUAGES } from '../../run/runners.ts';
import { findTargets } from '../../run/targets/find.ts';
import type { Cell, Target } from '../../run/targets/target.ts';
import { commandTo } from '../common/commands.ts';
import { syncedFolder } from '../common/folders.ts';
import type { LensProfiles } from '../common/lens-profiles.ts';
import { onDidChangeSettings, readSettings } from '../common/settings.ts';
import { strings } from './strings.ts';

const SELECTOR: vscode.DocumentSelector = [
  ...RUNNABLE_LANGUAGES.map((language) => ({ language, scheme: 'file' })),
  ...['**/package.json', '**/{GNUmakefile,makefile,Makefile,*.mk}', '**/{justfile,.justfile,Justfile,*.just}'].map(
    (pattern) => ({ pattern, scheme: 'file' }),
  ),
];

/** Shows “Run in Sandbox” above everything in a file that can be run, and “Debug in Sandbox” next to what has a debugger. */
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
      ...targets.flatMap((target) => [
        lensOf(document.uri, target, profile),
        ...(canDebug(target, document.languageId) ? [debugLens(document.uri, target, profile)] : []),
      ]),
      profileLens(document.uri, first, profile),
    ];
  }
}

function lensOf(uri: vscode.Uri, target: Target | Cell, profile: string): vscode.CodeLens {
  const range = new vscode.Range(target.line, 0, target.line, 0);
  if (target.kind === 'cell') {
    const title = commandTo('modal.runTarget', [{ icon: 'play' }, strings.cellLens()], uri, target);
    return new vscode.CodeLens(range, { ...title, tooltip: cleanLine(strings.cellLensTooltip(profile)) });
  }
  const command = {
    ...commandTo('modal.runTarget', [{ icon: 'play' }, strings.lens(profile)], uri, target),
    tooltip: cleanLine(strings.lensTooltip('name' in target ? target.name : posix.basename(uri.path), profile)),
  };
  return new vscode.CodeLens(range, command);
}

function canDebug({ kind }: Target | Cell, languageId: string): boolean {
  if (kind === 'packageScript') return true;
  return kind !== 'cell' && /^(?:python|javascript|typescript)$/.test(languageId);
}

function debugLens(uri: vscode.Uri, target: Target | Cell, profile: string): vscode.CodeLens {
  const command = {
    ...commandTo('modal.debugTarget', [{ icon: 'debug-alt' }, strings.debugLens()], uri, target),
    tooltip: cleanLine(strings.debugLensTooltip(posix.basename(uri.path), profile)),
  };
  return new vscode.CodeLens(new vscode.Range(target.line, 0, target.line, 0), command);
}

function profileLens(uri: vscode.Uri, { line }: Target | Cell, profile: string): vscode.CodeLens {
  const command = {
    ...commandTo('modal.chooseProfile', strings.changeProfile(), uri),
    tooltip: cleanLine(strings.changeProfileTooltip(profile)),
  };
  return new vscode.CodeLens(new vscode.Range(line, 0, line, 0), command);
}
