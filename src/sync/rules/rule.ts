import type { Pattern } from './gitignore.ts';

/** The part of the rules that decides. */
export type RuleKind =
  | 'hard'
  | 'unreadable'
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

/** The rule that decides if a path is synced. */
export interface Explanation extends Rule {
  /** The path that the rule applies to: the requested one, or a folder above it. */
  readonly path: string;
  /** Set for an excluded folder of which something may be synced. */
  readonly isScanned?: true;
  /** The path of the file itself, if links lead to it. */
  readonly target?: string;
  /** Set for a link whose target isn't synced: why not. The link itself may be. */
  readonly leadsTo?: Explanation;
}

/** Returns the rule that excludes what a pattern matches. */
export function ruleOf(pattern: Pattern, kind: RuleKind, source: string): Rule {
  const builtIn = source === '';
  return { kind, included: false, text: pattern.text, source, line: builtIn ? 0 : pattern.line };
}
