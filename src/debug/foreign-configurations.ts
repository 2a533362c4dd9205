import { z } from 'zod';
import { DEBUG_TYPE, NODE_FILE } from './launch.ts';
import { NODE_DEBUG_TYPE } from './node.ts';

/** A configuration of launch.json for another debugger. Only what its place in a list needs is checked. */
const ForeignSchema = z.looseObject({ type: z.string(), name: z.string().min(1), request: z.string() });
export type ForeignConfiguration = z.infer<typeof ForeignSchema>;

/** What our configurations have in common with those of another debugger, besides what VS Code itself reads. */
type Shared = Readonly<Record<string, readonly string[]>>;

const PYTHON: Shared = {
  launch: ['program', 'module', 'args', 'cwd', 'env', 'justMyCode', 'subProcess', 'stopOnEntry'],
  attach: ['connect', 'justMyCode', 'subProcess'],
};
const NODE: Shared = {
  launch: [
    ...['program', 'args', 'cwd', 'env', 'stopOnEntry'],
    ...['runtimeExecutable', 'runtimeArgs', 'skipFiles', 'outFiles', 'sourceMaps', 'smartStep'],
  ],
};
/** By type. `python` and `pwa-node` are the former names. */
const SHARED: Readonly<Record<string, Shared>> = {
  debugpy: PYTHON,
  python: PYTHON,
  node: NODE,
  [NODE_DEBUG_TYPE]: NODE,
};
const OF_EDITOR = ['preLaunchTask', 'postDebugTask', 'serverReadyAction', 'internalConsoleOptions', 'presentation'];

/** Returns the configurations in a list from launch.json that can be debugged in a sandbox. */
export function foreignConfigurations(list: unknown): ForeignConfiguration[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((each): ForeignConfiguration[] => {
    const { data } = ForeignSchema.safeParse(each);
    if (!data || !Object.hasOwn(SHARED[data.type] ?? {}, data.request)) return [];
    // Without a place, another program of this computer would be attached to.
    return data.request === 'attach' && data.connect === undefined ? [] : [data];
  });
}

/** Returns our configuration for one of another debugger, with the variables of VS Code as they are written. */
export function ownConfiguration(foreign: ForeignConfiguration): ForeignConfiguration {
  const { type, request, name } = foreign;
  const isNode = SHARED[type] === NODE;
  const own = isNode ? withNode(foreign) : foreign;
  const keys = [...(SHARED[type]?.[request] ?? []), ...OF_EDITOR];
  const shared = keys.flatMap((key) => (own[key] === undefined ? [] : [[key, own[key]] as const]));
  const { console = isNode ? 'internalConsole' : undefined } = foreign;
  return {
    type: DEBUG_TYPE,
    request,
    name,
    ...Object.fromEntries(shared),
    ...(isNode && foreign.autoAttachChildProcesses === false && { subProcess: false }),
    // There is no other terminal in a sandbox.
    ...(console === 'internalConsole' && { console }),
  };
}

/** The path of Node.js on this computer. */
const OWN_NODE = /^(?:[A-Za-z]:)?[\\/].*[\\/]node(?:\.exe)?$/;

/** Returns a configuration of Node.js with the program that runs it in a sandbox. */
function withNode({ runtimeExecutable, ...foreign }: ForeignConfiguration): ForeignConfiguration {
  const { program } = foreign;
  if (typeof runtimeExecutable === 'string' && !OWN_NODE.test(runtimeExecutable))
    return { ...foreign, runtimeExecutable };
  // What runs other files isn't known.
  return typeof program === 'string' && NODE_FILE.test(program) ? foreign : { ...foreign, runtimeExecutable: 'node' };
}
