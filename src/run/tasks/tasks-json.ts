import { z } from 'zod';
import { type Shell, ShellSchema, type ShellWord } from './command-line.ts';
import { lenient } from './lenient.ts';

const TextSchema = z.union([z.string(), z.array(z.string()).transform((words) => words.join(' '))]);
const WordSchema = z.union([
  TextSchema,
  z.object({
    value: TextSchema.refine(Boolean),
    quoting: z.preprocess(
      (value) => (typeof value === 'string' ? value.toLowerCase() : value),
      z.enum(['escape', 'strong', 'weak']).catch('strong'),
    ),
  }),
]);
const OptionsSchema = z.object({
  cwd: lenient(z.string()),
  env: lenient(z.record(z.string(), z.unknown())).transform((env) => env && textsOf(env)),
  shell: lenient(ShellSchema),
});
const PresentationSchema = z.object({
  echo: lenient(z.boolean()),
  reveal: lenient(z.enum(['always', 'silent', 'never'])),
  focus: lenient(z.boolean()),
  panel: lenient(z.enum(['shared', 'dedicated', 'new'])),
  showReuseMessage: lenient(z.boolean()),
  clear: lenient(z.boolean()),
  close: lenient(z.boolean()),
});
/** What a task, its block for an operating system, the top level, and the block there can all have. */
const BaseSchema = z.object({
  type: lenient(z.string()),
  command: lenient(WordSchema),
  args: lenient(z.array(z.unknown())).transform((args) =>
    args?.flatMap((each) => WordSchema.safeParse(each).data ?? []),
  ),
  options: lenient(OptionsSchema),
  presentation: lenient(PresentationSchema),
  problemMatcher: z.unknown().optional(),
});
const ReferenceSchema = z.union([z.string(), z.looseObject({ type: z.string() })]);
const TaskSchema = BaseSchema.extend({
  label: lenient(z.string()),
  taskName: lenient(z.string()),
  identifier: lenient(z.string()),
  linux: lenient(BaseSchema),
  dependsOn: z.unknown().optional(),
  dependsOrder: lenient(z.string()),
  isBackground: lenient(z.boolean()),
  hide: lenient(z.boolean()),
  runOptions: lenient(
    z.object({
      reevaluateOnRerun: lenient(z.boolean()),
      instanceLimit: lenient(z.number().int().min(1)),
      instancePolicy: lenient(z.string()),
    }),
  ),
});
const FileSchema = BaseSchema.extend({ linux: lenient(BaseSchema), tasks: lenient(z.array(z.unknown())) });

type Base = z.infer<typeof BaseSchema>;
type Options = z.infer<typeof OptionsSchema>;
export type Presentation = z.infer<typeof PresentationSchema>;
/** Names another task: by its label, or by the properties of a contributed task. */
export type TaskReference = z.infer<typeof ReferenceSchema>;

/** A command line of a task, with VS Code's variables. */
export interface TaskCommand {
  readonly kind: 'shell' | 'process';
  readonly command: ShellWord;
  readonly args: readonly ShellWord[];
  readonly cwd?: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly shell?: Shell | undefined;
}

/** What VS Code fills in for a run of a task: the definition of the VS Code task that runs it. */
export const CommandDefinitionSchema = z.object({
  command: z.object({
    kind: z.enum(['shell', 'process']),
    command: WordSchema,
    args: z.array(WordSchema),
    cwd: z.string().optional(),
    env: z.record(z.string(), z.string()),
    shell: ShellSchema.optional(),
  }),
  /** The folders of each problem matcher. */
  locations: z.array(z.object({ folders: z.array(z.string()), exclude: z.array(z.string()) })),
  /** Distinguishes runs of a task at the same time: VS Code allows one for each definition. */
  instance: z.number(),
});
export type CommandDefinition = z.infer<typeof CommandDefinitionSchema>;

/** A task in tasks.json, as on Linux: the top level and the `linux` blocks are already part of it. */
export interface ConfiguredTask {
  /** Undefined for a contributed task without a label of its own. */
  readonly label: string | undefined;
  readonly identifier: string | undefined;
  /** The properties as written. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** True for a task of type `shell` or `process`; false for one that customizes the task of an extension. */
  readonly isCustom: boolean;
  /** Undefined for a custom task that only depends on others, and for contributed tasks. */
  readonly command: TaskCommand | undefined;
  readonly options: Options | undefined;
  readonly dependsOn: readonly TaskReference[];
  readonly isSequence: boolean;
  readonly isBackground: boolean | undefined;
  /** Undefined if the file doesn't say; then those of the contributed task apply. */
  readonly matchers: readonly unknown[] | undefined;
  readonly presentation: Presentation;
  readonly reevaluateOnRerun: boolean | undefined;
  readonly instanceLimit: number;
  readonly instancePolicy: string | undefined;
  readonly isHidden: boolean;
}

/** Reads the content of a tasks.json as VS Code does on Linux. What isn't valid is skipped. */
export function readTasksJson(raw: unknown): ConfiguredTask[] {
  const file = FileSchema.safeParse(raw).data;
  if (!file) return [];
  const globals = withBlock(file, file.linux);
  return (file.tasks ?? []).flatMap((each) => {
    const properties = z.record(z.string(), z.unknown()).safeParse(each).data;
    const task = TaskSchema.safeParse(each).data;
    return properties && task ? configuredTask(properties, task, globals, file.problemMatcher) : [];
  });
}

function configuredTask(
  properties: Record<string, unknown>,
  task: z.infer<typeof TaskSchema>,
  globals: Base,
  globalMatcher: unknown,
): ConfiguredTask | [] {
  const { type, runOptions } = task;
  const isCustom = (type === undefined || type === 'shell' || type === 'process') && !('customize' in properties);
  const label = task.label ?? task.taskName;
  const dependsOn = [task.dependsOn ?? []].flat().flatMap((each) => ReferenceSchema.safeParse(each).data ?? []);
  const own = withBlock(task, task.linux);
  // The top level completes a task that has a command, or nothing else to do.
  const base = isCustom && (own.command !== undefined || dependsOn.length === 0) ? completed(own, globals) : own;
  const command = isCustom ? commandOf(base) : undefined;
  if (isCustom && (!label || (!command && dependsOn.length === 0))) return [];
  const matcher = task.linux?.problemMatcher || task.problemMatcher || (isCustom ? globalMatcher : undefined);
  return {
    label,
    identifier: task.identifier,
    properties,
    isCustom,
    command,
    options: isCustom ? undefined : task.options,
    dependsOn,
    isSequence: task.dependsOrder === 'sequence',
    isBackground: task.isBackground,
    matchers: matcher ? [matcher].flat() : undefined,
    presentation: (isCustom ? base.presentation : task.presentation) ?? {},
    reevaluateOnRerun: runOptions?.reevaluateOnRerun,
    instanceLimit: runOptions?.instanceLimit ?? 1,
    instancePolicy: runOptions?.instancePolicy,
    isHidden: task.hide ?? false,
  };
}

function commandOf({ type, command, args = [], options }: Base): TaskCommand | undefined {
  if (!command) return undefined;
  const { cwd, env = {}, shell } = options ?? {};
  return { kind: type === 'shell' ? 'shell' : 'process', command, args, cwd, env, shell };
}

/** Overrides values with those of a block for an operating system. */
function withBlock(base: Base, block: Base | undefined): Base {
  if (!block) return base;
  return {
    type: block.type ?? base.type,
    command: block.command ?? base.command,
    args: block.args ?? base.args,
    options: {
      cwd: block.options?.cwd ?? base.options?.cwd,
      env: block.options?.env || base.options?.env ? { ...base.options?.env, ...block.options?.env } : undefined,
      shell: mergedShell(block.options?.shell, base.options?.shell),
    },
    presentation: { ...base.presentation, ...defined(block.presentation) },
    problemMatcher: undefined,
  };
}

/** Completes a task with the values of the top level. */
function completed(task: Base, globals: Base): Base {
  const { options, presentation } = globals;
  return {
    type: task.type ?? globals.type,
    command: task.command ?? globals.command,
    args: task.command ? task.args : [...(globals.args ?? []), ...(task.args ?? [])],
    options: {
      cwd: task.options?.cwd ?? options?.cwd,
      env: task.options?.env ?? options?.env,
      shell: mergedShell(task.options?.shell, options?.shell),
    },
    presentation: { ...presentation, ...defined(task.presentation) },
    problemMatcher: undefined,
  };
}

function mergedShell(first: Shell | undefined, second: Shell | undefined): Shell | undefined {
  return first && second ? { ...second, ...defined(first) } : (first ?? second);
}

function defined<T extends object>(values: T | undefined): Partial<T> {
  return Object.fromEntries(Object.entries(values ?? {}).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** Variables can be written as numbers or booleans, too. */
function textsOf(env: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === null || value === undefined ? [] : [[name, `${value}`]])),
  );
}
