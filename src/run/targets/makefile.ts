import type { Target } from './target.ts';

const DIRECTIVE =
  /^(?:ifeq|ifneq|ifdef|ifndef|else|endif|include|-include|sinclude|load|-load|vpath|export|unexport|undefine)(?=\s|\(|$)(?!\s*::?(?:\s|$))/;
const MODIFIERS = /^(?:(?:override|export|private|unexport)\s+)*/;
const DEFINE = /^(?:(?:override|export|private)\s+)*define(?=\s|$)/;
/** A name, which may contain references to variables, and an operator. Such a line is an assignment. */
const ASSIGNMENT = /^(?:\$\([^()]*\)|\$\{[^{}]*\}|[^\s:=#$?+!]|[?+!](?!=))+\s*(?::{1,3}|[?+!])?=/;
/** The targets of a rule up to its colon, in which a backslash escapes. */
const RULE = /^((?:\$\([^()]*\)|\$\{[^{}]*\}|\$[^({]|\\.|[^:=#\\$])+?)\s*&?::?(?![:=])/;

/**
 * Finds the targets of a Makefile's explicit rules: no patterns, special targets, or variables. Rules of all branches of
 * conditionals count.
 */
export function findMakeTargets(text: string): Target[] {
  const targets: Target[] = [];
  const seen = new Set<string>();
  let definitions = 0;
  const suffixes = new Set(SUFFIXES.split(' '));
  let recipePrefix = '\t';
  for (const { line, source } of logicalLines(text)) {
    if (source.startsWith(recipePrefix)) continue;
    const trimmed = source.trimStart();
    if (DEFINE.test(trimmed)) definitions += 1;
    else if (definitions > 0 && /^endef(?=\s|#|$)/.test(trimmed)) definitions -= 1;
    else if (definitions === 0) {
      const prefix = /^\.RECIPEPREFIX\s*:*=\s*(\S)?/.exec(trimmed);
      if (prefix) recipePrefix = prefix[1] ?? '\t';
      const [, added] = /^\.SUFFIXES\s*:([^#]*)/.exec(trimmed) ?? [];
      if (added?.trim() === '') suffixes.clear();
      for (const suffix of added?.split(/\s+/) ?? []) suffixes.add(suffix.slice(1));
      for (const name of targetsOf(trimmed)) {
        if (seen.has(name) || isSuffixRule(name, suffixes)) continue;
        seen.add(name);
        targets.push({ kind: 'makeTarget', line, name });
      }
    }
  }
  return targets;
}

/** Returns the names that a line has rules for. */
function targetsOf(source: string): string[] {
  const line = source.replace(MODIFIERS, '');
  if (DIRECTIVE.test(source) || ASSIGNMENT.test(line)) return [];
  const [all = '', names = ''] = RULE.exec(source) ?? [];
  if (all === '' || ASSIGNMENT.test(source.slice(all.length).trimStart().replace(MODIFIERS, ''))) return [];
  return (names.match(/(?:\\.|\$\([^()]*\)|[^\s\\])+|\\$/g) ?? [])
    .map((name) => name.replace(/\\([\s\S])/g, (pair, char) => (/[\s#:%\\]/.test(char) ? char : pair)))
    .filter((name) => isRunnable(name.replaceAll('$$', '')))
    .map((name) => name.replaceAll('$$', '$'));
}

/** Returns false for patterns, members of archives, wildcards, and special targets. */
function isRunnable(name: string): boolean {
  return !/^~|[$%()*?[\]\s]/.test(name) && !/^\.[A-Z_]+$/.test(name) && name !== '';
}

/** Those that make has built in. */
const SUFFIXES =
  'out a ln o c cc C cpp p f F m r y l ym yl s S mod sym def h info dvi tex texinfo texi txinfo w ch web sh elc el';

/** Returns true for an old-fashioned rule for all files of a kind, such as `.c.o`. `.venv` is a target like others. */
function isSuffixRule(name: string, suffixes: ReadonlySet<string>): boolean {
  const [first, ...parts] = name.split('.');
  return first === '' && (parts.length === 1 || parts.length === 2) && parts.every((part) => suffixes.has(part));
}

/** Joins lines that end with a backslash. */
function* logicalLines(text: string): Generator<{ line: number; source: string }> {
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length; at += 1) {
    const line = at;
    let source = lines[at] as string;
    while (/(?:^|[^\\])(?:\\\\)*\\$/.test(source) && at + 1 < lines.length) {
      at += 1;
      source = `${source.slice(0, -1)} ${lines[at]?.trimStart()}`;
    }
    yield { line, source };
  }
}
