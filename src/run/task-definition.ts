import { isAbsolute, join, posix } from 'node:path';
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import { isModalToken } from '../profiles/fields.ts';
import type { Folder } from '../sandboxes/folder.ts';
import { REMOTE_ROOT } from '../sync/options.ts';
import { type RunRequest, runRequest } from './request.ts';
import type { ProgramCandidate } from './runners.ts';
import { strings } from './strings.ts';
import { commandLine, type Shell, type ShellWord, shellPrograms } from './tasks/command-line.ts';
import { remotePaths } from './tasks/paths.ts';
import type { TaskCommand } from './tasks/tasks-json.ts';

export const TASK_TYPE = 'modal';

/** A `modal` task as written in tasks.json. Exactly one of `file`, `command`, and `script` is set. */
export const TaskSchema = z
  .object({
    type: z.literal(TASK_TYPE),
    file: z.string().min(1).optional(),
    command: z.string().min(1).optional(),
    script: z.string().min(1).optional(),
    args: z.array(z.string()).default([]),
    cwd: z.string().optional(),
    env: z
      .record(z.string().regex(/^[A-Za-z_]\w*$/, { error: () => strings.invalidVariableName() }), z.string())
      .default({}),
    profile: z.string().min(1).optional(),
    sync: z.boolean().default(true),
    pull: z.array(z.string().min(1)).default([]),
    pty: z.boolean().default(true),
    detach: z.boolean().default(false),
  })
  .refine(({ file, command, script }) => [file, command, script].filter((each) => each !== undefined).length === 1, {
    error: () => strings.oneKindOfTask(),
  });

export type TaskDefinition = z.infer<typeof TaskSchema>;

/** Where a task runs. */
export interface TaskPlace {
  /** The synced folder. */
  readonly folder: Folder;
  /** The paths of the window's workspace folders, of which one has the synced folder. */
  readonly workspaceFolders: readonly string[];
}

/** Parses a task definition. Returns a message if it isn't valid. */
export function parseTask(raw: unknown): TaskDefinition | string {
  const parsed = TaskSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const message = issue?.message ?? '';
  return issue && issue.path.length > 0
    ? strings.invalidTaskProperty(issue.path.join('.'), message)
    : strings.invalidTask(message);
}

/** Values that are shorter can't be told from other words. */
const MIN_TOKEN_CHARS = 8;

/**
 * Throws `UserError` if a task contains a token of a Modal account from a variable of this computer, such as by
 * `${env:MODAL_TOKEN_SECRET}`. VS Code has resolved the definition.
 */
export function requireNoToken(
  definition: object,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): void {
  const text = JSON.stringify(definition);
  for (const [name, value = ''] of Object.entries(environment))
    if (isModalToken(name) && value.length >= MIN_TOKEN_CHARS && text.includes(JSON.stringify(value).slice(1, -1)))
      throw new UserError(strings.tokenInTask(name));
}

/**
 * Returns the request for a task with a `command` or `script`. Local paths become sandbox paths. Throws `UserError` for
 * paths in the workspace that aren't in the sandbox.
 */
export function requestForTask(
  task: TaskDefinition,
  { folder, workspaceFolders }: TaskPlace,
  label: string,
): RunRequest {
  const remote = remotePaths(folder.path, workspaceFolders);
  const args = task.args.map(remote);
  const programs: ProgramCandidate[] = task.script
    ? [{ argv: ['bash', '-c', remote(task.script), 'bash'] }, { argv: ['sh', '-c', remote(task.script), 'sh'] }]
    : [{ argv: [remote(task.command ?? '')] }];
  return runRequest({
    folder,
    label,
    programs,
    args,
    cwd: posix.resolve(REMOTE_ROOT, remote(task.cwd ?? '')),
    env: mapValues(task.env, remote),
    profile: task.profile,
    sync: task.sync,
    pull: task.pull.map(remote),
    pty: task.pty,
    detach: task.detach,
  });
}

/** The command line of a `shell` or `process` task. */
export interface CommandToRun {
  /** With the values of VS Code's variables. */
  readonly command: TaskCommand;
  /** The command as written, with the variables. */
  readonly original: ShellWord;
  /** The shells for command lines of tasks that name none. */
  readonly defaultShells: readonly Shell[];
}

/** Returns the request for a `shell` or `process` task: what VS Code would start itself, with sandbox paths. */
export function requestForCommand(
  { command: task, original, defaultShells }: CommandToRun,
  { folder, workspaceFolders }: TaskPlace,
  workspaceFolder: string,
  label: string,
): RunRequest {
  const remote = remotePaths(folder.path, workspaceFolders);
  const cwd = task.cwd || workspaceFolder;
  const common = {
    folder,
    label,
    cwd: posix.resolve(REMOTE_ROOT, remote(isAbsolute(cwd) ? cwd : join(workspaceFolder, cwd))),
    env: mapValues(task.env, remote),
  };
  if (task.kind === 'process')
    return runRequest({
      ...common,
      programs: [{ argv: [remote(textOf(task.command))] }],
      args: task.args.map((arg) => remote(textOf(arg))),
    });
  const shell = task.shell && { ...task.shell, executable: task.shell.executable && remote(task.shell.executable) };
  const line = commandLine({ ...task, original }, remote, shell?.quoting);
  const programs = shellPrograms(shell && { ...shell, args: shell.args?.map(remote) }, line, defaultShells);
  return runRequest({ ...common, programs });
}

function textOf(word: ShellWord): string {
  return typeof word === 'string' ? word : word.value;
}

/** Applies a function to the values of variables. */
export function mapValues(
  env: Readonly<Record<string, string>>,
  map: (value: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, map(value)]));
}
