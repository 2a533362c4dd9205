/** Which part of the rules decided. */
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

/** One rule: what it is, and where it is written. */
export interface Rule {
  readonly kind: RuleKind;
  readonly included: boolean;
  /** The line, or words for a rule that is not written anywhere. */
  readonly text: string;
  /** The file or setting it stands in; empty for built-in rules. */
  readonly source: string;
  /** Counted from 1; 0 for built-in rules. */
  readonly line: number;
}
