import { isAbsolute, relative } from 'node:path';
import { visibleName } from '../../base/text.ts';
import { strings } from '../strings.ts';
import type { Explanation } from './rule.ts';

/** Returns the rule that decides if a file can run in the sandbox: a link can't if what it leads to isn't there. */
export function decidingRule(found: Explanation): Explanation {
  return found.included && found.leadsTo ? found.leadsTo : found;
}

/** Returns true if a setting can include what a rule excludes. */
export function canInclude({ included, kind }: Explanation): boolean {
  return !included && kind !== 'hard' && kind !== 'unreadable';
}

/** Describes the rule that applies to a file, as a fragment without a period. */
export function reasonOf(rule: Explanation, root: string, path: string): string {
  const reason = rule.source === '' ? builtInReason(rule) : sourceReason(rule, root);
  return rule.path === path || rule.path === '' ? reason : strings.appliesTo(reason, visibleName(rule.path));
}

function sourceReason({ source, line, text }: Explanation, root: string): string {
  const inside = relative(root, source);
  const shown = isAbsolute(source) && !inside.startsWith('..') ? inside : source;
  return line > 0 ? strings.ruleOfLine(line, shown, text) : strings.ruleOfSource(shown, text);
}

function builtInReason({ kind, text }: Explanation): string {
  switch (kind) {
    case 'credential':
      return strings.looksLikeCredential(text);
    case 'bulk':
      return strings.excludedByDefault(text);
    default:
      return text;
  }
}
