import type * as vscode from 'vscode';
import type { MachineState } from '../../sandboxes/machine-state.ts';
import { PermissionStore } from '../../sandboxes/permissions/store.ts';
import { registerCommands } from '../common/commands.ts';
import { FolderPermissions, type FolderPermissionsDependencies } from './folder-permissions.ts';

export interface PermissionsModuleDependencies extends Omit<FolderPermissionsDependencies, 'store' | 'commands'> {
  /** Keeps the answers. */
  readonly machine: MachineState;
}

/** What the profiles of folders may do: the questions, the answers, and the command that reviews them. */
export function permissionsModule({ machine, ...dependencies }: PermissionsModuleDependencies): FolderPermissions {
  const permissions: FolderPermissions = new FolderPermissions({
    ...dependencies,
    store: new PermissionStore(machine),
    commands: registerCommands({ 'modal.reviewPermissions': (uri?: vscode.Uri) => permissions.review(uri) }),
  });
  return permissions;
}
