import { z } from 'zod';
import { strings } from '../strings.ts';
import { lenient } from './lenient.ts';

const group = lenient(z.number().int().min(0));

/** One line of a pattern, as in tasks.json: a regular expression, and what its groups mean. */
const LineSchema = z.object({
  regexp: z.string().refine(isRegExp, { error: () => strings.invalidRegExp() }),
  kind: lenient(z.enum(['file', 'location'])),
  file: group,
  location: group,
  line: group,
  column: group,
  endLine: group,
  endColumn: group,
  severity: group,
  code: group,
  message: group,
  loop: lenient(z.boolean()),
});
export type PatternLine = z.infer<typeof LineSchema>;

const LinesSchema = z.union([LineSchema.transform((line) => [withDefaults(line)]), z.array(LineSchema).min(1)]);
/** A pattern that an extension contributes under a name. */
const NamedPatternSchema = z.union([z.object({ patterns: z.array(LineSchema).min(1) }), LineSchema]);

const RegExpSchema = z.string().min(1).refine(isRegExp);
const EdgeSchema = z.union([
  RegExpSchema.transform((regexp) => ({ regexp, file: undefined })),
  z.object({ regexp: RegExpSchema, file: lenient(z.number()) }),
]);
const BackgroundSchema = z.object({
  activeOnStart: z.boolean().catch(false),
  beginsPattern: EdgeSchema,
  endsPattern: EdgeSchema,
});

// biome-ignore lint/suspicious/noTemplateCurlyInString: VS Code's own variable
const WORKSPACE_FOLDER = '${workspaceFolder}';

const SearchSchema = z.object({
  include: z.union([z.string().transform((one) => [one]), z.array(z.string())]).catch([WORKSPACE_FOLDER]),
  exclude: z.union([z.string().transform((one) => [one]), z.array(z.string())]).catch([]),
});

/** A problem matcher as written in tasks.json, or as an extension contributes it. */
const MatcherSchema = z.object({
  owner: lenient(z.string()),
  base: lenient(z.string()),
  source: lenient(z.string()),
  severity: lenient(z.string()),
  applyTo: lenient(z.string()),
  fileLocation: z.unknown().optional(),
  pattern: z.unknown().optional(),
  background: z.unknown().optional(),
  watching: z.unknown().optional(),
});
type Raw = z.infer<typeof MatcherSchema>;

export type Severity = 'error' | 'warning' | 'info';

/** How the files that a matcher finds are located. The folders contain VS Code's variables until a run starts. */
export interface FileLocation {
  readonly kind: 'absolute' | 'relative' | 'autodetect' | 'search';
  /** The folder of relative paths; those to search. */
  readonly folders: readonly string[];
  /** Folders that a search skips. */
  readonly exclude: readonly string[];
}

/**
 * A problem matcher, complete with all defaults.
 * https://code.visualstudio.com/docs/debugtest/tasks#_defining-a-problem-matcher
 */
export interface Matcher {
  /** Tasks replace the problems of the same owner; undefined if they are the task's own. */
  readonly owner: string | undefined;
  readonly source: string | undefined;
  readonly severity: Severity;
  readonly appliesTo: 'all' | 'open' | 'closed';
  readonly location: FileLocation;
  readonly lines: readonly PatternLine[];
  readonly background: Background | undefined;
}

/** The lines with which a background task begins and ends its work. */
export interface Background {
  readonly activeOnStart: boolean;
  readonly begins: RegExp;
  /** The group of `begins` that names the only file whose problems are outdated. */
  readonly beginsFile: number | undefined;
  readonly ends: RegExp;
}

/** The patterns and matchers that have a name, as written by those who contribute them. */
export interface MatcherRegistry {
  pattern(name: string): unknown;
  matcher(name: string): unknown;
}

/** Completes a matcher, or finds the one with a name such as `$tsc`. Returns undefined if that isn't possible. */
export function resolveMatcher(raw: unknown, registry: MatcherRegistry, depth = 0): Matcher | undefined {
  // Matchers can extend each other in a circle.
  if (depth > 10) return undefined;
  if (typeof raw === 'string') {
    const named = raw.startsWith('$') ? registry.matcher(raw.slice(1)) : undefined;
    return named === undefined ? undefined : resolveMatcher(named, registry, depth + 1);
  }
  const own = MatcherSchema.safeParse(raw).data;
  if (!own) return undefined;
  const base = own.base === undefined ? undefined : resolveMatcher(own.base, registry, depth + 1);
  if (own.base !== undefined && !base) return undefined;
  const lines = (own.pattern === undefined ? undefined : linesOf(own.pattern, registry)) ?? base?.lines;
  const location = own.fileLocation === undefined ? undefined : locationOf(own.fileLocation);
  if (!lines || (own.fileLocation !== undefined && !location && !base)) return undefined;
  return {
    owner: own.owner ?? base?.owner,
    source: own.source ?? base?.source,
    severity: own.severity === undefined ? (base?.severity ?? 'error') : (severityOf(own.severity) ?? 'error'),
    appliesTo: appliesToOf(own.applyTo) ?? base?.appliesTo ?? 'all',
    location: location ?? base?.location ?? relativeTo(WORKSPACE_FOLDER),
    lines,
    background: backgroundOf(own) ?? base?.background,
  };
}

/** Returns the severity that a word stands for. */
export function severityOf(text: string): Severity | undefined {
  switch (text.toLowerCase()) {
    case 'error':
      return 'error';
    case 'warn':
    case 'warning':
      return 'warning';
    case 'info':
      return 'info';
    default:
      return undefined;
  }
}

function linesOf(pattern: unknown, registry: MatcherRegistry): readonly PatternLine[] | undefined {
  if (typeof pattern !== 'string') return LinesSchema.safeParse(pattern).data;
  const named = NamedPatternSchema.safeParse(registry.pattern(pattern.replace(/^\$/, ''))).data;
  if (!named) return undefined;
  return 'patterns' in named ? named.patterns : [withDefaults(named)];
}

function locationOf(raw: unknown): FileLocation | undefined {
  const [kind, where] = [raw].flat();
  switch (typeof kind === 'string' ? kind.toLowerCase() : undefined) {
    case 'absolute':
      return { kind: 'absolute', folders: [], exclude: [] };
    case 'relative':
      return relativeTo(typeof where === 'string' ? where : WORKSPACE_FOLDER);
    case 'autodetect':
      return { ...relativeTo(typeof where === 'string' ? where : WORKSPACE_FOLDER), kind: 'autodetect' };
    case 'search': {
      const { include, exclude } = SearchSchema.parse(where ?? {});
      return { kind: 'search', folders: include, exclude };
    }
    default:
      return undefined;
  }
}

function relativeTo(folder: string): FileLocation {
  return { kind: 'relative', folders: [folder], exclude: [] };
}

function appliesToOf(text: string | undefined): Matcher['appliesTo'] | undefined {
  const kind = /^(all|open|closed)documents$/i.exec(text ?? '')?.[1]?.toLowerCase();
  return kind as Matcher['appliesTo'] | undefined;
}

function backgroundOf({ background, watching }: Raw): Matcher['background'] {
  const parsed = BackgroundSchema.safeParse(background ?? watching).data;
  if (!parsed) return undefined;
  const { activeOnStart, beginsPattern, endsPattern } = parsed;
  const { regexp, file } = beginsPattern;
  return { activeOnStart, begins: new RegExp(regexp), beginsFile: file, ends: new RegExp(endsPattern.regexp) };
}

/** Adds VS Code's defaults for a single-line pattern. */
function withDefaults(line: PatternLine): PatternLine {
  const isPlaced = line.kind === 'file' || line.location;
  return {
    ...line,
    kind: line.kind ?? 'location',
    file: line.file ?? 1,
    message: line.message ?? 0,
    ...(!isPlaced && { line: line.line ?? 2, column: line.column ?? 3 }),
  };
}

function isRegExp(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
