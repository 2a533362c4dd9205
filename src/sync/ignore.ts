import ignore, { type Ignore } from 'ignore';

/** The rules of one ignore file; its patterns are relative to the folder it lies in. */
interface RuleFile {
  /** Folder of the file, relative to the root, `''` or ending in `/`. */
  readonly base: string;
  readonly rules: Ignore;
}

/** Ignore rules in force inside one folder: those of the folders above it, then its own. */
export class IgnoreRules {
  static readonly none = new IgnoreRules([]);
  readonly #files: readonly RuleFile[];

  private constructor(files: readonly RuleFile[]) {
    this.#files = files;
  }

  /** These rules and those of an ignore file's text in `folder` (relative to the root, `''` for the root itself). */
  with(folder: string, text: string): IgnoreRules {
    const base = folder === '' ? '' : `${folder}/`;
    return new IgnoreRules([...this.#files, { base, rules: ignore().add(text) }]);
  }

  /**
   * Whether a path relative to the root is left out. The caller never asks about what lies below an ignored folder, as
   * git does not either.
   */
  ignores(path: string, isFolder: boolean): boolean {
    // The file nearest to the path decides, as in git.
    for (const { base, rules } of this.#files.toReversed()) {
      const { ignored, unignored } = rules.test(path.slice(base.length) + (isFolder ? '/' : ''));
      if (ignored || unignored) return ignored;
    }
    return false;
  }
}
