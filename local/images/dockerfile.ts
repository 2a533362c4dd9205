/** Parses the Dockerfile lines of an image layer. */
import { invalidArgument } from '../grpc/status.ts';

export interface Instruction {
  readonly keyword: string;
  /** Everything after the keyword, continuation lines joined. */
  readonly rest: string;
  /** The original line, for logs and errors. */
  readonly source: string;
}

/**
 * Parses Dockerfile lines. An entry may contain several lines, and a backslash continues a line on the next one. Throws
 * INVALID_ARGUMENT for an unknown instruction.
 */
export function parseDockerfile(lines: readonly string[]): Instruction[] {
  const physical = lines.flatMap((line) => line.split('\n'));
  const instructions: Instruction[] = [];
  for (let index = 0; index < physical.length; index++) {
    let text = physical[index] ?? '';
    if (/^\s*(#|$)/.test(text)) continue;
    while (/\\\s*$/.test(text) && index + 1 < physical.length) {
      const next = physical[++index] ?? '';
      if (!/^\s*#/.test(next)) text = `${text.replace(/\\\s*$/, '')}${next}`;
    }
    const heredoc = /^\s*RUN\s.*<<-?\s*(["']?)(\w+)\1/i.exec(text);
    if (heredoc) {
      do text += `\n${physical[++index] ?? ''}`;
      while (physical[index]?.trim() !== heredoc[2] && index + 1 < physical.length);
    }
    instructions.push(instruction(text.trim()));
  }
  return instructions;
}

const INSTRUCTIONS =
  /^(FROM|RUN|ENV|ARG|WORKDIR|USER|SHELL|ENTRYPOINT|CMD|LABEL|EXPOSE|VOLUME|STOPSIGNAL|HEALTHCHECK|ONBUILD|MAINTAINER|COPY|ADD)$/;

function instruction(source: string): Instruction {
  const [, word = '', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(source) ?? [];
  const keyword = word.toUpperCase();
  if (!INSTRUCTIONS.test(keyword)) throw invalidArgument(`Unknown Dockerfile instruction in line: ${source}`);
  return { keyword, rest, source };
}

/** Replaces `$NAME`, `${NAME}`, and `${NAME:-default}` in a text. `\$` becomes a dollar sign. */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(
    /\\\$|\$(\w+)|\$\{(\w+)(?::-([^}]*))?\}/g,
    (match, plain: string | undefined, braced: string | undefined, fallback: string | undefined) => {
      if (match === '\\$') return '$';
      return variables[plain ?? braced ?? ''] || (fallback ?? '');
    },
  );
}

/** Splits a line into words, removing quotes and backslash escapes. */
export function shellSplit(text: string): string[] {
  const found: string[] = [];
  const pattern = /(?:[^\s"'\\]|\\[\s\S]|"(?:[^"\\]|\\[\s\S])*"|'[^']*')+/g;
  for (const [word] of text.matchAll(pattern)) {
    found.push(
      word.replace(/"((?:[^"\\]|\\[\s\S])*)"|'([^']*)'|\\([\s\S])/g, (_match, double, single, escaped) => {
        if (double !== undefined) return double.replace(/\\(["\\])/g, '$1');
        return single ?? escaped;
      }),
    );
  }
  return found;
}

/**
 * Returns the variables that an ENV or ARG line sets: `A=1 B="two"`, or for ENV also the old form `NAME the value`. Throws
 * INVALID_ARGUMENT.
 */
export function assignments({ keyword, rest, source }: Instruction): [name: string, value: string | undefined][] {
  if (keyword === 'ENV' && !/^\s*\w+=/.test(rest)) {
    const [, name, value] = /^(\w+)\s+([\s\S]+)$/.exec(rest) ?? [];
    if (!name) throw invalidArgument(`ENV needs a name and a value in line: ${source}`);
    return [[name, value]];
  }
  return shellSplit(rest).map((word) => {
    const at = word.indexOf('=');
    return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
  });
}

/** Returns the command line of RUN, which is in shell form or a JSON array. */
export function commandLine(rest: string, shell: readonly string[]): string[] {
  if (rest.startsWith('[')) {
    try {
      const argv: unknown = JSON.parse(rest);
      if (Array.isArray(argv) && argv.length > 0 && argv.every((word) => typeof word === 'string')) return argv;
    } catch {
      // As in Docker, anything that isn't a JSON array is in shell form.
    }
  }
  return [...shell, rest];
}
