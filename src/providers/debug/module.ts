import { posix } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { DEBUG_TYPE, type Launch, namesAdapter, parseConfiguration } from '../../debug/launch.ts';
import { NODE_DEBUG_TYPE } from '../../debug/node.ts';
import type { Target } from '../../run/targets/target.ts';
import { registerCommands } from '../common/commands.ts';
import { report, shown } from '../common/report.ts';
import { configurationFor, DebugConfigurations, programOf, type Run } from './debug-configurations.ts';
import { DebugInstaller, type DebugInstallerDependencies } from './debug-installer.ts';
import type { ChildPlace, DebugServices } from './debug-services.ts';
import { DebugTerminals, type ProgramTerminal } from './debug-terminals.ts';
import { InlineAdapter } from './inline-adapter.ts';
import { debugLaunchConfiguration } from './launch-picker.ts';
import { adapterSource, attachSource, childSource, launchSource, type SessionSource } from './session-sources.ts';
import { strings } from './strings.ts';

export interface DebugModuleDependencies
  extends Pick<DebugServices, 'sessions' | 'channels' | 'runs' | 'requests' | 'account' | 'rules'>,
    DebugInstallerDependencies {
  readonly createTerminal: (request: Parameters<DebugTerminals['open']>[1]) => ProgramTerminal;
  readonly run: Run;
}

/** Debugging programs in sandboxes: the type of debugger, its configurations, and the commands that need none. */
export function debugModule({ createTerminal, run, ...dependencies }: DebugModuleDependencies): vscode.Disposable {
  const terminals = new DebugTerminals(createTerminal);
  const services: DebugServices = { ...dependencies, terminals, installer: new DebugInstaller(dependencies) };
  const configurations = new DebugConfigurations(services, run);
  /** By the session's ID. */
  const adapters = new Map<string, InlineAdapter>();
  const { Dynamic } = vscode.DebugConfigurationProviderTriggerKind;
  return vscode.Disposable.from(
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, configurations),
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, configurations, Dynamic),
    vscode.debug.registerDebugAdapterDescriptorFactory(DEBUG_TYPE, {
      createDebugAdapterDescriptor: (session) => {
        const parent = session.parentSession && adapters.get(session.parentSession.id);
        const adapter = new InlineAdapter(session, sourceOf(session, parent, services), services);
        adapters.set(session.id, adapter);
        return new vscode.DebugAdapterInlineImplementation(adapter);
      },
    }),
    vscode.debug.registerDebugAdapterTrackerFactory(NODE_DEBUG_TYPE, {
      createDebugAdapterTracker: (session) => {
        const own = ownerOf(session, adapters);
        return own && { onWillReceiveMessage: () => own.noteUse(), onDidSendMessage: (sent) => own.noteSent(sent) };
      },
    }),
    vscode.debug.onDidTerminateDebugSession(({ id }) => adapters.delete(id)),
    registerCommands({
      'modal.debugActiveFile': (uri?: vscode.Uri) => debug(uri),
      'modal.debugFile': (uri: vscode.Uri) => debug(uri),
      'modal.debugLaunchConfiguration': () => debugLaunchConfiguration(),
      'modal.debugTarget': (uri: vscode.Uri, target: Target) => {
        const { kind } = target;
        if (kind === 'pythonMain') return debug(uri, { __target: { kind } });
        return debug(uri, kind === 'packageScript' ? { __target: { kind, name: target.name } } : {});
      },
    }),
  );
}

/** Returns the session of ours that a session of another debugger belongs to. */
function ownerOf(
  { parentSession }: vscode.DebugSession,
  adapters: ReadonlyMap<string, InlineAdapter>,
): InlineAdapter | undefined {
  return parentSession && (adapters.get(parentSession.id) ?? ownerOf(parentSession, adapters));
}

/** Throws if a configuration isn't valid, which VS Code shows. Those from launch.json have been checked. */
function sourceOf(
  { configuration, workspaceFolder }: vscode.DebugSession,
  parent: InlineAdapter | undefined,
  services: DebugServices,
): SessionSource {
  const own: ChildPlace | undefined = configuration.__child;
  if (own && parent) return childSource(own, parent.source, services);
  const parsed = parseConfiguration(configuration);
  if (typeof parsed === 'string') throw new UserError(parsed);
  if (namesAdapter(parsed)) return adapterSource(parsed, configuration.noDebug === true, workspaceFolder, services);
  return parsed.request === 'attach'
    ? attachSource(parsed, workspaceFolder, services)
    : launchSource(parsed, workspaceFolder, services);
}

/** Debugs a file, or the one in the active editor. Resolves once the session has started, with false if it hasn't. */
async function debug(uri?: vscode.Uri, own: Partial<Launch> = {}): Promise<boolean> {
  const file = uri ?? vscode.window.activeTextEditor?.document.uri;
  if (!file) {
    report(strings.noFileOpen());
    return false;
  }
  const folder = vscode.workspace.getWorkspaceFolder(file);
  const config = configurationFor(programOf(file), posix.basename(file.path), own);
  return (await shown(async () => vscode.debug.startDebugging(folder, config))) ?? false;
}
