import { posix } from 'node:path';
import { REMOTE_ROOT } from '../sync/options.ts';
import { COPIES_ROOT } from './request.ts';

/** A sandbox path in a line of text. */
export interface RemotePath {
  /** The start of the path in the text. */
  readonly start: number;
  readonly length: number;
  /** Relative to the folder, or absolute for a copy of a file from outside it. */
  readonly path: string;
  readonly line: number | undefined;
  readonly column: number | undefined;
}

const ROOT = `(?:${REMOTE_ROOT}|(${COPIES_ROOT}))`;

// `File "/workspace/a b.py", line 3`, and `/workspace/a.c:3:4`, `/workspace/a.ts(3,4)`.
const QUOTED = new RegExp(`"${ROOT}/([^"]+)"(?:, line (\\d+))?`, 'g');
const PLAIN = new RegExp(
  `(?<![\\w./"-])${ROOT}/([^\\s:"'(),;]+)(?::(\\d+)(?::(\\d+))?|\\((\\d+)(?:,(\\d+))?\\))?`,
  'g',
);

/** Finds the sandbox paths in a line of a program's output. */
export function findRemotePaths(text: string): RemotePath[] {
  const found = [...text.matchAll(QUOTED), ...text.matchAll(PLAIN)].map((match) => {
    const [whole, copies, path = '', line, column, otherLine, otherColumn] = match;
    return {
      start: match.index,
      length: whole.length,
      path: copies ? `${copies}/${path}` : path,
      line: numberOf(line ?? otherLine),
      column: numberOf(column ?? otherColumn),
    };
  });
  return found.filter(({ path }) => !/^\.\.(\/|$)/.test(posix.normalize(path))).sort((a, b) => a.start - b.start);
}

function numberOf(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits);
}
