import * as vscode from 'vscode';
import { cleanLine } from '../../base/text.ts';
import { type ChannelInfo, type Channels, targetName } from '../../channel/channels.ts';
import type { Prices } from '../../modal/prices.ts';
import { listSandboxes, type SandboxSummary, sandboxLabel } from '../../modal/sandbox-list.ts';
import type { AccountState } from '../../providers/common/account-state.ts';
import { commandTo } from '../../providers/common/commands.ts';
import type { SandboxPorts } from '../../providers/ports/sandbox-ports.ts';
import type { SshConnections } from '../../providers/ssh/ssh-connections.ts';
import type { RunningCommands } from '../../run/running-commands.ts';
import { folderKey, machineKey } from '../../sandboxes/sandbox-origin.ts';
import type { Sessions } from '../../sandboxes/sessions.ts';
import type { SshConnection } from '../../ssh/connections.ts';
import { detailItem } from '../common/detail-row.ts';
import { PolledStore } from '../common/polled-store.ts';
import { ResourceTree } from '../common/resource-tree.ts';
import { tooltipOf } from '../common/tooltip.ts';
import {
  type CommandRow,
  describeSandbox,
  detailsOf,
  factsOf,
  type GroupRow,
  groupsOf,
  type MountRow,
  type PortRow,
  type PrivatePortRow,
  type Sandboxes,
  type SandboxRow,
} from './sandbox-rows.ts';
import { strings } from './strings.ts';

const CONNECTIONS_SHOWN_AFTER_MS = 2_000;
const MAX_PROGRAM_CHARS = 40;
const ICONS = { starting: 'loading~spin', running: 'vm-running', ended: 'vm-outline' } as const;

/** The sandboxes of the app that are running, and those that stopped since midnight. */
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
  /** The synced folders of this window. */
  readonly folderPaths: () => readonly string[];
  /** The commands that this window is running. */
  readonly commands: RunningCommands;
  readonly channels: Channels;
  readonly ssh: Pick<SshConnections, 'in' | 'onDidChange'>;
  readonly ports: Pick<SandboxPorts, 'in' | 'onDidChange'>;
  /** Returns true if this window keeps a sandbox from reaching its idle timeout. */
  readonly isKept: (sandboxId: string) => boolean;
  /** Returns true if this window couldn't stop a sandbox that should have stopped. */
  readonly isLeft: (sandboxId: string) => boolean;
}

/** The Sandboxes view: the sandboxes of the app, grouped by where they were started. */
export function sandboxesTree(options: SandboxesTreeOptions): ResourceTree<Sandboxes, SandboxRow> {
  const { store, account, folderPaths, commands, channels, ssh, ports, isKept, isLeft } = options;
  const origin = () => ({ folderKeys: folderPaths().map(folderKey), machineKey: machineKey() });
  const tree = new ResourceTree<Sandboxes, SandboxRow>({
    id: 'modal.sandboxes',
    refreshCommand: 'modal.refreshSandboxes',
    store,
    account,
    roots: (value) => groupsOf(value, origin()),
    children: async (row) => {
      if ('kind' in row) return row.kind === 'group' ? row.sandboxes : [];
      const running = commands.in(row.id).map((each) => ({ kind: 'command' as const, ...each }));
      const listed = row.state === 'ended' ? [] : await ports.in(row.id);
      const privatePorts = listed.map((each) => ({ kind: 'privatePort' as const, ...each }));
      return [...running, ...privatePorts, ...detailsOf(row)];
    },
    item: (row) => {
      if (!('kind' in row)) {
        const isBusy = commands.in(row.id).length > 0;
        return sandboxItem(row, {
          prices: store.value?.prices,
          isBusy,
          isKept: isKept(row.id),
          isLeft: isLeft(row.id),
          channels: channels.all.filter(({ sandboxId, streams }) => sandboxId === row.id && streams > 0),
          ssh: ssh.in(row.id),
        });
      }
      switch (row.kind) {
        case 'group':
          return groupItem(row);
        case 'command':
          return commandItem(row);
        case 'privatePort':
          return privatePortItem(row);
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
  ports.onDidChange(() => tree.redraw());
  ssh.onDidChange(() => tree.redraw());
  channels.onDidChange(seldom(() => tree.redraw()));
  return tree;
}

/** Returns a function that calls another one some time later, once for all calls until then. */
function seldom(action: () => void): () => void {
  let isWaiting = false;
  return () => {
    if (isWaiting) return;
    isWaiting = true;
    setTimeout(() => {
      isWaiting = false;
      action();
    }, CONNECTIONS_SHOWN_AFTER_MS);
  };
}

function groupItem({ id, label, sandboxes }: GroupRow): vscode.TreeItem {
  const { Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
  const item = new vscode.TreeItem(label, id === 'ended' ? Collapsed : Expanded);
  item.id = `group:${id}`;
  item.description = String(sandboxes.length);
  item.contextValue = `group:${id}`;
  item.accessibilityInformation = {
    label: sandboxes.length === 1 ? strings.groupWithOne(label) : strings.groupWithMany(label, sandboxes.length),
  };
  return item;
}

interface SandboxState {
  readonly prices: Prices | undefined;
  readonly isBusy: boolean;
  readonly isKept: boolean;
  readonly isLeft: boolean;
  /** Those that keep it from becoming idle. */
  readonly channels: readonly ChannelInfo[];
  readonly ssh: readonly SshConnection[];
}

function sandboxItem(
  sandbox: SandboxSummary,
  { prices, isBusy, isKept, isLeft, channels, ssh }: SandboxState,
): vscode.TreeItem {
  const { id, state } = sandbox;
  const label = sandboxLabel(sandbox);
  const item = new vscode.TreeItem(label, vscode.TreeItemCollapsibleState.Collapsed);
  item.id = id;
  const description = describeSandbox(sandbox, prices, Date.now());
  const hosts = Map.groupBy(ssh, ({ host }) => host);
  const notes = [
    ...(isKept ? [strings.keptRunning()] : []),
    ...(isLeft && state !== 'ended' ? [strings.notStopped()] : []),
  ];
  const connected = ssh.length > 0 ? [strings.sshConnections(ssh.length)] : [];
  item.description = [...connected, description, ...notes].join(' · ');
  item.tooltip = tooltipOf(label, [
    ...factsOf(sandbox, prices, Date.now()),
    ...channels.map(({ owner, reason, streams }): [string, string] => [
      strings.keptActiveBy(),
      strings.connections(owner, reason, streams),
    ]),
    ...[...hosts].map(([host, { length }]): [string, string] => [
      strings.keptActiveBy(),
      strings.connections(strings.ssh(), host, length),
    ]),
  ]);
  item.iconPath = new vscode.ThemeIcon(isBusy ? 'run-all' : ICONS[state]);
  item.contextValue = state === 'ended' ? 'endedSandbox' : isKept ? 'sandbox,kept' : 'sandbox';
  item.accessibilityInformation = { label: strings.sandboxLabel(label, stateText(state), item.description) };
  return item;
}

function stateText(state: SandboxSummary['state']): string {
  if (state === 'ended') return strings.stopped();
  return state === 'running' ? strings.running() : strings.starting();
}

function commandItem({ runId, label }: CommandRow): vscode.TreeItem {
  const item = new vscode.TreeItem(label);
  item.id = `command:${runId}`;
  item.description = strings.running();
  item.iconPath = new vscode.ThemeIcon('play');
  item.accessibilityInformation = { label: strings.commandLabel(label) };
  return item;
}

function privatePortItem({ sandboxId, target, label, command, forward, connections }: PrivatePortRow): vscode.TreeItem {
  const key = targetName(target);
  const number = 'port' in target && target.host === undefined ? strings.port(target.port) : key;
  const name = label ?? number;
  const address = forward ? strings.localAddress(forward.localPort) : strings.notForwarded();
  const item = new vscode.TreeItem(name);
  item.id = `${sandboxId}/privatePort/${key}`;
  item.description = [label && number, address, command && cleanLine(command, MAX_PROGRAM_CHARS)]
    .filter(Boolean)
    .join(' · ');
  item.tooltip = tooltipOf(name, [
    [strings.address(), address],
    ...(command ? [[strings.program(), command] as const] : []),
    ...(forward ? [[strings.openConnections(), String(connections)] as const] : []),
    [strings.access(), strings.onlyThisComputer()],
  ]);
  item.iconPath = new vscode.ThemeIcon(forward ? 'plug' : 'circle-outline');
  item.contextValue = `${'path' in target ? 'privateSocket' : 'privatePort'}${forward ? ',forwarded' : ''}`;
  item.command = commandTo('modal.openForwardedPort', strings.openInBrowser(), { sandboxId, target });
  item.accessibilityInformation = { label: strings.privatePortLabel(name, item.description) };
  return item;
}

function portItem(row: PortRow): vscode.TreeItem {
  const { sandboxId, port, url, needsToken } = row;
  const item = new vscode.TreeItem(strings.port(port));
  item.id = `${sandboxId}/port/${port}`;
  item.description = url;
  item.tooltip = url;
  item.iconPath = new vscode.ThemeIcon('globe');
  item.contextValue = 'port';
  item.command = commandTo('modal.openPort', strings.openInBrowser(), { sandboxId, port, url, needsToken });
  item.accessibilityInformation = { label: strings.portLabel(port, url) };
  return item;
}

function mountItem({ sandboxId, path, volume, subPath, isReadOnly }: MountRow): vscode.TreeItem {
  const item = new vscode.TreeItem(path);
  const source = subPath ? `${volume}:${subPath}` : volume;
  item.id = `${sandboxId}/mount/${path}`;
  item.description = isReadOnly ? strings.readOnly(source) : source;
  item.tooltip = strings.mountTooltip(volume, path);
  item.iconPath = new vscode.ThemeIcon('database');
  item.contextValue = 'mount';
  item.command = commandTo('modal.showVolume', strings.revealVolume(), { volume });
  item.accessibilityInformation = {
    label: isReadOnly ? strings.readOnlyMountLabel(source, path) : strings.mountLabel(source, path),
  };
  return item;
}
