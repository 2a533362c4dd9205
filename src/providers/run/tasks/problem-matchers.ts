import { sep } from 'node:path';
import * as vscode from 'vscode';
import { z } from 'zod';
import { type OwnMatcher, OwnMatcherSchema } from '../../../run/problems.ts';

/** What tasks.json says of a task, as far as VS Code's API does not tell it. */
const ConfiguredTaskSchema = z.object({
  label: z.string().optional(),
  problemMatcher: z.unknown().optional(),
});
const MatcherSchema = z.object({
  name: z.string().optional(),
  base: z.string().optional(),
  fileLocation: z.unknown().optional(),
  pattern: z.unknown().optional(),
});

/** VS Code's own matchers that take absolute paths; all others take paths relative to the folder. */
const ABSOLUTE = ['$msCompile', '$lessc', '$jshint', '$jshint-stylish', '$eslint-compact', '$eslint-stylish'];

export interface ProblemMatchers {
  /** Named matchers, which a task made by an extension can have. */
  readonly names: readonly string[];
  /** Those with a pattern of their own. */
  readonly own: readonly OwnMatcher[];
  /** What the matchers need in the place of the sandbox's `/workspace/`. */
  readonly localPrefix: string;
}

/** The problem matchers of a task of tasks.json; absent when it has none. */
export function problemMatchersOf(folder: vscode.WorkspaceFolder, label: string): ProblemMatchers | undefined {
  const configured = vscode.workspace.getConfiguration('tasks', folder).get<unknown[]>('tasks') ?? [];
  const task = configured
    .map((each) => ConfiguredTaskSchema.safeParse(each).data)
    .find((each) => each?.label === label);
  const matchers = [task?.problemMatcher ?? []].flat();
  if (matchers.length === 0) return undefined;
  const isAbsolute = matchers.some((matcher) => takesAbsolutePaths(matcher));
  return {
    names: matchers.flatMap((matcher) => nameOf(matcher) ?? []),
    own: matchers.flatMap((matcher) => OwnMatcherSchema.safeParse(matcher).data ?? []),
    localPrefix: isAbsolute ? folder.uri.fsPath + sep : '',
  };
}

/** A matcher's name; one that changes a named one in something else than its pattern goes by that. */
function nameOf(matcher: unknown): string | undefined {
  if (typeof matcher === 'string') return matcher;
  const { base, pattern } = MatcherSchema.safeParse(matcher).data ?? {};
  return pattern === undefined ? base : undefined;
}

function takesAbsolutePaths(matcher: unknown): boolean {
  if (typeof matcher === 'string') return ABSOLUTE.includes(matcher) || isAbsolute(contributed(matcher)?.fileLocation);
  const { base, fileLocation } = MatcherSchema.safeParse(matcher).data ?? {};
  return fileLocation === undefined ? base !== undefined && takesAbsolutePaths(base) : isAbsolute(fileLocation);
}

function isAbsolute(fileLocation: unknown): boolean {
  return [fileLocation].flat()[0] === 'absolute';
}

/** The definition of a matcher that another extension brings. */
function contributed(name: string): z.infer<typeof MatcherSchema> | undefined {
  for (const { packageJSON } of vscode.extensions.all) {
    const matchers = z.array(MatcherSchema).safeParse(packageJSON?.contributes?.problemMatchers).data ?? [];
    const found = matchers.find((matcher) => `$${matcher.name}` === name);
    if (found) return found;
  }
  return undefined;
}
