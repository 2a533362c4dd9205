import { looksLikeCredential, namesOnPurpose } from './builtin.ts';
import { PatternList } from './gitignore.ts';

/**
 * Decides if a file may be sent by other ways than the sync. `path` is relative to the workspace folder, with `/`;
 * `isNamed` is true if the file itself is named, and not only a folder or a pattern that contains it.
 */
export type SendsFile = (path: string, isNamed: boolean) => boolean;

/** Sends files that look like credentials only if they are named. */
export const sendsIfNamed: SendsFile = (path, isNamed) => isNamed || !looksLikeCredential(path);

/** Returns a function that checks if patterns of `modal.sync.include` name a path on purpose. */
export function namedBy(patterns: readonly string[]): (path: string) => boolean {
  const list = new PatternList('modal.sync.include', patterns.join('\n'));
  return (path) => {
    const pattern = list.last(path, path.slice(path.lastIndexOf('/') + 1), false);
    return pattern !== undefined && !pattern.negated && namesOnPurpose(pattern);
  };
}
