import { isAbsolute, join, posix } from 'node:path';
import * as vscode from 'vscode';
import type { AdapterLaunch, Launch } from '../../debug/launch.ts';
import type { RunRequest } from '../../run/request.ts';
import type { Target } from '../../run/targets/target.ts';
import { remotePaths } from '../../run/tasks/paths.ts';
import { REMOTE_ROOT } from '../../sync/options.ts';
import { diskFolders } from '../common/folders.ts';

/** Builds the requests of runs. All methods throw `UserError`. */
export interface DebugRequests {
  forFile(uri: vscode.Uri, args: readonly string[]): Promise<RunRequest>;
  forTarget(uri: vscode.Uri, target: Target): Promise<RunRequest>;
  forModule(folder: vscode.WorkspaceFolder | undefined, module: string): Promise<RunRequest>;
  forCommandIn(folder: vscode.WorkspaceFolder | undefined, argv: readonly [string, ...string[]]): Promise<RunRequest>;
  originalOf(copy: string): vscode.Uri | undefined;
}

/** Returns the run that a configuration describes, as it would be without a debugger. Throws `UserError`. */
export async function launchRequest(
  launch: Launch,
  workspaceFolder: vscode.WorkspaceFolder | undefined,
  requests: DebugRequests,
): Promise<RunRequest> {
  const { profile, cwd, args } = launch;
  const base = await baseRequest(launch, workspaceFolder, requests);
  const remote = remoteTexts(base);
  return {
    ...base,
    programs: base.programs.map(({ argv: [program, ...rest], ...each }) => ({
      ...each,
      argv: [remote(program), ...launch.runtimeArgs.map(remote), ...rest] as const,
    })),
    ...(typeof args === 'string' ? { shellArgs: remote(args) } : { args: [...base.args, ...args.map(remote)] }),
    env: Object.fromEntries(Object.entries(launch.env).map(([name, value]) => [name, remote(value)])),
    profile,
    ...(cwd !== undefined && { cwd: posix.resolve(REMOTE_ROOT, remote(cwd)) }),
  };
}

/** Returns the run of the adapter that a configuration names. Throws `UserError`. */
export async function adapterRun(
  { adapter, name, profile }: AdapterLaunch,
  workspaceFolder: vscode.WorkspaceFolder | undefined,
  requests: DebugRequests,
): Promise<RunRequest> {
  const base = await requests.forCommandIn(workspaceFolder, adapter);
  const [program, ...args] = adapter.map(remoteTexts(base)) as [string, ...string[]];
  return { ...base, label: name, profile, programs: [{ argv: [program, ...args] }] };
}

/** Returns a function that replaces the paths of the window's folders in a text. It throws `UserError`. */
export function remoteTexts({ folder }: RunRequest): (text: string) => string {
  return remotePaths(
    folder.path,
    diskFolders().map(({ uri }) => uri.fsPath),
  );
}

async function baseRequest(
  launch: Launch,
  workspaceFolder: vscode.WorkspaceFolder | undefined,
  requests: DebugRequests,
): Promise<RunRequest> {
  const { program, module = '', runtimeExecutable } = launch;
  if (program === undefined)
    return runtimeExecutable === undefined
      ? requests.forModule(workspaceFolder, module)
      : requests.forCommandIn(workspaceFolder, [runtimeExecutable]);
  const base = await forProgram(launch, programUri(program, workspaceFolder), requests);
  return runtimeExecutable === undefined ? base : { ...base, programs: [{ argv: [runtimeExecutable] }] };
}

function forProgram({ __target }: Launch, uri: vscode.Uri, requests: DebugRequests): Promise<RunRequest> {
  return __target ? requests.forTarget(uri, { ...__target, line: 0 }) : requests.forFile(uri, []);
}

/** Returns the file that a configuration names: a path, or the URI of a file that hasn't been saved. */
function programUri(program: string, workspaceFolder: vscode.WorkspaceFolder | undefined): vscode.Uri {
  if (program.startsWith('untitled:')) return vscode.Uri.parse(program);
  return vscode.Uri.file(isAbsolute(program) ? program : join(workspaceFolder?.uri.fsPath ?? '', program));
}
