import * as vscode from 'vscode';
import { z } from 'zod';
import { type Matcher, type MatcherRegistry, resolveMatcher } from '../../../run/tasks/matcher.ts';
import { MATCHERS, PATTERNS } from '../../../run/tasks/named-matchers.ts';

/** The problem matchers of a task. */
export interface ProblemMatchers {
  /** Those that we apply. */
  readonly own: readonly Matcher[];
  /** The names of those that only VS Code knows. */
  readonly names: readonly string[];
}

/** Finds the definitions of a task's matchers. Those that aren't valid are skipped, as in VS Code. */
export function problemMatchersOf(matchers: readonly unknown[]): ProblemMatchers {
  const registry = installedMatchers();
  const resolved = matchers.map((raw) => ({ raw, matcher: resolveMatcher(raw, registry) }));
  return {
    own: resolved.flatMap(({ matcher }) => matcher ?? []),
    names: resolved.flatMap(({ raw, matcher }) => (matcher === undefined && typeof raw === 'string' ? raw : [])),
  };
}

/** Returns true if one of the matchers takes absolute paths. */
export function takesAbsolutePaths(matchers: readonly unknown[]): boolean {
  return problemMatchersOf(matchers).own.some(({ location }) => location.kind === 'absolute');
}

const ContributionsSchema = z.array(z.looseObject({ name: z.string() })).catch([]);

/** The patterns and matchers of VS Code and of the extensions. */
function installedMatchers(): MatcherRegistry {
  const contributed = (kind: 'problemPatterns' | 'problemMatchers', name: string) =>
    vscode.extensions.all
      .flatMap(({ packageJSON }) => ContributionsSchema.parse(packageJSON?.contributes?.[kind]))
      .find((each) => each.name === name);
  return {
    pattern: (name) => contributed('problemPatterns', name) ?? PATTERNS[name],
    matcher: (name) => contributed('problemMatchers', name) ?? MATCHERS[name],
  };
}
