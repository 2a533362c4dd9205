import * as vscode from 'vscode';
import type { Event } from '../../base/events.ts';
import type { Channels } from '../../channel/channels.ts';
import { openablePortUrl, type SandboxSummary } from '../../modal/sandbox-list.ts';
import type { AccountState } from '../../providers/common/account-state.ts';
import { registerCommands } from '../../providers/common/commands.ts';
import type { SandboxPorts } from '../../providers/ports/sandbox-ports.ts';
import type { SshConnections } from '../../providers/ssh/ssh-connections.ts';
import type { RunningCommands } from '../../run/running-commands.ts';
import { dropAmong } from '../../sandboxes/drop-ended.ts';
import type { SandboxStarter } from '../../sandboxes/sandbox-starter.ts';
import type { SandboxStart } from '../../sandboxes/session.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { rowSelection } from '../common/row-selection.ts';
import { PortUrls } from './port-urls.ts';
import { SandboxCommands } from './sandbox-commands.ts';
import { SandboxLogs } from './sandbox-logs.ts';
import type { PortRow } from './sandbox-rows.ts';
import { sandboxesTree, sandboxStore } from './sandboxes-tree.ts';

export interface SandboxesModuleDependencies {
  readonly sessions: Sessions;
  readonly starter: SandboxStarter;
  readonly commands: RunningCommands;
  readonly account: AccountState;
  readonly ports: SandboxPorts;
  readonly channels: Channels;
  readonly ssh: Pick<SshConnections, 'in' | 'onDidChange'>;
  /** VS Code's state for this computer. */
  readonly state: vscode.Memento;
  /** The synced folders of this window. */
  readonly folderPaths: () => readonly string[];
  readonly openTerminal: (sandboxId?: string) => Promise<void>;
  readonly openInExplorer: (sandbox: SandboxSummary) => Promise<void>;
  /** Fires when a sandbox was started from a snapshot. */
  readonly onDidStartSandbox: Event<unknown>;
}

/** The Sandboxes view and its commands. */
export function sandboxesModule(dependencies: SandboxesModuleDependencies): vscode.Disposable {
  const { sessions, starter, account, folderPaths, openTerminal, openInExplorer, onDidStartSandbox, state } =
    dependencies;
  const store = sandboxStore(sessions);
  const actions = new SandboxCommands(sessions, folderPaths);
  const tree = sandboxesTree({
    ...dependencies,
    store,
    isKept: (id) => actions.keepAlive.has(id),
    isLeft: (id) => starter.ledger?.isLeft(id) ?? false,
  });
  const logs = new SandboxLogs(sessions);
  const { one, all } = rowSelection(tree.view, (row): row is SandboxSummary => !('kind' in row) && 'tags' in row);
  const refresh = () => void store.refresh();
  const dropEnded = () => {
    const ended = store.value?.sandboxes.filter(({ state }) => state === 'ended').map(({ id }) => id);
    void dropAmong(sessions, new Set(ended));
  };
  const portUrl = async (row: PortRow) => {
    if (!row.needsToken) return row.url;
    const { client } = await sessions.connection();
    return openablePortUrl(client, row.sandboxId, row);
  };
  const portUrls = new PortUrls(state, portUrl);
  const noteStart = async ({ folder, profile, sandbox }: SandboxStart) => {
    await sandbox;
    if (!account.isLocal) await portUrls.noteStart(await sessions.profile(folder, profile));
  };
  return vscode.Disposable.from(
    tree,
    store.onDidChange(dropEnded),
    logs,
    actions,
    actions.onDidChange(refresh),
    onDidStartSandbox(refresh),
    sessions.onDidStart((start) => void noteStart(start).catch(() => {})),
    sessions.onDidChange(refresh),
    ...(starter.ledger ? [starter.ledger.onDidChange(() => tree.redraw())] : []),
    registerCommands({
      'modal.refreshSandboxes': () => store.refresh(),
      'modal.openTerminal': (sandbox?: SandboxSummary) => openTerminal(sandbox?.id),
      'modal.terminateSandbox': all((sandboxes) => actions.terminate(sandboxes)),
      'modal.terminateFolderSandboxes': () => actions.terminateOfFolder(),
      'modal.terminateAllSandboxes': () => actions.terminateAll(),
      'modal.openInExplorer': one((sandbox) => openInExplorer(sandbox)),
      'modal.renameSandbox': one((sandbox) => actions.rename(sandbox)),
      'modal.copySandboxId': one((sandbox) => actions.copyId(sandbox)),
      'modal.keepSandboxAlive': one((sandbox) => {
        actions.keep(sandbox);
        tree.redraw();
      }),
      'modal.letSandboxEnd': one((sandbox) => {
        actions.keepAlive.release(sandbox.id);
        tree.redraw();
      }),
      'modal.openPort': (row: PortRow) => portUrls.open(row),
      'modal.copyPortUrl': (row: PortRow) => portUrls.copy(row),
      'modal.showSandboxLogs': one((sandbox) => logs.show(sandbox)),
    }),
  );
}
