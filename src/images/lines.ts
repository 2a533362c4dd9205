import { shellJoin } from '../base/shell.ts';

/** Characters of base64 in one line; a shell takes an argument of 128 KiB. */
const PIECE = 64 * 1024;

/**
 * A `RUN` line for a shell command. What a Dockerfile would read otherwise than a shell does (line breaks, heredocs, a
 * JSON array, flags) is handed over as base64, which every builder leaves alone.
 */
export function runLine(command: string): string {
  const text = command.trim();
  if (!/[\r\n]|\\$|<<|^\[|^--|^#/.test(text)) return `RUN ${text}`;
  return `RUN eval "$(echo ${base64(text)} | base64 -d)"`;
}

/** `RUN` lines that write a file, whatever is in it. The folder must be there. */
export function fileLines(path: string, content: Uint8Array | string): string[] {
  const encoded = base64(content);
  const target = shellJoin([path]);
  const lines = [`RUN : > ${target}`];
  for (let at = 0; at < encoded.length; at += PIECE)
    lines.push(`RUN echo ${encoded.slice(at, at + PIECE)} | base64 -d >> ${target}`);
  return lines;
}

/** Bytes as a word that every shell and builder leaves alone. */
export function base64(content: Uint8Array | string): string {
  return Buffer.from(content as string).toString('base64');
}

/** An `ENV` line; quotes, `$` and line breaks stay as they are. */
export function envLine(name: string, value: string): string {
  return `ENV ${name}="${value.replace(/["\\$]/g, '\\$&')}"`;
}

/** Text that fits where there is little room. */
export function shortened(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
