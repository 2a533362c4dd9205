import { type ParseArgsConfig, parseArgs } from 'node:util';
import { closest, distance } from 'fastest-levenshtein';
import { UserError } from '../base/errors.ts';
import { strings } from './strings.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

/** The flags of all commands that use a folder. */
export const COMMON_FLAGS = {
  folder: { type: 'string', short: 'C' },
  profile: { type: 'string', short: 'p' },
  build: { type: 'string', short: 'b', multiple: true },
  account: { type: 'string' },
  local: { type: 'boolean' },
  allow: { type: 'string', multiple: true },
  deny: { type: 'string', multiple: true },
  json: { type: 'boolean' },
  quiet: { type: 'boolean', short: 'q' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies Options;

/** The flags of commands that run a program. */
export const PROGRAM_FLAGS = {
  sandbox: { type: 'string', short: 's' },
  env: { type: 'string', short: 'e', multiple: true },
  cwd: { type: 'string' },
  pull: { type: 'string', multiple: true },
  timeout: { type: 'string' },
  'no-sync': { type: 'boolean' },
  'no-pty': { type: 'boolean' },
} as const satisfies Options;

/** Values of flags: text, `true`, or the values of a flag that can be repeated. */
export type Flags = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

export interface Parsed {
  readonly flags: Flags;
  /** What follows the flags. */
  readonly args: readonly string[];
}

/** A command line that isn't valid. The message says what to write instead. */
export class UsageError extends UserError {}

/**
 * Parses the arguments of a command. If `isProgram`, the flags end at the first other argument, because the rest is a program
 * with its own. Throws `UsageError` that names the nearest valid flags.
 */
export function parseFlags(argv: readonly string[], options: Options, isProgram: boolean): Parsed {
  const own = isProgram ? argv.slice(0, endOfFlags(argv, options)) : argv;
  const { tokens } = parseArgs({ args: [...own], options, strict: false, tokens: true });
  const flags: Record<string, string | boolean | (string | boolean)[]> = {};
  const args: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') args.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value } = token;
    const option = Object.hasOwn(options, name) ? options[name] : undefined;
    if (!option) throw new UsageError(strings.unknownFlag(rawName, nearest(name, Object.keys(options))));
    if (option.type === 'string' && (value === undefined || (value.startsWith('-') && !token.inlineValue)))
      throw new UsageError(strings.flagNeedsValue(rawName));
    if (option.type === 'boolean' && value !== undefined) throw new UsageError(strings.flagTakesNoValue(rawName));
    const given = value ?? true;
    const before = flags[name];
    flags[name] = option.multiple ? [...(Array.isArray(before) ? before : []), given] : given;
  }
  const rest = argv.slice(own.length);
  return { flags, args: isProgram ? (rest[0] === '--' ? rest.slice(1) : rest) : args };
}

/** Returns the index of the first argument that isn't a flag or its value. */
function endOfFlags(argv: readonly string[], options: Options): number {
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, tokens: true });
  const end = tokens.find(({ kind }) => kind !== 'option');
  return end?.index ?? argv.length;
}

/** Returns the valid names that are most likely meant, with dashes; the most similar first. */
function nearest(name: string, names: readonly string[]): string[] {
  return byDistance(name, names).map((each) => `--${each}`);
}

/** Returns up to three names that are similar to one, or at least the nearest. */
export function byDistance(name: string, names: readonly string[]): string[] {
  const similar = names
    .map((each) => ({ each, far: each.startsWith(name) ? 0 : distance(name, each) }))
    .filter(({ far, each }) => far <= Math.max(2, each.length / 3))
    .sort((a, b) => a.far - b.far)
    .map(({ each }) => each);
  return similar.length > 0 ? similar.slice(0, 3) : [closest(name, [...names])];
}

/** Returns the text of a flag. */
export function textOf(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === 'string' ? value : undefined;
}

/** Returns the texts of a flag that can be repeated. */
export function textsOf(flags: Flags, name: string): string[] {
  const value = flags[name];
  return Array.isArray(value) ? value.map(String) : [];
}
