import { strings } from './strings.ts';

/** Formats a size in decimal units: `3.4 KB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['KB', 'MB', 'GB', 'TB'];
  const power = Math.min(Math.floor(Math.log10(bytes) / 3), units.length);
  return `${(bytes / 1000 ** power).toFixed(1)} ${units[power - 1]}`;
}

/** Formats a duration: `45 ms`, `2.1 s`, `3 min 5 s`, `1 h 2 min`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${(ms / 1000).toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** Formats a duration to the minute: `under 1 min`, `12 min`, `1 h 2 min`. */
export function formatMinutes(ms: number): string {
  const minutes = Math.floor(Math.max(0, ms) / 60_000);
  if (minutes < 1) return strings.underOneMinute();
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Formats a time in the past: `moments ago`, `12 minutes ago`, `2 hours ago`, `1 day ago`. */
export function formatAgo(ms: number): string {
  const minutes = Math.floor(Math.max(0, ms) / 60_000);
  if (minutes < 1) return strings.justNow();
  if (minutes < 60) return strings.minutesAgo(minutes);
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? strings.hoursAgo(hours) : strings.daysAgo(Math.floor(hours / 24));
}

/** Returns the encoding of a text: UTF-16 if it has that mark, as what Windows PowerShell writes, or else UTF-8. */
export function encodingOf([first, second]: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
}

/** Decodes a text of a user's. What isn't valid in its encoding is replaced, and its mark is removed. */
export function decodeText(bytes: Uint8Array): string {
  return new TextDecoder(encodingOf(bytes)).decode(bytes);
}

/** The maximum length of a message or row; VS Code shows no more of a notification. */
const MAX_LINE_CHARS = 1000;
/** The maximum length of a text of several lines. */
const MAX_TEXT_CHARS = 10_000;

// Each alternative stops at the next ESC, so that removing the sequences takes linear time, whatever the text is.
const ESCAPE_SEQUENCE =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[ -/]*[0-~]/g;
/** The start of a link's target in a text that VS Code turns into links: `[label](command:…)`. */
const LINK_TARGET = /\]\((?=\s*[a-z][a-z\d+.-]*:)/gi;
const LINE_BREAK = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/g;
/** Control characters but tabs and line breaks, marks that reorder text, and halves of characters. */
const UNSHOWN = /(?![\t\n])[\p{Cc}\p{Cs}\p{Bidi_Control}]/gu;

/**
 * Makes a text that may contain words of others (of a sandbox, Modal, a workspace file, …) safe to show in one line: no
 * links, escape sequences, control characters, or marks that reorder text. The middle of a long text is replaced with `…`.
 */
export function cleanLine(text: string, maxChars: number = MAX_LINE_CHARS): string {
  return cleanText(
    bounded(text, maxChars)
      .replaceAll(LINE_BREAK, '\n')
      .replaceAll(/(?<!\s)\s*[\n\t]\s*/g, ' '),
    maxChars,
  );
}

/** Does what `cleanLine` does for text of several lines. Keeps tabs, too. */
export function cleanText(text: string, maxChars: number = MAX_TEXT_CHARS): string {
  const clean = stripEscapes(bounded(text, maxChars))
    .replaceAll(LINE_BREAK, '\n')
    .replaceAll(UNSHOWN, '')
    .replaceAll(LINK_TARGET, '] (');
  return shortened(clean, maxChars);
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Shows the characters of a file's name that `cleanLine` removes as escapes such as `\x1b` and `\u202e`, so that the name
 * still identifies its file.
 */
export function visibleName(name: string): string {
  return name.replaceAll(/[\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029]/gu, (char) => {
    const code = char.charCodeAt(0).toString(16);
    return SHORT_ESCAPES[char] ?? (code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`);
  });
}

/** Removes the escape sequences of terminals: colors, titles, links. */
export function stripEscapes(text: string): string {
  return text.replaceAll(ESCAPE_SEQUENCE, '');
}

/** Cuts a text to a multiple of its final length, so that cleaning it costs the same however long it is. */
function bounded(text: string, maxChars: number): string {
  return text.length <= 4 * maxChars ? text : `${text.slice(0, 2 * maxChars)}…${text.slice(-2 * maxChars)}`;
}

/** Replaces the middle of a text that is too long: the end often says what to do. */
function shortened(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const tailChars = Math.floor((maxChars - 1) / 3);
  const head = text.slice(0, maxChars - 1 - tailChars);
  const tail = tailChars === 0 ? '' : text.slice(-tailChars);
  return `${head}…${tail}`.replaceAll(/\p{Cs}/gu, '');
}
