import * as vscode from 'vscode';
import { cleanLine } from '../../base/text.ts';
import type { ScannedTest } from '../../testing/framework.ts';
import { TEST_FRAMEWORKS, testFileFramework } from '../../testing/frameworks.ts';
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
      vscode.languages.registerCodeLensProvider(
        TEST_FRAMEWORKS.flatMap(({ languages }) => languages).map((language) => ({ language, scheme: 'file' })),
        this,
      ),
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
    const tests = testFileFramework(uri.path)?.scan(document.getText());
    if (!tests || !readSettings(uri).codeLens.test) return [];
    const profile = await this.#profiles.current(syncedFolder(folder));
    const lenses = (scanned: readonly ScannedTest[], above: readonly string[]): vscode.CodeLens[] =>
      scanned.flatMap(({ name, line, children }) => {
        const names = [...above, name];
        const command = {
          ...commandTo('modal.runTest', [{ icon: 'beaker' }, strings.lens()], uri, names),
          tooltip: cleanLine(strings.lensTooltip(name, profile)),
        };
        return [new vscode.CodeLens(new vscode.Range(line, 0, line, 0), command), ...lenses(children, names)];
      });
    return lenses(tests, []);
  }
}
