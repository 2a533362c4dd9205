import { realpathSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, isAbsolute, join, relative, sep } from 'node:path';
import { UserError } from '../base/errors.ts';
import { isWithin } from '../base/inside-folder.ts';
import { visibleName } from '../base/text.ts';
import { languageOf } from '../run/languages.ts';
import { NO_PROJECTS, projectsOf } from '../run/projects.ts';
import { COPIES_ROOT, fileRequest, type RunRequest, runRequest } from '../run/request.ts';
import { type CustomRunners, extensionOf, fileNameFor, type Runner, runnerOf } from '../run/runners.ts';
import type { Folder } from '../sandboxes/folder.ts';
import type { FolderSyncs } from '../sandboxes/folder-syncs.ts';
import { folderKey } from '../sandboxes/sandbox-origin.ts';
import { looksLikeCredential } from '../sync/rules/builtin.ts';
import { canInclude, decidingRule, reasonOf } from '../sync/rules/reason.ts';
import { strings } from './strings.ts';

/** What requests depend on. */
export interface RequestContext {
  readonly folder: Folder;
  readonly syncs: FolderSyncs;
  readonly runners: CustomRunners;
  /** The profile to use; undefined for the folder's current one. */
  readonly profile: string | undefined;
}

/** Builds the request for a command line in the folder. `cwd` is a path on this computer. Throws `UserError`. */
export function commandRequest(
  { folder, profile }: Pick<RequestContext, 'folder' | 'profile'>,
  command: readonly string[],
  cwd: string,
): RunRequest {
  const [program, ...args] = command;
  if (!program) throw new UserError(strings.commandEmpty());
  const label = command.join(' ');
  return runRequest({ folder, label, programs: [{ argv: [program] }], args, cwd: placeIn(folder, cwd), profile });
}

/** Builds the request for a file, with the command line that the editor runs it with. Throws `UserError`. */
export async function requestForFile(
  context: RequestContext,
  file: string,
  args: readonly string[],
): Promise<RunRequest> {
  const { folder, profile } = context;
  const name = basename(file);
  const content = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    const describe = error.code === 'ENOENT' ? strings.fileMissing : strings.fileUnreadable;
    throw new UserError(describe(visibleName(file)), { cause: error });
  });
  if (!isWithin(folder.path, file)) return { ...copyRequest(context, file, content, args), profile };
  const path = relative(folder.path, file).split(sep).join('/');
  const runner = requireRunner(context, name, content, path);
  await requireSynced(context, path);
  return { ...fileRequest(folder, path, runner, args), profile };
}

/** Runs a copy of a file that is outside the folder. */
function copyRequest(context: RequestContext, file: string, content: Buffer, args: readonly string[]): RunRequest {
  const name = basename(file);
  // A link is judged by the file that it leads to, too.
  if ([file, realpathSync(file)].some((each) => looksLikeCredential(each.split(sep).join('/'))))
    throw new UserError(strings.credentialNotSent(visibleName(name)));
  const { programs } = requireRunner(context, name, content);
  const path = `${COPIES_ROOT}/${folderKey(file)}/${fileNameFor(name, languageOf(name, content.toString()))}`;
  const copy = { path, content, reason: strings.copyOfOutsideFile(visibleName(name)) };
  return runRequest({ folder: context.folder, label: name, programs, args: [path, ...args], copy });
}

function requireRunner({ folder, runners }: RequestContext, name: string, content: Buffer, path?: string): Runner {
  const text = content.toString();
  const projects = path === undefined ? NO_PROJECTS : projectsOf(folder.path, path);
  const runner = runnerOf({ name, languageId: languageOf(name, text), text, projects }, runners);
  if (!runner) throw new UserError(strings.noRunner(visibleName(name), extensionOf(name) || name));
  return runner;
}

/** Throws `UserError` for a file that isn't synced. */
async function requireSynced({ folder, syncs }: RequestContext, path: string): Promise<void> {
  const [found] = await syncs.of(folder).explain([path]);
  const rule = found && decidingRule(found);
  if (!rule || rule.included) return;
  if (rule.kind === 'unreadable') throw new UserError(rule.text);
  const describe = canInclude(rule) ? strings.fileNotSynced : strings.fileNeverSynced;
  throw new UserError(describe(visibleName(path), reasonOf(rule, folder.path, path)));
}

/** Returns a path on this computer relative to the folder, with `/`; the folder itself if it's elsewhere. */
function placeIn(folder: Folder, path: string): string {
  return isWithin(folder.path, path) ? relative(folder.path, path).split(sep).join('/') : '';
}

/** What marks the folder of a project. */
const MARKS = [join('.vscode', 'modal.json'), '.git'];

/** Returns the folder of the project that a path is in: the nearest with a modal.json or a Git repository, or else itself. */
export function findFolder(from: string): string {
  for (const mark of MARKS) {
    for (let at = from; ; at = join(at, '..')) {
      if (isOwn(join(at, mark))) return at;
      if (join(at, '..') === at) break;
    }
  }
  return from;
}

/** Returns false for a file that doesn't exist, or that another user has put there, such as in the temporary folder. */
function isOwn(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && (process.getuid === undefined || found.uid === process.getuid());
}

/** Returns a path as given on a command line, as an absolute one. */
export function absolute(path: string, cwd: string): string {
  return isAbsolute(path) ? path : join(cwd, path);
}
