/** The part of the rules that decides. */
export type RuleKind =
  | 'hard'
  | 'include'
  | 'exclude'
  | 'modalignore'
  | 'credential'
  | 'bulk'
  | 'git'
  | 'tracked'
  | 'default';

/** One rule, and where it is defined. */
export interface Rule {
  readonly kind: RuleKind;
  readonly included: boolean;
  /** The line, or a description of a rule that no file contains. */
  readonly text: string;
  /** The file or setting that contains it; empty for built-in rules. */
  readonly source: string;
  /** The line number, from 1; 0 for built-in rules. */
  readonly line: number;
}
