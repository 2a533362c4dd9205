import { sep } from 'node:path';
import * as vscode from 'vscode';
import { z } from 'zod';
import { type OwnMatcher, OwnMatcherSchema } from '../../../run/problems.ts';

/** The parts of a task in tasks.json that VS Code's API doesn't expose. */
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

/** VS Code's built-in matchers that take absolute paths. All others take paths relative to the folder. */
const ABSOLUTE_MATCHERS = ['$msCompile', '$lessc', '$jshint', '$jshint-stylish', '$eslint-compact', '$eslint-stylish'];

export interface ProblemMatchers {
  /** Named matchers, the only kind that a task created by an extension can have. */
  readonly names: readonly string[];
  /** Matchers with their own pattern. */
  readonly own: readonly OwnMatcher[];
  /** Replaces the sandbox's `/workspace/` in the output that the matchers read. */
  readonly localPrefix: string;
}

/** Returns the problem matchers of a task in tasks.json; undefined if it has none. */
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

/** Returns a matcher's name. One that extends a named matcher without changing its pattern has the name of that. */
function nameOf(matcher: unknown): string | undefined {
  if (typeof matcher === 'string') return matcher;
  const { base, pattern } = MatcherSchema.safeParse(matcher).data ?? {};
  return pattern === undefined ? base : undefined;
}

function takesAbsolutePaths(matcher: unknown): boolean {
  if (typeof matcher === 'string')
    return ABSOLUTE_MATCHERS.includes(matcher) || isAbsolute(contributed(matcher)?.fileLocation);
  const { base, fileLocation } = MatcherSchema.safeParse(matcher).data ?? {};
  return fileLocation === undefined ? base !== undefined && takesAbsolutePaths(base) : isAbsolute(fileLocation);
}

function isAbsolute(fileLocation: unknown): boolean {
  return [fileLocation].flat()[0] === 'absolute';
}

/** Returns the definition of a matcher that another extension contributes. */
function contributed(name: string): z.infer<typeof MatcherSchema> | undefined {
  for (const { packageJSON } of vscode.extensions.all) {
    const matchers = z.array(MatcherSchema).safeParse(packageJSON?.contributes?.problemMatchers).data ?? [];
    const found = matchers.find((matcher) => `$${matcher.name}` === name);
    if (found) return found;
  }
  return undefined;
}
