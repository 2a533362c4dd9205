import { z } from 'zod';
import type { ProgramCandidate } from '../runners.ts';
import { lenient } from './lenient.ts';

/** A word of a `shell` task's command line; an object says how it is quoted. */
export type ShellWord = string | { readonly value: string; readonly quoting: 'escape' | 'strong' | 'weak' };

/** The characters with which a shell quotes. */
const QuotingSchema = z.object({
  escape: lenient(z.union([z.string().min(1), z.object({ escapeChar: z.string(), charsToEscape: z.string() })])),
  strong: lenient(z.string().min(1)),
  weak: lenient(z.string().min(1)),
});
type Quoting = z.infer<typeof QuotingSchema>;

/** `options.shell` of a task. */
export const ShellSchema = z.object({
  executable: lenient(z.string().min(1)),
  args: lenient(z.array(z.string())),
  quoting: lenient(QuotingSchema),
});
export type Shell = z.infer<typeof ShellSchema>;

/** How POSIX shells quote. VS Code escapes commas, too. */
const POSIX: Quoting = { escape: { escapeChar: '\\', charsToEscape: ` "',` }, strong: "'", weak: '"' };

/** The shells that understand the command line of a task that names none, in order of preference. */
const DEFAULT_SHELLS: readonly Shell[] = [{ executable: 'bash' }, { executable: 'sh' }];

/** The words of a `shell` task, with the values of variables. */
export interface CommandWords {
  readonly command: ShellWord;
  readonly args: readonly ShellWord[];
  /** The command as written, with the variables. */
  readonly original: ShellWord;
}

/**
 * Returns the command line that VS Code passes to the shell for a `shell` task. `map` changes the words, which are
 * quoted as they would be without that.
 */
export function commandLine(
  { command, args, original }: CommandWords,
  map: (text: string) => string = (text) => text,
  quoting: Quoting = POSIX,
): string {
  // A command without arguments is a command line already. If a variable brought the blanks, it is a single word.
  const isLine =
    args.length === 0 &&
    typeof command === 'string' &&
    (command === original || (typeof original === 'string' && needsQuotes(original, quoting)));
  return isLine ? map(command) : [command, ...args].map((word) => quoted(word, map, quoting)).join(' ');
}

/** Returns the programs that run a command line: the task's own shell, or else those of `defaults`, bash, or sh. */
export function shellPrograms(
  shell: Shell | undefined,
  line: string,
  defaults: readonly Shell[] = [],
): ProgramCandidate[] {
  // VS Code passes only the given arguments to a shell that the task names.
  if (shell?.executable) return [{ argv: [shell.executable, ...(shell.args ?? []), line] }];
  return [...defaults, ...DEFAULT_SHELLS].flatMap(({ executable, args = [] }) =>
    executable ? [{ argv: [executable, ...withCommandOption(shell?.args ?? args), line] as const }] : [],
  );
}

/** Adds `-c`, unless it is there already, followed only by other options. */
function withCommandOption(args: readonly string[]): string[] {
  const isThere = args.some((arg, index) => {
    const rest = args.slice(index + 1);
    return arg.toLowerCase() === '-c' && rest.length > 0 && rest.every((each) => each.startsWith('-'));
  });
  return isThere ? [...args] : [...args, '-c'];
}

function quoted(word: ShellWord, map: (text: string) => string, quoting: Quoting): string {
  if (typeof word !== 'string') return quotedAs(word.quoting, map(word.value), quoting);
  return needsQuotes(word, quoting) ? quotedAs('strong', map(word), quoting) : map(word);
}

function quotedAs(kind: 'escape' | 'strong' | 'weak', value: string, quoting: Quoting): string {
  if (kind !== 'escape') {
    const quote = quoting[kind];
    return quote === undefined ? value : `${quote}${value}${quote}`;
  }
  const escaping = quoting.escape;
  if (escaping === undefined) return value;
  if (typeof escaping === 'string') return value.replaceAll(' ', `${escaping} `);
  const { escapeChar, charsToEscape } = escaping;
  return [...value].map((char) => (charsToEscape.includes(char) ? escapeChar + char : char)).join('');
}

/** Returns true if a blank outside quotes would split a word. */
function needsQuotes(word: string, { escape: escaping, strong, weak }: Quoting): boolean {
  const [first] = word;
  const isQuote = (char: string | undefined) => char !== undefined && (char === strong || char === weak);
  if (word.length >= 2 && isQuote(first) && first === word.at(-1)) return false;
  let open: string | undefined;
  for (let at = 0; at < word.length; at += 1) {
    const char = word[at];
    if (char === open) open = undefined;
    else if (open !== undefined) continue;
    else if (char === escaping) at += 1;
    else if (isQuote(char)) open = char;
    else if (char === ' ') return true;
  }
  return false;
}
