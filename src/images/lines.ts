import { shellJoin } from '../base/shell.ts';

/** Characters of base64 in one line. A shell accepts arguments of up to 128 KiB. */
const MAX_LINE_CHARS = 64 * 1024;

/**
 * Returns a `RUN` line for a shell command. What a Dockerfile interprets differently than a shell (line breaks, heredocs,
 * JSON arrays, flags) is passed as base64, which no builder changes.
 */
export function runLine(command: string): string {
  const text = command.trim();
  if (!/[\r\n]|\\$|<<|^\[|^--|^#/.test(text)) return `RUN ${text}`;
  return `RUN eval "$(echo ${base64(text)} | base64 -d)"`;
}

/** Returns `RUN` lines that write a file with any contents. Its folder must exist. */
export function fileLines(path: string, content: Uint8Array | string): string[] {
  const encoded = base64(content);
  const target = shellJoin([path]);
  const lines = [`RUN : > ${target}`];
  for (let at = 0; at < encoded.length; at += MAX_LINE_CHARS)
    lines.push(`RUN echo ${encoded.slice(at, at + MAX_LINE_CHARS)} | base64 -d >> ${target}`);
  return lines;
}

/** Encodes bytes as a word that no shell or builder changes. */
export function base64(content: Uint8Array | string): string {
  return Buffer.from(content as string).toString('base64');
}

/** Returns an `ENV` line that keeps quotes, `$`, and line breaks. */
export function envLine(name: string, value: string): string {
  return `ENV ${assignment(name, value)}`;
}

/** Returns one assignment of an `ENV` line, which keeps quotes, `$`, and line breaks. */
export function assignment(name: string, value: string): string {
  return `${name}="${value.replace(/["\\$]/g, '\\$&')}"`;
}

/** Truncates a text to a length, with an ellipsis. */
export function shortened(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
