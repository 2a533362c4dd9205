import {
  DockerfileParser,
  type Flag,
  type Onbuild,
  type Instruction as Parsed,
  type Heredoc as ParsedHeredoc,
} from 'dockerfile-ast';
import { ImageBuildError } from '../errors.ts';
import { strings } from '../strings.ts';

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

export interface Heredoc {
  readonly content: string;
  /** Variables in it are replaced, because its word isn't quoted. */
  readonly expands: boolean;
}

const KNOWN = new Set(
  'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME WORKDIR'.split(
    ' ',
  ),
);

/**
 * Parses a Dockerfile. `file` is its name, for errors. Invalid UTF-8 is accepted only in comments, because Modal takes text.
 * Throws `ImageBuildError` with the line.
 */
export function parseDockerfile(bytes: Uint8Array, file: string): Instruction[] {
  const text = new TextDecoder().decode(bytes).replaceAll('\r\n', '\n');
  const parsed = DockerfileParser.parse(text);
  const escaping = parsed.getEscapeCharacter();
  return parsed.getInstructions().map((each) => instruction(each, file, escaping));
}

/** Returns the error for an instruction that can't be built. */
export function refusal(
  { file, line, keyword }: Pick<Instruction, 'file' | 'line' | 'keyword'>,
  reason: string,
): ImageBuildError {
  return new ImageBuildError(`${file}:${line}: ${reason}`, { title: keyword, place: { file, line } });
}

function instruction(parsed: Parsed, file: string, escaping: string): Instruction {
  const line = parsed.getRange().start.line + 1;
  const keyword = parsed.getKeyword();
  const at = { file, line, keyword };
  if (!KNOWN.has(keyword)) throw refusal(at, strings.unknownInstruction(parsed.getInstruction()));
  const source = parsed.getTextContent();
  if (source.includes('\uFFFD')) throw refusal(at, strings.notUtf8());
  const found = 'getHeredocs' in parsed ? (parsed as unknown as { getHeredocs(): ParsedHeredoc[] }).getHeredocs() : [];
  const physical = source.split('\n');
  const flags = 'getFlags' in parsed ? (parsed as unknown as { getFlags(): Flag[] }).getFlags() : [];
  const ending = escaping === '\\' ? /\\[ \t]*$/ : /`[ \t]*$/;
  // The contents of heredocs follow the command, line by line.
  const head = found.length > 0 ? physical.findIndex((each) => !ending.test(each)) + 1 : physical.length;
  const command = joined(physical.slice(0, head), ending);
  const flagsIn = new RegExp(`^(?:--\\S+\\s*){${flags.length}}`);
  const text = command.trim().slice(keyword.length).trim().replace(flagsIn, '');
  if (text === '') throw refusal(at, strings.emptyInstruction(keyword));
  const trigger = keyword === 'ONBUILD' ? (parsed as Onbuild).getTriggerInstruction() : null;
  return {
    ...at,
    text:
      keyword === 'RUN' || escaping === '\\' ? text : text.replace(/[\\`]/g, (char) => (char === '`' ? '\\' : '\\\\')),
    flags: flags.map((flag) => [flag.getName(), flag.getValue() ?? '']),
    heredocs: heredocs(command, physical.slice(head), found.length),
    ...(trigger && { trigger: instruction(trigger, file, escaping) }),
  };
}

/** Joins the lines of an instruction, without line continuations, blank lines, and comments. */
function joined(lines: readonly string[], ending: RegExp): string {
  const kept = lines.filter((line, index) => index === 0 || !/^\s*(#|$)/.test(line));
  return kept.map((line) => line.replace(ending, '')).join('');
}

/** Returns the contents of heredocs, in the order in which they follow the command. */
function heredocs(command: string, lines: string[], count: number): Heredoc[] {
  const openings = [...command.matchAll(/<<(-?)(["']?)(\w+)\2/g)].slice(0, count);
  return openings.map(([, dash, quote, name]) => {
    const end = lines.findIndex((line) => (dash ? line.replace(/^\t+/, '') : line) === name);
    const content = lines.splice(0, end < 0 ? lines.length : end + 1);
    if (end >= 0) content.pop();
    const stripped = dash ? content.map((line) => line.replace(/^\t+/, '')) : content;
    return { content: stripped.map((line) => `${line}\n`).join(''), expands: quote === '' };
  });
}
