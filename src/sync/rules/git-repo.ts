import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseGitIndex, TrackedFiles } from './git-index.ts';
import { PatternList } from './gitignore.ts';

/** What git's own files outside of the tree say about a working tree. */
export interface GitRepo {
  /** Real path of the working tree's top. */
  readonly top: string;
  readonly tracked: TrackedFiles;
  /** `.git/info/exclude`. */
  readonly infoExclude: PatternList;
  /** The user's own ignore file, `core.excludesFile`. */
  readonly userExclude: PatternList;
  readonly ignoreCase: boolean;
}

/** Opens the repository whose working tree starts at `folder`; undefined when there is none. */
export function openRepo(folder: string): GitRepo | undefined {
  const gitDir = gitDirOf(folder);
  if (!gitDir) return undefined;
  const commonDir = commonDirOf(gitDir);
  const { excludesFile, ignoreCase } = readConfig(folder, commonDir);
  return {
    top: realpathSync(folder),
    tracked: readTracked(folder, gitDir),
    infoExclude: readPatterns(join(commonDir, 'info', 'exclude'), ignoreCase),
    userExclude: readPatterns(excludesFile, ignoreCase),
    ignoreCase,
  };
}

/** The repository that a folder lies in, at or above it. */
export function repoAround(folder: string): GitRepo | undefined {
  for (let at = realpathSync(folder); ; at = dirname(at)) {
    const repo = openRepo(at);
    if (repo) return repo;
    if (dirname(at) === at) return undefined;
  }
}

/** What stands for the repository where there is none: people mean their `.gitignore` there too. */
export function noRepo(folder: string): GitRepo {
  const none = PatternList.empty;
  return { top: folder, tracked: new TrackedFiles([]), infoExclude: none, userExclude: none, ignoreCase: false };
}

/** Reads an ignore file; a missing one has no lines. */
export function readPatterns(path: string, ignoreCase: boolean, source = path): PatternList {
  try {
    return new PatternList(source, readFileSync(path, 'utf8'), ignoreCase);
  } catch {
    return PatternList.empty;
  }
}

/** `.git` is a folder, or in worktrees and submodules a file that names it. */
function gitDirOf(folder: string): string | undefined {
  const path = join(folder, '.git');
  try {
    const gitDir = statSync(path).isDirectory()
      ? path
      : resolve(folder, /^gitdir: (.*)/.exec(readFileSync(path, 'utf8'))?.[1]?.trim() ?? '');
    // What git itself asks of a repository, but for its references.
    return existsSync(join(gitDir, 'HEAD')) && existsSync(join(commonDirOf(gitDir), 'objects')) ? gitDir : undefined;
  } catch {
    return undefined;
  }
}

function commonDirOf(gitDir: string): string {
  try {
    return resolve(gitDir, readFileSync(join(gitDir, 'commondir'), 'utf8').trim());
  } catch {
    return gitDir;
  }
}

interface GitConfig {
  readonly excludesFile: string;
  readonly ignoreCase: boolean;
}

/** SyncPrompts git takes some milliseconds, so its answer is kept while the files it reads stay the same. */
const configs = new Map<string, { readonly stamp: string; readonly config: GitConfig }>();

function readConfig(folder: string, commonDir: string): GitConfig {
  const xdg = process.env.XDG_CONFIG_HOME || join(homedir(), '.config');
  const files = [join(commonDir, 'config'), join(homedir(), '.gitconfig'), join(xdg, 'git', 'config')];
  const stamp = JSON.stringify([files.map(stampOf), process.env.GIT_CONFIG_GLOBAL, process.env.HOME]);
  const kept = configs.get(commonDir);
  if (kept?.stamp === stamp) return kept.config;
  const values = askGit(folder, ['config', '--null', '--path', '--get-regexp', '^core\\.(excludesfile|ignorecase)$']);
  const config = { excludesFile: join(xdg, 'git', 'ignore'), ignoreCase: false };
  for (const [, key, value] of values.matchAll(/([^\n\0]+)\n([^\0]*)\0/g)) {
    if (key === 'core.excludesfile') config.excludesFile = resolve(folder, value as string);
    else config.ignoreCase = /^(true|yes|on|1|)$/i.test(value as string);
  }
  configs.set(commonDir, { stamp, config });
  return config;
}

const trackedFiles = new Map<string, { readonly stamp: string; readonly tracked: TrackedFiles }>();

function readTracked(folder: string, gitDir: string): TrackedFiles {
  const path = join(gitDir, 'index');
  const stamp = stampOf(path);
  const kept = trackedFiles.get(path);
  if (kept?.stamp === stamp) return kept.tracked;
  let names: string[] = [];
  try {
    // Forms of the index that are not read here (split, sparse) are left to git.
    names = parseGitIndex(readFileSync(path)) ?? askGit(folder, ['ls-files', '-z', '--cached']).split('\0');
  } catch {
    // No index: nothing is tracked.
  }
  const tracked = new TrackedFiles(names.filter((name) => name !== ''));
  trackedFiles.set(path, { stamp, tracked });
  return tracked;
}

/** What a git command prints, empty when there is no git or it fails. */
function askGit(folder: string, args: readonly string[]): string {
  const { stdout } = spawnSync('git', ['-C', folder, ...args], {
    encoding: 'utf8',
    maxBuffer: 1024 ** 3,
    timeout: 10_000,
    windowsHide: true,
    env: { ...process.env, GIT_OPTIONAL_LOCKS: '0' },
  });
  return stdout ?? '';
}

function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? `${stat.mtimeMs} ${stat.ctimeMs} ${stat.size} ${stat.ino}` : '';
}
