import { posix } from 'node:path';
import { z } from 'zod';
import { UserError } from '../base/errors.ts';
import { shellJoin } from '../base/shell.ts';
import { isModalToken } from '../profiles/fields.ts';
import type { Folder } from '../sandboxes/folder.ts';
import { REMOTE_ROOT } from '../sync/options.ts';
import { type RunRequest, runRequest } from './request.ts';
import type { ProgramCandidate } from './runners.ts';
import { strings } from './strings.ts';

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
  })
  .refine(({ file, command, script }) => [file, command, script].filter((each) => each !== undefined).length === 1, {
    error: () => strings.oneKindOfTask(),
  });

export type TaskDefinition = z.infer<typeof TaskSchema>;

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

/** Returns the request for a task with a `command` or `script`. Local paths become sandbox paths. */
export function requestForTask(task: TaskDefinition, folder: Folder, label: string): RunRequest {
  const remote = (text: string) => toRemote(text, folder.path);
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
    env: Object.fromEntries(Object.entries(task.env).map(([name, value]) => [name, remote(value)])),
    profile: task.profile,
    sync: task.sync,
    pull: task.pull,
    pty: task.pty,
  });
}

/** Replaces paths in the local folder with their paths in the sandbox. */
export function toRemote(text: string, localRoot: string): string {
  const pattern = localRoot.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('\\\\', '[\\\\/]');
  return text.replaceAll(new RegExp(`${pattern}(?=$|[\\\\/\\s"':;,)])([\\\\/][^\\s"':;,)]*)?`, 'g'), (_, rest = '') => {
    return REMOTE_ROOT + rest.replaceAll('\\', '/');
  });
}

/** A word of a `shell` task's command line, with its quoting. */
export type ShellWord = string | { readonly value: string; readonly quoting: 'escape' | 'strong' | 'weak' };

/** Returns a `shell` task's command line as VS Code would pass it to a POSIX shell. */
export function shellLine(line: readonly ShellWord[]): string {
  return line.map(shellWord).join(' ');
}

function shellWord(word: ShellWord): string {
  // A plain word is shell syntax, unless whitespace would split it.
  if (typeof word === 'string') return /\s/.test(word) && !/^(["']).*\1$/.test(word) ? shellJoin([word]) : word;
  switch (word.quoting) {
    case 'escape':
      return word.value.replaceAll(/([\s"'$`\\|&;<>()*?[\]#~!{}])/g, '\\$1');
    case 'strong':
      return `'${word.value.replaceAll("'", "'\\''")}'`;
    case 'weak':
      return `"${word.value.replaceAll(/(["\\`])/g, '\\$1')}"`;
  }
}
