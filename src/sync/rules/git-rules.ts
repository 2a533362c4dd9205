import { join, relative, sep } from 'node:path';
import { readRules, statOf } from './folder-markers.ts';
import type { GitRepo } from './git-repo.ts';
import { type Pattern, PatternList } from './gitignore.ts';

/** Git's rules for a folder: those of its parents, then its own. */
export interface GitRules {
  readonly repo: GitRepo;
  /** The folder's path in the repository, as a prefix of its children's paths: `''`, or ending in `/`. */
  readonly prefix: string;
  /** Ignore files from the repository's top down. `base` is a prefix like `prefix`. */
  readonly files: readonly { readonly base: string; readonly list: PatternList }[];
}

/** Returns the rules of the enclosing repository's folders above the root; none if they exclude the root itself. */
export function gitAbove(repo: GitRepo, root: string): GitRules {
  const parts = relative(repo.top, root)
    .split(sep)
    .filter((part) => part !== '');
  let git: GitRules = { repo, prefix: '', files: [] };
  for (const [depth, name] of parts.entries()) {
    git = withGitignore(git, join(repo.top, ...parts.slice(0, depth)), existsIgnore(repo.top, parts.slice(0, depth)));
    const pattern = lastGitPattern(git, name, true);
    const prefix = `${git.prefix}${name}/`;
    if (pattern && !pattern[0].negated) return { repo, prefix: `${parts.join('/')}/`, files: [] };
    git = { ...git, prefix };
  }
  return git;
}

/** A pattern, its kind, and the file that contains it. */
export type GitPattern = readonly [Pattern, 'git', string];

/**
 * Returns the deciding pattern in Git's order: the nearest `.gitignore` first, then `info/exclude`, then the user's
 * file.
 */
export function lastGitPattern(git: GitRules, name: string, isFolder: boolean): GitPattern | undefined {
  const path = git.prefix + name;
  for (let at = git.files.length - 1; at >= 0; at -= 1) {
    const { base, list } = git.files[at] as { base: string; list: PatternList };
    const pattern = list.last(path.slice(base.length), name, isFolder);
    if (pattern) return [pattern, 'git', list.source];
  }
  for (const list of [git.repo.infoExclude, git.repo.userExclude]) {
    const pattern = list.last(path, name, isFolder);
    if (pattern) return [pattern, 'git', list.source];
  }
  return undefined;
}

/** Adds the `.gitignore` of a folder. */
export function withGitignore(git: GitRules, folder: string, exists: boolean): GitRules {
  if (!exists) return git;
  const list = new PatternList(join(folder, '.gitignore'), readRules(join(folder, '.gitignore')), git.repo.ignoreCase);
  return { ...git, files: [...git.files, { base: git.prefix, list }] };
}

/** Git ignores a `.gitignore` that is a link. */
function existsIgnore(top: string, parts: readonly string[]): boolean {
  return statOf(join(top, ...parts, '.gitignore'))?.isFile() ?? false;
}
