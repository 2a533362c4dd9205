import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { logError } from '../../base/log.ts';
import { registerCommands } from '../common/commands.ts';
import { activeFolder, diskFolderOf, requireFolder, requireTrust } from '../common/folders.ts';
import type { LensProfiles } from '../common/lens-profiles.ts';
import { PackageInstaller, type PackageInstallerDependencies } from '../common/package-installer.ts';
import { shown } from '../common/report.ts';
import { onDidChangeSettings, readSettings } from '../common/settings.ts';
import { SandboxTests } from './sandbox-tests.ts';
import { strings } from './strings.ts';
import { TestLenses } from './test-lenses.ts';
import type { TestRunnerDependencies } from './test-runner.ts';

export interface TestingModuleDependencies
  extends Omit<TestRunnerDependencies, 'installer'>,
    PackageInstallerDependencies {
  readonly profiles: LensProfiles;
  /** The workspace's storage, which remembers that tests were asked for. */
  readonly memory: vscode.Memento;
}

/** Set once the user has run tests in the workspace. */
const ASKED_KEY = 'testing.asked';

/**
 * Tests in the Test Explorer, run in sandboxes. VS Code's own controllers stay as they are; ours appears with the setting, or with
 * the first command.
 */
export function testingModule({ profiles, memory, ...rest }: TestingModuleDependencies): vscode.Disposable {
  const dependencies = { ...rest, installer: new PackageInstaller(rest) };
  let tests: SandboxTests | undefined;
  const isOn = () => {
    try {
      return vscode.workspace.isTrusted && (memory.get(ASKED_KEY, false) || readSettings().testing.enabled);
    } catch (error) {
      // A setting that isn't valid is reported where it's used.
      logError(error);
      return false;
    }
  };
  const lenses = new TestLenses(profiles, () => tests === undefined);
  const turnOn = () => {
    tests ??= new SandboxTests(dependencies);
    lenses.update();
    return tests;
  };
  const update = () => {
    if (isOn()) return void turnOn().files.search().catch(logError);
    tests?.dispose();
    tests = undefined;
    lenses.update();
  };
  const ask = async () => {
    requireTrust();
    await memory.update(ASKED_KEY, true);
    return turnOn();
  };
  update();
  return vscode.Disposable.from(
    { dispose: () => tests?.dispose() },
    lenses,
    onDidChangeSettings(update, 'testing'),
    vscode.workspace.onDidGrantWorkspaceTrust(update),
    registerCommands({
      'modal.runTests': () =>
        shown(async () => {
          const folder = requireFolder(activeFolder());
          const own = await ask();
          await own.files.search();
          if (own.tree.roots().length === 0) throw new UserError(strings.noTests(folder.name));
          await own.run(new vscode.TestRunRequest());
        }),
      'modal.runTest': (uri: vscode.Uri, names: readonly string[]) =>
        shown(async () => {
          const folder = requireFolder(diskFolderOf(uri));
          const own = await ask();
          const item = await own.files.itemAt(uri, names);
          if (item) await own.run(new vscode.TestRunRequest([item]));
          else throw new UserError(strings.noTests(folder.name));
        }),
    }),
  );
}
