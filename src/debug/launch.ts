import { z } from 'zod';
import { shellArgumentsProblem } from '../run/shell-arguments.ts';
import { strings } from './strings.ts';

/** The type of our configurations in launch.json. */
export const DEBUG_TYPE = 'modal';

const variables = z.record(
  z.string().regex(/^[A-Za-z_]\w*$/, { error: () => strings.invalidVariableName() }),
  z.string(),
);

/** Arguments as typed in a shell. */
const shellArguments = z.string().superRefine((text, context) => {
  const message = shellArgumentsProblem(text);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

/** A configuration of launch.json that starts a program, without what VS Code itself reads. */
export const LaunchSchema = z
  .strictObject({
    type: z.literal(DEBUG_TYPE),
    request: z.literal('launch'),
    name: z.string(),
    program: z.string().min(1).optional(),
    module: z.string().min(1).optional(),
    args: z.union([z.array(z.string()), shellArguments]).default([]),
    cwd: z.string().min(1).optional(),
    env: variables.default({}),
    profile: z.string().min(1).optional(),
    console: z.enum(['integratedTerminal', 'internalConsole']).default('integratedTerminal'),
    justMyCode: z.boolean().default(true),
    subProcess: z.boolean().default(true),
    stopOnEntry: z.boolean().default(false),
    // Of JavaScript, with the names that they have in VS Code's own debugger.
    runtimeExecutable: z.string().min(1).optional(),
    runtimeArgs: z.array(z.string()).default([]),
    skipFiles: z.array(z.string()).optional(),
    outFiles: z.array(z.string()).optional(),
    sourceMaps: z.boolean().optional(),
    smartStep: z.boolean().optional(),
    /** Set by the code lens on a part of a file. */
    __target: z
      .union([
        z.object({ kind: z.literal('pythonMain') }),
        z.object({ kind: z.literal('packageScript'), name: z.string() }),
      ])
      .optional(),
  })
  .refine(
    ({ program, module, runtimeExecutable }) =>
      runtimeExecutable === undefined ? (program === undefined) !== (module === undefined) : module === undefined,
    { error: () => strings.programOrModule() },
  );

export type Launch = z.infer<typeof LaunchSchema>;

/** The names of files that Node.js runs. */
export const NODE_FILE = /\.[cm]?[jt]sx?$/i;
/** VS Code's language IDs of the files that Node.js runs. */
const NODE_LANGUAGES = ['javascript', 'typescript', 'javascriptreact', 'typescriptreact'];

/** Returns whether a configuration is for Node.js, given the language of its file if that is open. Otherwise, it's for Python. */
export function isForNode({ program, runtimeExecutable, __target }: Launch, languageId?: string): boolean {
  if (runtimeExecutable !== undefined || __target?.kind === 'packageScript') return true;
  if (program === undefined) return false;
  return languageId === undefined ? NODE_FILE.test(program) : NODE_LANGUAGES.includes(languageId);
}

/** A configuration of launch.json that attaches to a program that waits for a debugger in the folder's sandbox. */
export const AttachSchema = z.strictObject({
  type: z.literal(DEBUG_TYPE),
  request: z.literal('attach'),
  name: z.string(),
  connect: z.strictObject({
    host: z.string().min(1).optional(),
    port: z.number().int().min(1).max(65_535),
  }),
  profile: z.string().min(1).optional(),
  justMyCode: z.boolean().default(true),
  subProcess: z.boolean().default(true),
});

export type Attach = z.infer<typeof AttachSchema>;

/** A configuration of launch.json for any debug adapter that the sandbox has. The other properties are the adapter's own. */
export const AdapterSchema = z.looseObject({
  type: z.literal(DEBUG_TYPE),
  request: z.enum(['launch', 'attach']),
  name: z.string(),
  adapter: z.tuple([z.string().min(1)], z.string()),
  profile: z.string().min(1).optional(),
});

export type AdapterLaunch = z.infer<typeof AdapterSchema>;

/** A configuration of our type. */
export type Configuration = Launch | Attach | AdapterLaunch;

/** Returns whether a configuration is for a debug adapter that it names. */
export function namesAdapter(configuration: Configuration): configuration is AdapterLaunch {
  return 'adapter' in configuration;
}

/** Properties that VS Code adds, or that it and other extensions read in every configuration. */
const FOREIGN =
  /^(?:__(?!target$).*|noDebug|preLaunchTask|postDebugTask|internalConsoleOptions|presentation|serverReadyAction|suppress.*|debugServer|windows|linux|osx)$/;

/** Parses a configuration, whose variables VS Code has resolved. Returns a message if it isn't valid. */
export function parseConfiguration(raw: Readonly<Record<string, unknown>>): Configuration | string {
  const own = Object.fromEntries(Object.entries(raw).filter(([key]) => !FOREIGN.test(key)));
  const schema = own.request === 'attach' ? AttachSchema : LaunchSchema;
  const parsed = ('adapter' in own ? AdapterSchema : schema).safeParse(own);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue?.code === 'unrecognized_keys') return strings.unknownProperty(issue.keys.join(', '));
  const message = issue?.message ?? '';
  return issue && issue.path.length > 0
    ? strings.invalidProperty(issue.path.join('.'), message)
    : strings.invalidLaunch(message);
}
