import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { foreignConfigurations, ownConfiguration } from '../../debug/foreign-configurations.ts';
import { diskFolders, requireTrust } from '../common/folders.ts';
import { shown } from '../common/report.ts';
import { window } from '../common/window.ts';
import { strings } from './strings.ts';

/** `modal.debugLaunchConfiguration`: starts a configuration of launch.json for Python or JavaScript in a sandbox. Resolves once it has started. */
export function debugLaunchConfiguration(): Promise<boolean | undefined> {
  return shown(async () => {
    requireTrust();
    const items = diskFolders().flatMap((folder) =>
      foreignConfigurations(vscode.workspace.getConfiguration('launch', folder.uri).get('configurations')).map(
        (foreign) => ({ label: foreign.name, description: folder.name, folder, foreign }),
      ),
    );
    if (items.length === 0) throw new UserError(strings.noConfigurations());
    const options = { title: strings.configurationsTitle(), placeHolder: strings.configurationsPlaceholder() };
    const picked = await window.showQuickPick(items, options);
    if (!picked) return false;
    if (picked.foreign.envFile !== undefined) void window.showInformationMessage(strings.envFileNotUsed(picked.label));
    return vscode.debug.startDebugging(picked.folder, ownConfiguration(picked.foreign));
  });
}
