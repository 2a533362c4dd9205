/**
 * Wildcard patterns, whatever their syntax, as lists of nodes. Matching takes time proportional to the lengths of the
 * pattern and the text, however many wildcards there are: patterns come from files that anyone may have written.
 */

/** A range of code points, both ends included. */
export type CodeRange = readonly [first: number, last: number];

/** A set of characters. */
export interface CharSet {
  readonly ranges: readonly CodeRange[];
  /** True if the set contains everything that isn't in the ranges. */
  readonly negated: boolean;
}

export type GlobNode =
  /** Exactly one character. */
  | { readonly kind: 'one'; readonly set: CharSet }
  /** Any number of characters. */
  | { readonly kind: 'many'; readonly set: CharSet }
  /** The next `count` nodes are optional, all or none of them. */
  | { readonly kind: 'optional'; readonly count: number };

const SLASH = 0x2f;
export const ANY_CHAR: CharSet = { ranges: [], negated: true };
export const ANY_BUT_SLASH: CharSet = { ranges: [[SLASH, SLASH]], negated: true };

/** Any number of whole path segments, each with its slash. */
export const ANY_FOLDERS: readonly GlobNode[] = [
  { kind: 'optional', count: 2 },
  { kind: 'many', set: ANY_CHAR },
  literal('/'),
];

/** Returns the node for one character. */
export function literal(char: string): GlobNode {
  const code = char.codePointAt(0) ?? 0;
  return { kind: 'one', set: { ranges: [[code, code]], negated: false } };
}

/** Returns a function that tests if the whole text matches. */
export function compileGlob(nodes: readonly GlobNode[]): (text: string) => boolean {
  const source = globSource(nodes);
  if (source !== undefined) {
    const expression = new RegExp(`^(?:${source})$`, 'su');
    return (text) => expression.test(text);
  }
  const ending = literalEnding(nodes);
  return (text) => text.endsWith(ending) && simulate(nodes, text);
}

/**
 * Returns a regular expression for the `u` and `s` flags; undefined for a pattern with which backtracking takes more than
 * linear time.
 */
export function globSource(nodes: readonly GlobNode[]): string | undefined {
  if (nodes.filter(({ kind }) => kind === 'many').length > 1) return undefined;
  let source = '';
  for (let at = 0; at < nodes.length; at += 1) {
    const node = nodes[at] as GlobNode;
    if (node.kind === 'optional') {
      source += `(?:${globSource(nodes.slice(at + 1, at + 1 + node.count))})?`;
      at += node.count;
    } else source += setSource(node.set) + (node.kind === 'many' ? '*' : '');
  }
  return source;
}

function setSource({ ranges, negated }: CharSet): string {
  const code = (each: number) => `\\u{${each.toString(16)}}`;
  const inside = ranges
    .map(([first, last]) => (first === last ? code(first) : `${code(first)}-${code(last)}`))
    .join('');
  return `[${negated ? '^' : ''}${inside}]`;
}

/** Returns the characters that every match ends with, as far as they are simply known. */
function literalEnding(nodes: readonly GlobNode[]): string {
  let ending = '';
  for (const node of [...nodes].reverse()) {
    if (node.kind !== 'one' || node.set.negated || node.set.ranges.length !== 1) break;
    const [first, last] = node.set.ranges[0] as CodeRange;
    if (first !== last) break;
    ending = String.fromCodePoint(first) + ending;
  }
  // The last of an optional group may be missing.
  return nodes.some(({ kind }) => kind === 'optional') ? ending.slice(ending.lastIndexOf('/') + 1) : ending;
}

/** Follows all ways to match at once, so that none is tried twice. */
function simulate(nodes: readonly GlobNode[], text: string): boolean {
  const { length } = nodes;
  let current = new Uint8Array(length + 1);
  let next = new Uint8Array(length + 1);
  /** Marks a place in the pattern, and those that are reached from it without a character. */
  const enter = (places: Uint8Array, start: number) => {
    for (let at = start; places[at] === 0; at += 1) {
      places[at] = 1;
      const node = nodes[at];
      if (node === undefined || node.kind === 'one') return;
      if (node.kind === 'optional') enter(places, at + 1 + node.count);
    }
  };
  enter(current, 0);
  for (let index = 0; index < text.length; index += 1) {
    const code = text.codePointAt(index) as number;
    if (code > 0xffff) index += 1;
    let isAlive = false;
    for (let at = 0; at < length; at += 1) {
      if (current[at] === 0) continue;
      const node = nodes[at] as GlobNode;
      if (node.kind === 'optional' || !contains(node.set, code)) continue;
      enter(next, node.kind === 'many' ? at : at + 1);
      isAlive = true;
    }
    if (!isAlive) return false;
    [current, next] = [next, current];
    next.fill(0);
  }
  return current[length] === 1;
}

function contains({ ranges, negated }: CharSet, code: number): boolean {
  for (const [first, last] of ranges) if (code >= first && code <= last) return !negated;
  return negated;
}
