import { ImageBuildError } from '../errors.ts';
import { strings } from '../strings.ts';
import { type Heredoc, heredocsIn } from './heredoc.ts';
import { assignments, jsonWords } from './words.ts';

/** One instruction of a Dockerfile. */
export interface Instruction {
  readonly keyword: string;
  /**
   * The text after the keyword and flags, in one line, without comments. `\` escapes, whatever character the file uses.
   */
  readonly text: string;
  readonly flags: readonly (readonly [name: string, value: string])[];
  readonly heredocs: readonly Heredoc[];
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** The instruction that `ONBUILD` defers. */
  readonly trigger?: Instruction | undefined;
}

/** The flags that Docker takes, by instruction: `?` is for those that may be `true` or `false`, `*` for those that repeat. */
const FLAGS: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map(
  Object.entries({
    ADD: 'chown chmod link? exclude* checksum keep-git-dir? unpack?',
    ARG: '',
    CMD: '',
    COPY: 'from chown chmod link? exclude* parents?',
    ENTRYPOINT: '',
    ENV: '',
    EXPOSE: '',
    FROM: 'platform',
    HEALTHCHECK: 'interval timeout start-period start-interval retries',
    LABEL: '',
    MAINTAINER: '',
    ONBUILD: '',
    RUN: 'mount* network security device*',
    SHELL: '',
    STOPSIGNAL: '',
    USER: '',
    VOLUME: '',
    WORKDIR: '',
  }).map(([keyword, flags]) => [keyword, new Map(flags.split(' ').map((flag) => [flag.replace(/[?*]$/, ''), flag]))]),
);
/** Whitespace within a line, of which Unicode has more kinds. */
const BLANKS = /([\t\v\f\r ]+)/;

/** A physical line, one character per byte, without its end, and its number from 1. */
interface Line {
  readonly bytes: string;
  readonly end: string;
  readonly number: number;
}

interface At {
  readonly file: string;
  readonly line: number;
  readonly keyword: string;
}

/**
 * Parses a Dockerfile as BuildKit does. `file` is its name, for errors. Invalid UTF-8 is accepted only in comments, because
 * Modal takes text. Throws `ImageBuildError` with the line.
 */
export function parseDockerfile(bytes: Uint8Array, file: string): Instruction[] {
  const text = Buffer.from(bytes)
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '');
  const lines = text.split('\n').map((each, index): Line => {
    const [end] = /\r*$/.exec(each) ?? [''];
    return { bytes: each.slice(0, each.length - end.length), end: `${end}\n`, number: index + 1 };
  });
  const escaping = escapeIn(lines, file);
  // A doubled escape character at the end of a line is one that is meant.
  const ending = escaping === '\\' ? /(^|[^\\])\\[ \t]*$/ : /(^|[^`])`[ \t]*$/;
  const instructions: Instruction[] = [];
  for (let first = lines.shift(); first; first = lines.shift()) {
    if (isSkipped(first)) continue;
    const command = joined(first, lines, ending);
    if (command.trim() !== '') instructions.push(instruction(command, lines, { file, line: first.number, escaping }));
  }
  return instructions;
}

/** Returns the error for an instruction that can't be built. */
export function refusal(
  { file, line, keyword }: Pick<Instruction, 'file' | 'line' | 'keyword'>,
  reason: string,
): ImageBuildError {
  return new ImageBuildError(`${file}:${line}: ${reason}`, { title: keyword, place: { file, line } });
}

/** Returns the escape character, which a directive at the top of the file may set. */
function escapeIn(lines: readonly Line[], file: string): string {
  let found: string | undefined;
  for (const { bytes, number } of lines) {
    // Any other comment ends them.
    const [, name, value = ''] = /^\s*#\s*(syntax|escape|check)\s*=\s*(\S.*)/i.exec(bytes) ?? [];
    if (name === undefined) break;
    if (name.toLowerCase() !== 'escape') continue;
    if (found !== undefined || !/^[\\`]\s*$/.test(value))
      throw refusal({ file, line: number, keyword: 'Dockerfile' }, strings.escapeDirective());
    found = value.trim();
  }
  return found ?? '\\';
}

function isSkipped({ bytes }: Line): boolean {
  return /^\s*(#|$)/.test(bytes);
}

/** Takes the lines that continue an instruction, without blank lines and comments, and joins them. */
function joined(first: Line, lines: Line[], ending: RegExp): string {
  let command = '';
  for (let line: Line | undefined = first; line; ) {
    if (!ending.test(line.bytes)) return command + line.bytes;
    command += line.bytes.replace(ending, '$1');
    do line = lines.shift();
    while (line && isSkipped(line));
  }
  return command;
}

function instruction(
  command: string,
  lines: Line[],
  { file, line, escaping }: { file: string; line: number; escaping: string },
): Instruction {
  const [written = '', ...separated] = decoded(command, { file, line, keyword: '' }).trim().split(BLANKS);
  const at: At = { file, line, keyword: written.toUpperCase() };
  const { keyword } = at;
  const known = FLAGS.get(keyword);
  if (!known) throw refusal(at, strings.unknownInstruction(written));
  const [flags, text] = flagsOf(separated.join('').trim());
  checkFlags(flags, known, at);
  if (text === '') throw refusal(at, strings.emptyInstruction(keyword));
  const isJson = WITH_JSON.test(keyword) && atLine(at, () => jsonWords(text)) !== undefined;
  if (keyword === 'LABEL') atLine(at, () => assignments(keyword, text));
  if (keyword === 'HEALTHCHECK' && !/^(?:NONE|CMD\s[\s\S]*)$/i.test(text))
    throw refusal(at, strings.healthcheckSyntax());
  const trigger = keyword === 'ONBUILD' ? instruction(text, lines, { file, line, escaping }) : undefined;
  if (trigger && /^(ONBUILD|FROM|MAINTAINER)$/.test(trigger.keyword))
    throw refusal(at, strings.triggerNotAllowed(trigger.keyword));
  const escaped = keyword === 'RUN' || escaping === '\\';
  return {
    ...at,
    text: escaped ? text : text.replace(/[\\`]/g, (char) => (char === '`' ? '\\' : '\\\\')),
    flags: flags.map(([name, value = '']) => [name, value]),
    heredocs: /^(RUN|COPY|ADD)$/.test(keyword) && !isJson ? heredocs(text, lines, at) : [],
    ...(trigger && { trigger }),
  };
}

const WITH_JSON = /^(RUN|CMD|ENTRYPOINT|SHELL|VOLUME|COPY|ADD)$/;

type Flag = [name: string, value: string | undefined];

/** Takes the flags from the beginning of an instruction's text. */
function flagsOf(text: string): [flags: Flag[], rest: string] {
  const flags: Flag[] = [];
  let rest = text;
  for (let found = FLAG.exec(rest); found; found = FLAG.exec(rest)) {
    const [all, name = '', value] = found;
    rest = rest.slice(all.length);
    if (name === '') break;
    flags.push([name, value?.replace(/"((?:[^"\\]|\\.)*)"|'([^']*)'/g, (_, one, two) => one ?? two)]);
  }
  return [flags, rest];
}

/** Throws `ImageBuildError` for flags that Docker refuses. */
function checkFlags(flags: readonly Flag[], known: ReadonlyMap<string, string>, at: At): void {
  for (const [index, [name, value]] of flags.entries()) {
    const kind = name === '' ? undefined : known.get(name);
    if (kind === undefined) throw refusal(at, strings.unknownFlag(at.keyword, name));
    if (!kind.endsWith('*') && flags.findIndex(([other]) => other === name) < index)
      throw refusal(at, strings.flagTwice(name));
    if (kind.endsWith('?')) {
      if (!/^(true|false)$/i.test(value ?? 'true')) throw refusal(at, strings.notTrueOrFalse(name, value ?? ''));
    } else if (value === undefined) throw refusal(at, strings.flagWithoutValue(name));
  }
}

const FLAG = /^--([^\s=]*)(?:=((?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'])*))?(?:\s+|$)/;

/** Takes the lines of the heredocs that a command opens. Throws `ImageBuildError` for one without an end. */
function heredocs(text: string, lines: Line[], at: At): Heredoc[] {
  return heredocsIn(text).flatMap((opened) => {
    const end = lines.findIndex(
      ({ bytes }) => decoded(opened.stripsTabs ? bytes.replace(/^\t+/, '') : bytes, at) === opened.name,
    );
    // A shift in arithmetic, which only Docker takes for a heredoc.
    if (end < 0 && /^\d/.test(opened.name)) return [];
    if (end < 0) throw refusal(at, strings.heredocWithoutEnd(opened.name));
    const content = lines.splice(0, end + 1).slice(0, -1);
    return { ...opened, content: content.map((line) => decoded(line.bytes, at) + line.end).join('') };
  });
}

/** Runs `work`, whose errors become refusals with a line. */
function atLine<T>(at: At, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw refusal(at, (error as Error).message);
  }
}

/** Decodes one character per byte as UTF-8. */
function decoded(bytes: string, at: At): string {
  if (/^[\0-\x7f]*$/.test(bytes)) return bytes;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(bytes, 'latin1'));
  } catch {
    throw refusal({ ...at, keyword: at.keyword || 'Dockerfile' }, strings.notUtf8());
  }
}
