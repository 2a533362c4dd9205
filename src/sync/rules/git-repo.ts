import { spawnSync } from 'node:child_process';
import { lstatSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { isUnreadable, readRules, UnreadableRules } from './folder-markers.ts';
import { parseGitIndex, TrackedFiles } from './git-index.ts';
import { PatternList } from './gitignore.ts';

/** A Git repository's rules for its working tree, apart from `.gitignore` files. */
export interface GitRepo {
  /** The real path of the working tree's top folder. */
  readonly top: string;
  readonly tracked: TrackedFiles;
  /** The patterns in `.git/info/exclude`. */
  readonly infoExclude: PatternList;
  /** The patterns in the user's own ignore file, `core.excludesFile`. */
  readonly userExclude: PatternList;
  readonly ignoreCase: boolean;
}

interface GitConfig {
  readonly excludesFile: string;
  readonly ignoreCase: boolean;
}

/** Opens Git repositories, and reads their files again only after they have changed. */
export class GitRepos {
  /** Running `git config` takes some milliseconds. */
  readonly #configs = new Map<string, { readonly stamp: string; readonly config: GitConfig }>();
  readonly #trackedFiles = new Map<string, { readonly stamp: string; readonly tracked: TrackedFiles }>();

  /** Opens the repository whose working tree starts at `folder`; undefined if there is none. */
  open(folder: string): GitRepo | undefined {
    const gitDir = gitDirOf(folder);
    if (!gitDir) return undefined;
    const commonDir = commonDirOf(gitDir);
    const { excludesFile, ignoreCase } = this.#readConfig(folder, commonDir);
    return {
      top: realpathSync(folder),
      tracked: this.#readTracked(folder, gitDir),
      infoExclude: readPatterns(join(commonDir, 'info', 'exclude'), ignoreCase),
      userExclude: readPatterns(excludesFile, ignoreCase),
      ignoreCase,
    };
  }

  /** Opens the repository that a folder is in, at or above it. */
  around(folder: string): GitRepo | undefined {
    for (let at = realpathSync(folder); ; at = dirname(at)) {
      const repo = this.open(at);
      if (repo) return repo;
      if (dirname(at) === at) return undefined;
    }
  }

  #readConfig(folder: string, commonDir: string): GitConfig {
    const xdg = process.env.XDG_CONFIG_HOME || join(homedir(), '.config');
    const { HOME, GIT_CONFIG_GLOBAL } = process.env;
    const own = GIT_CONFIG_GLOBAL ? [GIT_CONFIG_GLOBAL] : [join(homedir(), '.gitconfig'), join(xdg, 'git', 'config')];
    const files = [join(commonDir, 'config'), ...own];
    const stamp = JSON.stringify([files, files.map(stampOf), HOME]);
    const cached = this.#configs.get(commonDir);
    if (cached?.stamp === stamp) return cached.config;
    // Git takes a file of the user's that it may not read for none.
    for (const file of files) readRules(file);
    const values = runGit(folder, ['config', '--null', '--path', '--get-regexp', '^core\\.(excludesfile|ignorecase)$']);
    const config = { excludesFile: join(xdg, 'git', 'ignore'), ignoreCase: false };
    for (const [, key, value] of values.matchAll(/([^\n\0]+)\n([^\0]*)\0/g)) {
      if (key === 'core.excludesfile') config.excludesFile = resolve(folder, value as string);
      else config.ignoreCase = /^(true|yes|on|1|)$/i.test(value as string);
    }
    this.#configs.set(commonDir, { stamp, config });
    return config;
  }

  #readTracked(folder: string, gitDir: string): TrackedFiles {
    const path = join(gitDir, 'index');
    const stamp = stampOf(path);
    const cached = this.#trackedFiles.get(path);
    if (cached?.stamp === stamp) return cached.tracked;
    let names: string[] = [];
    try {
      // Other forms of the index (split, sparse) are left to Git.
      names = parseGitIndex(readFileSync(path)) ?? runGit(folder, ['ls-files', '-z', '--cached']).split('\0');
    } catch {
      // Without an index, nothing is tracked.
    }
    const tracked = new TrackedFiles(names.filter((name) => name !== ''));
    this.#trackedFiles.set(path, { stamp, tracked });
    return tracked;
  }
}

/** Stands in for a repository where there is none, because `.gitignore` files apply there, too. */
export function noRepo(folder: string): GitRepo {
  const none = PatternList.empty;
  return { top: folder, tracked: new TrackedFiles([]), infoExclude: none, userExclude: none, ignoreCase: false };
}

/** Reads an ignore file. A missing one has no patterns. Throws `UnreadableRules`. */
function readPatterns(path: string, ignoreCase: boolean): PatternList {
  return new PatternList(path, readRules(path), ignoreCase);
}

/** Returns true if a folder is a repository's own, such as a bare repository: what Git requires of one. */
export function isGitData(folder: string): boolean {
  const head = join(folder, 'HEAD');
  try {
    if (lstatSync(head).isSymbolicLink() && readlinkSync(head).startsWith('refs/')) return true;
    return statSync(head).isFile() && /^(?:ref:|[0-9a-f]{40,64}\s*$)/.test(readFileSync(head, 'utf8'));
  } catch (error) {
    return isUnreadable(error);
  }
}

/**
 * Finds the Git folder: `.git`, or in worktrees and submodules the folder that the file `.git` names. Throws
 * `UnreadableRules` if that can't be told.
 */
function gitDirOf(folder: string): string | undefined {
  const path = join(folder, '.git');
  try {
    const gitDir = statSync(path).isDirectory()
      ? path
      : resolve(folder, /^gitdir: (.*)/.exec(readFileSync(path, 'utf8'))?.[1]?.trim() ?? '');
    // What Git itself requires of a repository, apart from its references.
    statSync(join(gitDir, 'HEAD'));
    statSync(join(commonDirOf(gitDir), 'objects'));
    return gitDir;
  } catch (error) {
    if (isUnreadable(error)) throw new UnreadableRules(path, error);
    return undefined;
  }
}

function commonDirOf(gitDir: string): string {
  try {
    return resolve(gitDir, readFileSync(join(gitDir, 'commondir'), 'utf8').trim());
  } catch (error) {
    if (isUnreadable(error)) throw error;
    return gitDir;
  }
}

/**
 * Runs a Git command and returns its output; empty if Git isn't installed or the command fails. Throws `UnreadableRules`
 * for a configuration that Git can't read.
 */
function runGit(folder: string, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync('git', ['-C', folder, ...args], {
    encoding: 'utf8',
    maxBuffer: 1024 ** 3,
    timeout: 10_000,
    windowsHide: true,
    env: { ...process.env, GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' },
  });
  const broken = /bad config .* file (.+)$/m.exec(stderr ?? '')?.[1];
  if (broken !== undefined) throw new UnreadableRules(resolve(folder, broken), stderr);
  return stdout ?? '';
}

function stampOf(path: string): string {
  try {
    const { mtimeMs, ctimeMs, size, ino } = statSync(path);
    return `${mtimeMs} ${ctimeMs} ${size} ${ino}`;
  } catch {
    return '';
  }
}
