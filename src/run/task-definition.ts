import { posix } from 'node:path';
import { z } from 'zod';
import { shellJoin } from '../base/shell.ts';
import type { Folder } from '../sandboxes/folder.ts';
import { REMOTE_ROOT } from '../sync/options.ts';
import { type RunRequest, runRequest } from './request.ts';
import type { ProgramCandidate } from './runners.ts';

export const TASK_TYPE = 'modal';

/** A `modal` task as written in tasks.json; one of `file`, `command` and `script` says what runs. */
export const TaskSchema = z
  .object({
    type: z.literal(TASK_TYPE),
    file: z.string().min(1).optional(),
    command: z.string().min(1).optional(),
    script: z.string().min(1).optional(),
    args: z.array(z.string()).default([]),
    cwd: z.string().optional(),
    env: z.record(z.string().regex(/^[A-Za-z_]\w*$/, 'has a name that no variable can have'), z.string()).default({}),
    profile: z.string().min(1).optional(),
    sync: z.boolean().default(true),
    pull: z.array(z.string().min(1)).default([]),
    pty: z.boolean().default(true),
  })
  .refine(({ file, command, script }) => [file, command, script].filter((each) => each !== undefined).length === 1, {
    message: 'needs exactly one of "file", "command" and "script"',
  });

export type TaskDefinition = z.infer<typeof TaskSchema>;

/** Checks a definition. Returns it, or what is wrong with it in a sentence. */
export function parseTask(raw: unknown): TaskDefinition | string {
  const parsed = TaskSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue && issue.path.length > 0 ? `“${issue.path.join('.')}” of the task` : 'The task';
  return `${place}: ${issue?.message}. Mend it in tasks.json, then run again.`;
}

/** The request of a task with a `command` or a `script`; paths of the local folder become those in the sandbox. */
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

/** A local path, where it stands as a whole path or as the beginning of one, is the sandbox's own there. */
export function toRemote(text: string, localRoot: string): string {
  const pattern = localRoot.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('\\\\', '[\\\\/]');
  return text.replaceAll(new RegExp(`${pattern}(?=$|[\\\\/\\s"':;,)])([\\\\/][^\\s"':;,)]*)?`, 'g'), (_, rest = '') => {
    return REMOTE_ROOT + rest.replaceAll('\\', '/');
  });
}

/** How a word of a task of type `shell` is quoted. */
export type ShellWord = string | { readonly value: string; readonly quoting: 'escape' | 'strong' | 'weak' };

/** The command line of a `shell` task as VS Code would give it to a POSIX shell. */
export function shellLine(line: readonly ShellWord[]): string {
  return line.map(shellWord).join(' ');
}

function shellWord(word: ShellWord): string {
  // A plain word is the shell's own text, unless blanks would take it apart.
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
