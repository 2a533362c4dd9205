import * as vscode from 'vscode';
import type { SandboxSummary } from '../../modal/sandbox-list.ts';
import type { RunningCommands } from '../../run/running-commands.ts';
import { dropAmong } from '../../sandboxes/drop-ended.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import type { ResourceModule } from '../common/resource-module.ts';
import { SandboxCommands } from './sandbox-commands.ts';
import { SandboxLogs } from './sandbox-logs.ts';
import type { PortRow } from './sandbox-rows.ts';
import { sandboxesTree, sandboxStore } from './sandboxes-tree.ts';

export interface SandboxesModuleOptions {
  readonly sessions: Sessions;
  readonly commands: RunningCommands;
  readonly isAccountChosen: () => boolean;
  /** Folders of this window, as they are synced. */
  readonly folderPaths: () => readonly string[];
  readonly openTerminal: (sandboxId?: string) => Promise<void>;
  readonly openInExplorer: (sandbox: SandboxSummary) => Promise<void>;
}

/** The Sandboxes view and what can be done in it. */
export function sandboxesModule(options: SandboxesModuleOptions): ResourceModule {
  const { sessions, folderPaths, openTerminal } = options;
  const store = sandboxStore(sessions);
  const actions = new SandboxCommands(sessions, store, folderPaths);
  const tree = sandboxesTree({ ...options, store, isKept: (id) => actions.keepAlive.has(id) });
  const logs = new SandboxLogs(sessions);
  // A key of the keyboard names no row: then it is the one that is selected.
  const selected = () => tree.view.selection.find((row): row is SandboxSummary => !('kind' in row) && 'tags' in row);
  const onSandbox =
    (action: (sandbox: SandboxSummary, rows?: object[]) => unknown) => (row?: SandboxSummary, rows?: object[]) => {
      const sandbox = row ?? selected();
      return sandbox && action(sandbox, rows ?? [...tree.view.selection]);
    };
  const command = (id: string, action: (...args: never[]) => unknown) => vscode.commands.registerCommand(id, action);
  const dropEnded = () => {
    const ended = store.value?.sandboxes.filter(({ state }) => state === 'ended').map(({ id }) => id);
    void dropAmong(sessions, new Set(ended));
  };
  const disposables = [
    tree,
    store.onDidChange(dropEnded),
    logs,
    actions.keepAlive,
    command('modal.refreshSandboxes', () => store.refresh()),
    command('modal.openTerminal', (sandbox?: SandboxSummary) => openTerminal(sandbox?.id)),
    command(
      'modal.terminateSandbox',
      onSandbox((sandbox, rows) => actions.terminate(sandbox, rows)),
    ),
    command('modal.terminateFolderSandboxes', () => actions.terminateOfFolder()),
    command('modal.terminateAllSandboxes', () => actions.terminateAll()),
    command(
      'modal.openInExplorer',
      onSandbox((sandbox) => options.openInExplorer(sandbox)),
    ),
    command(
      'modal.renameSandbox',
      onSandbox((sandbox) => actions.rename(sandbox)),
    ),
    command(
      'modal.copySandboxId',
      onSandbox((sandbox) => actions.copyId(sandbox)),
    ),
    command(
      'modal.keepSandboxAlive',
      onSandbox((sandbox) => actions.keep(sandbox).then(() => tree.redraw())),
    ),
    command(
      'modal.letSandboxEnd',
      onSandbox((sandbox) => {
        actions.keepAlive.release(sandbox.id);
        tree.redraw();
      }),
    ),
    command('modal.openPort', ({ url }: PortRow) => vscode.env.openExternal(vscode.Uri.parse(url, true))),
    command('modal.copyPortUrl', ({ url }: PortRow) => vscode.env.clipboard.writeText(url)),
    command(
      'modal.showSandboxLogs',
      onSandbox((sandbox) => logs.show(sandbox)),
    ),
  ];
  return {
    update: () => tree.update(),
    reset: () => store.reset(),
    refresh: () => void store.refresh(),
    dispose: () => {
      for (const each of disposables) each.dispose();
    },
  };
}
