/** Any one character. */
const ANY = Symbol('any');
/** Text between asterisks. */
type Segment = readonly (string | typeof ANY)[];

/** The start and end of a match. */
type Span = readonly [start: number, end: number];

/**
 * A pattern of `${NAME%pattern}` and the like, in which `*` is any text and `?` one character, as in BuildKit: there are no
 * brackets. Matching takes time proportional to the lengths of the pattern and the text, however many asterisks there are.
 */
export class ShellPattern {
  readonly #segments: readonly Segment[];

  private constructor(segments: readonly Segment[]) {
    this.#segments = segments;
  }

  /** Parses a pattern; undefined if it has a backslash before something that needs none. */
  static parse(text: string): ShellPattern | undefined {
    const segments: (string | typeof ANY)[][] = [[]];
    for (const [part, escaped] of text.matchAll(/\\([*?\\/}])|[\s\S]/gu)) {
      if (part === '\\') return undefined;
      if (part === '*') segments.push([]);
      else segments.at(-1)?.push(part === '?' ? ANY : (escaped ?? part));
    }
    return new ShellPattern(segments);
  }

  /** Returns a text without its start, if that matches. */
  withoutPrefix(text: string, isLongest: boolean): string {
    const chars = [...text];
    const span = this.#find(chars, 0, { isAnchored: true, isLongest });
    return span ? chars.slice(span[1]).join('') : text;
  }

  /** Returns a text without its end, if that matches. */
  withoutSuffix(text: string, isLongest: boolean): string {
    const backwards = new ShellPattern(this.#segments.map((segment) => segment.toReversed()).toReversed());
    return [...backwards.withoutPrefix([...text].toReversed().join(''), isLongest)].toReversed().join('');
  }

  /** Returns a text with a replacement for the first match, or for all. Matches are as long as possible. */
  replaced(text: string, replacement: string, isAll: boolean): string {
    const chars = [...text];
    let result = '';
    let at = 0;
    for (let from = 0; from <= chars.length; ) {
      const span = this.#find(chars, from, { isAnchored: false, isLongest: true });
      if (!span) break;
      const [start, end] = span;
      // Nothing is found once more right after a match.
      if (end > start || start !== at || start === 0) {
        result += chars.slice(at, start).join('') + replacement;
        at = end;
      }
      if (!isAll) break;
      from = end > start ? end : end + 1;
    }
    return result + chars.slice(at).join('');
  }

  /** Finds the first match. */
  #find(chars: readonly string[], from: number, options: { isAnchored: boolean; isLongest: boolean }) {
    const [first = [], ...others] = this.#segments;
    const last = others.pop();
    const start = options.isAnchored ? (isAt(first, chars, from) ? from : -1) : firstOf(first, chars, from);
    if (start < 0) return undefined;
    let end = start + first.length;
    // Each part is taken where it comes first, so that most is left for those after it.
    for (const segment of others) {
      const found = firstOf(segment, chars, end);
      if (found < 0) return undefined;
      end = found + segment.length;
    }
    if (last) {
      const found = options.isLongest ? lastOf(last, chars, end) : firstOf(last, chars, end);
      if (found < 0) return undefined;
      end = found + last.length;
    }
    return [start, end] satisfies Span;
  }
}

function isAt(segment: Segment, chars: readonly string[], at: number): boolean {
  return (
    at + segment.length <= chars.length && segment.every((each, index) => each === ANY || each === chars[at + index])
  );
}

function firstOf(segment: Segment, chars: readonly string[], from: number): number {
  for (let at = from; at + segment.length <= chars.length; at += 1) if (isAt(segment, chars, at)) return at;
  return -1;
}

function lastOf(segment: Segment, chars: readonly string[], from: number): number {
  for (let at = chars.length - segment.length; at >= from; at -= 1) if (isAt(segment, chars, at)) return at;
  return -1;
}
