import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { AdapterRun } from '../../debug/adapter-link.ts';
import { AdapterSocket } from '../../debug/adapter-socket.ts';
import { type AdapterLaunch, type Attach, isForNode, type Launch } from '../../debug/launch.ts';
import { NODE_CAPABILITIES, type NodeSources, nodeArguments, nodeRequest } from '../../debug/node.ts';
import { ownAdapterArguments } from '../../debug/own-adapter.ts';
import { adapterRequest, attachArguments, launchArguments, pythonCapabilities } from '../../debug/python.ts';
import type { DebugSessionOptions } from '../../debug/session-options.ts';
import type { Profile } from '../../profiles/schema.ts';
import { type RunRequest, runRequest } from '../../run/request.ts';
import { requireFolder, syncedFolder } from '../common/folders.ts';
import { programOf } from './debug-configurations.ts';
import { type ChildPlace, channelTo, type DebugServices } from './debug-services.ts';
import { copyOf, editorPaths } from './editor-paths.ts';
import { adapterRun, launchRequest, remoteTexts } from './launch-requests.ts';
import { strings } from './strings.ts';

/** Where a session comes from. */
export interface SessionSource
  extends Pick<DebugSessionOptions, 'paths' | 'start' | 'startArguments' | 'capabilities' | 'endsWithTerminal'> {
  /** What is said about JavaScript sources; undefined for other languages. */
  readonly node?: NodeSources | undefined;
  /** The run that is debugged, once it's known. Undefined for a program that already runs. */
  readonly run?: RunRequest | undefined;
  /** The profile of the sandbox, once it's known. */
  profile(): Promise<Profile | undefined>;
}

/** Starts a program. */
export function launchSource(
  launch: Launch,
  folder: vscode.WorkspaceFolder | undefined,
  { runs, requests, sessions }: DebugServices,
): SessionSource {
  let run: RunRequest | undefined;
  const isNode = isForNode(launch, languageOf(launch));
  const build = async () => {
    run = await launchRequest(launch, folder, requests);
    return isNode ? nodeRequest(run) : adapterRequest(run);
  };
  return {
    get run() {
      return run;
    },
    profile: async () => run && (await sessions.profile(run.folder, run.profile)).profile,
    start: (listener) => new AdapterRun(build, runs, listener),
    startArguments: (said) => (isNode ? nodeArguments(launch) : launchArguments(said, launch)),
    capabilities: isNode ? NODE_CAPABILITIES : pythonCapabilities(),
    endsWithTerminal: isNode,
    node: isNode ? launch : undefined,
    paths: (sandboxId) => {
      const built = run as RunRequest;
      return editorPaths(built.folder, sandboxId, copyOf(built, requests));
    },
  };
}

/** Starts a debug adapter that the sandbox has. */
export function adapterSource(
  launch: AdapterLaunch,
  noDebug: boolean,
  folder: vscode.WorkspaceFolder | undefined,
  { runs, requests, sessions }: DebugServices,
): SessionSource {
  let run: RunRequest | undefined;
  const build = async () => {
    run = await adapterRun(launch, folder, requests);
    return run;
  };
  return {
    get run() {
      return run;
    },
    profile: async () => run && (await sessions.profile(run.folder, run.profile)).profile,
    start: (listener) => new AdapterRun(build, runs, listener),
    startArguments: () => ownAdapterArguments(launch, noDebug, remoteTexts(run as RunRequest)),
    paths: (sandboxId) => editorPaths((run as RunRequest).folder, sandboxId),
  };
}

/** Returns the language of a file that is open, such as one that hasn't been saved. */
function languageOf({ program }: Launch): string | undefined {
  return vscode.workspace.textDocuments.find(({ uri }) => program !== undefined && programOf(uri) === program)
    ?.languageId;
}

/** Attaches to a program that listens in the folder's sandbox. */
export function attachSource(
  attach: Attach,
  workspaceFolder: vscode.WorkspaceFolder | undefined,
  { sessions, channels }: DebugServices,
): SessionSource {
  const folder = syncedFolder(requireFolder(workspaceFolder));
  const open = async () => {
    const { profile } = attach;
    const sandbox = await (profile === undefined
      ? sessions.lastSandboxOf(folder)
      : sessions.sandboxOf(folder, profile));
    if (!sandbox) throw new UserError(strings.noSandbox(folder.name));
    return channels.of(sandbox, { owner: strings.debugger(), reason: attach.name });
  };
  return {
    profile: async () => (await sessions.profile(folder, attach.profile)).profile,
    start: (listener) => new AdapterSocket(open, attach.connect, listener),
    startArguments: () => attachArguments(attach),
    capabilities: pythonCapabilities(),
    paths: (sandboxId) => editorPaths(folder, sandboxId),
  };
}

/** Attaches to a process that a debugged program has started, and which has the same files. */
export function childSource(place: ChildPlace, parent: SessionSource, services: DebugServices): SessionSource {
  return {
    profile: () => parent.profile(),
    start: (listener) => new AdapterSocket(() => channelTo(place, services), place.child.connect, listener),
    startArguments: () => place.child,
    capabilities: pythonCapabilities(),
    paths: (id) => parent.paths(id),
  };
}

/** Returns the run of a program that an adapter starts in a terminal. */
export function terminalRun(
  { folder, label, cwd, env }: RunRequest,
  program: { args: [string, ...string[]]; cwd?: string | undefined; env?: Record<string, string | null> | undefined },
  sandboxId: string,
): RunRequest {
  const set = Object.entries(program.env ?? {}).filter((entry): entry is [string, string] => entry[1] !== null);
  return runRequest({
    folder,
    label,
    programs: [{ argv: program.args }],
    cwd: program.cwd ?? cwd,
    env: { ...env, ...Object.fromEntries(set) },
    sync: false,
    sandboxId,
  });
}
