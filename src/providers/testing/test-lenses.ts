import * as vscode from 'vscode';
import { cleanLine } from '../../base/text.ts';
import { isTestFile, type ScannedTest, scanPythonTests } from '../../testing/scan.ts';
import { commandTo } from '../common/commands.ts';
import { diskFolderOf, syncedFolder } from '../common/folders.ts';
import type { LensProfiles } from '../common/lens-profiles.ts';
import { onDidChangeSettings, readSettings } from '../common/settings.ts';
import { strings } from './strings.ts';

/** Shows “Run Test in Sandbox” on tests, as long as they have no icon of the Test Explorer's. */
export class TestLenses implements vscode.CodeLensProvider, vscode.Disposable {
  readonly #profiles: LensProfiles;
  readonly #areNeeded: () => boolean;
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #disposable: vscode.Disposable;
  readonly onDidChangeCodeLenses = this.#changed.event;

  constructor(profiles: LensProfiles, areNeeded: () => boolean) {
    this.#profiles = profiles;
    this.#areNeeded = areNeeded;
    const update = () => this.update();
    this.#disposable = vscode.Disposable.from(
      this.#changed,
      vscode.languages.registerCodeLensProvider({ language: 'python', scheme: 'file' }, this),
      profiles.onDidChange(update),
      vscode.workspace.onDidGrantWorkspaceTrust(update),
      onDidChangeSettings(update, 'codeLens'),
    );
  }

  dispose(): void {
    this.#disposable.dispose();
  }

  update(): void {
    this.#changed.fire();
  }

  async provideCodeLenses(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
    const { uri } = document;
    const folder = diskFolderOf(uri);
    if (!folder || !vscode.workspace.isTrusted || !this.#areNeeded()) return [];
    if (!isTestFile(uri.path) || !readSettings(uri).codeLens.test) return [];
    const profile = await this.#profiles.current(syncedFolder(folder));
    const lenses = (tests: readonly ScannedTest[], above: readonly string[]): vscode.CodeLens[] =>
      tests.flatMap(({ name, line, children }) => {
        const names = [...above, name];
        const command = {
          ...commandTo('modal.runTest', [{ icon: 'beaker' }, strings.lens()], uri, names),
          tooltip: cleanLine(strings.lensTooltip(name, profile)),
        };
        return [new vscode.CodeLens(new vscode.Range(line, 0, line, 0), command), ...lenses(children, names)];
      });
    return lenses(scanPythonTests(document.getText()), []);
  }
}
