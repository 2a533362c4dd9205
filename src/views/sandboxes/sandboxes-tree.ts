import * as vscode from 'vscode';
import type { Prices } from '../../modal/prices.ts';
import { listSandboxes, type SandboxSummary, sandboxLabel } from '../../modal/sandbox-list.ts';
import type { AccountState } from '../../providers/common/account-state.ts';
import type { RunningCommands } from '../../run/running-commands.ts';
import { folderKey, machineKey } from '../../sandboxes/sandbox-origin.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import { detailItem } from '../common/detail-row.ts';
import { PolledStore } from '../common/polled-store.ts';
import { ResourceTree } from '../common/resource-tree.ts';
import { oneLine, tooltipOf } from '../common/tooltip.ts';
import {
  type CommandRow,
  describeSandbox,
  detailsOf,
  factsOf,
  type GroupRow,
  groupsOf,
  type MountRow,
  type PortRow,
  type Sandboxes,
  type SandboxRow,
} from './sandbox-rows.ts';

const ICONS = { starting: 'loading~spin', running: 'vm-running', ended: 'vm-outline' } as const;

/** The sandboxes of the app that run, and those that have ended since midnight. */
export function sandboxStore(sessions: Sessions): PolledStore<Sandboxes> {
  return new PolledStore({
    load: async () => {
      const { client, app, account, prices } = await sessions.connection();
      const midnight = new Date().setHours(0, 0, 0, 0);
      return {
        sandboxes: await listSandboxes(client, app, new Date(midnight)),
        prices: account.isLocal ? undefined : prices,
      };
    },
  });
}

export interface SandboxesTreeOptions {
  readonly store: PolledStore<Sandboxes>;
  readonly account: AccountState;
  /** Folders of this window, as they are synced. */
  readonly folderPaths: () => readonly string[];
  /** What this window runs. */
  readonly commands: RunningCommands;
  /** Whether this window keeps a sandbox from ending when idle. */
  readonly isKept: (sandboxId: string) => boolean;
}

/** The Sandboxes view: what runs on the account, in groups by where it was started. */
export function sandboxesTree(options: SandboxesTreeOptions): ResourceTree<Sandboxes, SandboxRow> {
  const { store, account, folderPaths, commands, isKept } = options;
  const origin = () => ({ folderKeys: folderPaths().map(folderKey), machineKey: machineKey() });
  const tree = new ResourceTree<Sandboxes, SandboxRow>({
    id: 'modal.sandboxes',
    refreshCommand: 'modal.refreshSandboxes',
    store,
    account,
    roots: (value) => groupsOf(value, origin()),
    children: (row) => {
      if (!('kind' in row)) {
        return [...commands.in(row.id).map((each) => ({ kind: 'command' as const, ...each })), ...detailsOf(row)];
      }
      return row.kind === 'group' ? row.sandboxes : [];
    },
    item: (row) => {
      if (!('kind' in row)) {
        const isBusy = commands.in(row.id).length > 0;
        return sandboxItem(row, { prices: store.value?.prices, isBusy, isKept: isKept(row.id) });
      }
      switch (row.kind) {
        case 'group':
          return groupItem(row);
        case 'command':
          return commandItem(row);
        case 'port':
          return portItem(row);
        case 'mount':
          return mountItem(row);
        case 'detail':
          return detailItem(row);
      }
    },
    canSelectMany: true,
    showsTime: true,
  });
  commands.onDidChange(() => tree.redraw());
  return tree;
}

function groupItem({ id, label, sandboxes }: GroupRow): vscode.TreeItem {
  const { Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
  const item = new vscode.TreeItem(label, id === 'ended' ? Collapsed : Expanded);
  item.id = `group:${id}`;
  item.description = String(sandboxes.length);
  item.contextValue = `group:${id}`;
  item.accessibilityInformation = {
    label: `${label}, ${sandboxes.length} ${sandboxes.length === 1 ? 'sandbox' : 'sandboxes'}`,
  };
  return item;
}

interface SandboxState {
  readonly prices: Prices | undefined;
  readonly isBusy: boolean;
  readonly isKept: boolean;
}

function sandboxItem(sandbox: SandboxSummary, { prices, isBusy, isKept }: SandboxState): vscode.TreeItem {
  const { id, state } = sandbox;
  const label = sandboxLabel(sandbox);
  const item = new vscode.TreeItem(oneLine(label), vscode.TreeItemCollapsibleState.Collapsed);
  item.id = id;
  item.description = `${describeSandbox(sandbox, prices, Date.now())}${isKept ? ' · kept alive' : ''}`;
  item.tooltip = tooltipOf(label, factsOf(sandbox, prices, Date.now()));
  item.iconPath = new vscode.ThemeIcon(isBusy ? 'run-all' : ICONS[state]);
  item.contextValue = state === 'ended' ? 'endedSandbox' : isKept ? 'sandbox,kept' : 'sandbox';
  item.accessibilityInformation = { label: `Sandbox ${label}, ${state}, ${item.description}` };
  return item;
}

function commandItem({ runId, label }: CommandRow): vscode.TreeItem {
  const item = new vscode.TreeItem(oneLine(label));
  item.id = `command:${runId}`;
  item.description = 'running';
  item.iconPath = new vscode.ThemeIcon('play');
  item.accessibilityInformation = { label: `${label} is running` };
  return item;
}

function portItem({ sandboxId, port, url }: PortRow): vscode.TreeItem {
  const item = new vscode.TreeItem(`Port ${port}`);
  item.id = `${sandboxId}/port/${port}`;
  item.description = url;
  item.tooltip = url;
  item.iconPath = new vscode.ThemeIcon('plug');
  item.contextValue = 'port';
  item.command = { title: 'Open in Browser', command: 'modal.openPort', arguments: [{ url }] };
  item.accessibilityInformation = { label: `Port ${port} at ${url}` };
  return item;
}

function mountItem({ sandboxId, path, volume, subPath, isReadOnly }: MountRow): vscode.TreeItem {
  const item = new vscode.TreeItem(oneLine(path));
  const what = oneLine(subPath ? `${volume}:${subPath}` : volume);
  item.id = `${sandboxId}/mount/${path}`;
  item.description = isReadOnly ? `${what} · read-only` : what;
  item.tooltip = `The volume “${volume}” at ${path}`;
  item.iconPath = new vscode.ThemeIcon('database');
  item.contextValue = 'mount';
  item.command = { title: 'Show in Volumes', command: 'modal.showVolume', arguments: [{ volume }] };
  item.accessibilityInformation = { label: `Volume ${what} at ${oneLine(path)}${isReadOnly ? ', read-only' : ''}` };
  return item;
}
