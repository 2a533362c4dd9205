import { posix } from 'node:path';
import { UserError } from '../base/errors.ts';
import type { RunRequest } from '../run/request.ts';
import type { ProgramCandidate } from '../run/runners.ts';
import { REMOTE_ROOT } from '../sync/options.ts';
import type { Launch } from './launch.ts';
import { NODE_ADAPTER } from './node-adapter.ts';
import { strings } from './strings.ts';

/** The type of the sessions of VS Code's own debugger for JavaScript. */
export const NODE_DEBUG_TYPE = 'pwa-node';
/** The extension that brings it, and that is a part of VS Code. */
export const NODE_DEBUG_EXTENSION = 'ms-vscode.js-debug';

/** Programs that Node.js runs, or that are written for it, and those that start them. */
const NODE_PROGRAM = /^(?:node(?:js)?|tsx|ts-node(?:-esm)?|npm|npx|pnpm|pnpx|yarn|corepack)$/;

/**
 * Returns the run of the adapter that debugs a run: each of its programs that Node.js runs is started by the adapter instead.
 * Throws `UserError` if none is.
 */
export function nodeRequest(request: RunRequest): RunRequest {
  const programs = request.programs.flatMap(({ argv, ...rest }): ProgramCandidate[] => {
    const at = argv.findIndex(isOfNode);
    if (at < 0) return [];
    const adapter = ['node', '-e', NODE_ADAPTER, '--'] as const;
    const [program, ...words] = argv;
    if (at > 0) return [{ ...rest, argv: [program, ...words.slice(0, at - 1), ...adapter, ...words.slice(at - 1)] }];
    return [{ label: program, probe: ['command', '-v', program], ...rest, argv: [...adapter, program, ...words] }];
  });
  if (programs.length === 0) throw new UserError(strings.notNode(request.label));
  return { ...request, programs };
}

/** Programs in the sandbox's folder, or anywhere in it, may be links to programs of Node.js, as those in node_modules are. */
function isOfNode(program: string): boolean {
  return NODE_PROGRAM.test(posix.basename(program)) || program.includes('/node_modules/');
}

/** Returns the arguments of the request that starts the program. */
export function nodeArguments({ console, subProcess, stopOnEntry }: Launch): Record<string, unknown> {
  return { console, subProcess, stopOnEntry };
}

/** What the adapter can do. The rest is done by VS Code's own debugger. */
export const NODE_CAPABILITIES = { supportsConfigurationDoneRequest: true };

/** Where the inspector of a process is reached from this computer. */
export interface InspectorPlace {
  readonly name: string;
  readonly port: number;
  /** The path of its address. */
  readonly inspector: string;
  /** The synced folder. */
  readonly folder: string;
}

/** What a launch configuration says about JavaScript sources, in the words of VS Code's own debugger. */
export type NodeSources = Pick<
  Launch,
  'justMyCode' | 'stopOnEntry' | 'skipFiles' | 'outFiles' | 'sourceMaps' | 'smartStep'
>;

/** Returns the configuration with which VS Code's own debugger attaches to a process in the sandbox. */
export function inspectorConfiguration(
  { name, port, inspector, folder }: InspectorPlace,
  { justMyCode, stopOnEntry, skipFiles, outFiles, sourceMaps, smartStep }: NodeSources,
): { type: string; request: string; name: string; [key: string]: unknown } {
  const libraries = justMyCode ? ['**/node_modules/**'] : [];
  return {
    type: NODE_DEBUG_TYPE,
    request: 'attach',
    name,
    address: '127.0.0.1',
    port,
    websocketAddress: `ws://127.0.0.1:${port}${inspector}`,
    localRoot: folder,
    remoteRoot: REMOTE_ROOT,
    continueOnAttach: !stopOnEntry,
    // It would look for them on this computer, and send a path of this computer to the program.
    autoAttachChildProcesses: false,
    attachExistingChildren: false,
    // The program's output is shown already.
    outputCapture: 'std',
    skipFiles: skipFiles ?? ['<node_internals>/**', ...libraries],
    ...(outFiles && { outFiles }),
    ...(sourceMaps !== undefined && { sourceMaps }),
    ...(smartStep !== undefined && { smartStep }),
  };
}
