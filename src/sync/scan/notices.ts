import { parentOf } from '../index/entries.ts';
import { ALWAYS_EXCLUDED, GIT_DATA, isHardlyData, VIRTUAL_ENVIRONMENT } from '../rules/builtin.ts';
import type { Rule } from '../rules/rule.ts';
import type { FolderRules } from '../rules/rules.ts';

/** Something about a folder's sync that users are told once. */
export interface Notice {
  readonly kind: /** Not sent, although no rule of Git or the user says so. */
    | 'left-out'
    /** Not sent, because it is the data of a Git repository. */
    | 'git-data'
    /** Not sent, for a reason that lasts. */
    | 'skipped'
    /** A link that is sent, but not its target. */
    | 'dangling-link'
    /** A file that is sent, but whose content is in Git LFS. */
    | 'lfs-pointer'
    /** A folder with most of the files, which are so many that they may be data. */
    | 'crowded'
    /** A pattern of a setting that matches nothing. */
    | 'unmatched-include'
    | 'unmatched-exclude';
  /** The path, or the pattern. */
  readonly path: string;
  /** With `skipped`. */
  readonly reason?: string;
  /** Notices with equal keys are told together, once. */
  readonly key: string;
}

/** `key` defaults to the path. */
export function notice(kind: Notice['kind'], path: string, key = path): Notice {
  return { kind, path, key: `${kind}\0${key}` };
}

/** Returns the notice about a path that a built-in rule excludes; undefined if it can't surprise anyone. */
export function exclusionNotice(path: string, rule: Rule, isFolder: boolean, folder: FolderRules): Notice | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (rule === VIRTUAL_ENVIRONMENT) return notice('left-out', `${parentOf(path)}/`);
  if (rule === GIT_DATA) return ALWAYS_EXCLUDED.names.has(name) ? undefined : notice('git-data', `${parentOf(path)}/`);
  if (rule.kind !== 'bulk' || isHardlyData(rule.text) || folder.isIgnoredByGit(name, isFolder)) return undefined;
  return notice('left-out', isFolder ? `${path}/` : path, rule.text);
}

/** Returns the notice about a path that isn't sent for a reason that lasts. */
export function skippedNotice({ path, reason }: { readonly path: string; readonly reason: string }): Notice {
  return { ...notice('skipped', path), reason };
}
