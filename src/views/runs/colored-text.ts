import Anser from 'anser';
import { stripEscapes } from '../../base/text.ts';

/** How a part of a text looks. Colors are a number of the terminal's palette (0 to 255), or `r, g, b`. */
export interface TextStyle {
  readonly color?: number | string;
  readonly background?: number | string;
  readonly decorations: readonly ('bold' | 'dim' | 'italic' | 'underline' | 'strikethrough' | 'reverse')[];
}

/** A part of a text, from `start` up to, but not including, `end`, in characters. */
export interface StyledRange {
  readonly start: number;
  readonly end: number;
  readonly style: TextStyle;
}

export interface ColoredText {
  readonly text: string;
  readonly ranges: readonly StyledRange[];
}

/** Escape sequences that set how the text after them looks. */
const STYLE_SEQUENCE = /(\u001b\[[\d;]*m)/;
const BASIC_COLORS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];

/**
 * Turns what a program printed to a terminal into text and its styles. Of a line that was printed over, such as a progress
 * bar, only the last state remains. Other escape sequences are removed.
 */
export function coloredText(output: string): ColoredText {
  const visible = output
    .split(STYLE_SEQUENCE)
    .map((part, at) => (at % 2 === 1 ? part : stripEscapes(part)))
    .join('')
    .replaceAll('\r\n', '\n')
    // Not the line break's own \r, and not a \r that nothing follows.
    .replaceAll(/^[^\n]*\r(?=[^\n\r])/gm, (line) => (line.match(new RegExp(STYLE_SEQUENCE, 'g')) ?? []).join(''))
    .replaceAll('\r', '');
  let text = '';
  const ranges: StyledRange[] = [];
  for (const part of Anser.ansiToJson(visible, { json: true, use_classes: true, remove_empty: true })) {
    const start = text.length;
    // What remains of sequences that are incomplete.
    text += part.content.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '');
    const style = styleOf(part);
    if (style && text.length > start) ranges.push({ start, end: text.length, style });
  }
  return { text, ranges };
}

function styleOf(part: Anser.AnserJsonEntry): TextStyle | undefined {
  const color = colorOf(part.fg, part.fg_truecolor);
  const background = colorOf(part.bg, part.bg_truecolor);
  const decorations = part.decorations.filter((each) => each !== 'blink' && each !== 'hidden');
  if (color === undefined && background === undefined && decorations.length === 0) return undefined;
  return { ...(color !== undefined && { color }), ...(background !== undefined && { background }), decorations };
}

/** Reads a color by its class: `ansi-red`, `ansi-bright-red`, `ansi-palette-123`, `ansi-truecolor`. */
function colorOf(name: string | null, trueColor: string | null): number | string | undefined {
  if (!name) return undefined;
  if (name === 'ansi-truecolor') return trueColor ?? undefined;
  const palette = /^ansi-palette-(\d+)$/.exec(name);
  if (palette) return Number(palette[1]);
  const isBright = name.startsWith('ansi-bright-');
  const index = BASIC_COLORS.indexOf(name.replace(/^ansi-(bright-)?/, ''));
  return index < 0 ? undefined : index + (isBright ? 8 : 0);
}
