import { quote } from '../base/shell.ts';
import { strings } from './strings.ts';

/** Characters with which a shell would end the command or redirect it. */
const OPERATOR = /[;&|<>()\n]/;
/** A piece of text that no quote or bracket begins or ends in, except for `$'…'`, which is a quote of its own. */
const PIECE =
  /\\[\s\S]|(?<ansi>\$'(?:[^'\\]|\\[\s\S])*')|\$'|'[^']*'|`(?:[^`\\]|\\[\s\S])*`|(?<open>\$[({]|\$?"|\()|[\s\S]/y;
/** The same within double quotes, where other quotes mean nothing. */
const QUOTED_PIECE = /\\[\s\S]|`(?:[^`\\]|\\[\s\S])*`|(?<open>\$[({]|")|[\s\S]/y;
const CLOSING: Readonly<Record<string, string>> = { '"': '"', '$"': '"', '${': '}', '$(': ')', '(': ')' };

interface Piece {
  readonly text: string;
  /** True if it isn't within quotes or brackets. */
  readonly isOutside: boolean;
  /** True for a `$'…'`. */
  readonly isAnsi: boolean;
}

/** What a command may come after: `case` is only a keyword there. */
const COMMAND_START = /(?:^|[;&|(){}!\n]|(?<![^\s;&|()])(?:if|then|elif|else|while|until|do|in|fi|done|esac))\s*$/;
const CASE = /case(?=\s)/y;
const ESAC = /esac(?=[\s;&|)]|$)/y;

/** Something that isn't closed yet. */
interface Open {
  /** A character, or `esac`, up to which a `)` closes nothing. */
  readonly closing: string;
  readonly isQuoted: boolean;
  /** Where its contents start. */
  readonly start: number;
}

/** Returns the keyword at a place in a command, if it begins or ends a `case`. */
function keywordAt(text: string, at: number, { closing, isQuoted, start }: Open): 'case' | 'esac' | undefined {
  if (isQuoted || !(closing === ')' || closing === 'esac')) return undefined;
  const isAt = (keyword: RegExp) => {
    keyword.lastIndex = at;
    return keyword.test(text);
  };
  const found = isAt(CASE) ? 'case' : closing === 'esac' && isAt(ESAC) ? 'esac' : undefined;
  if (found === undefined) return undefined;
  const before = text.slice(start, at);
  // After a bracket, `esac` is a pattern.
  return COMMAND_START.test(before) && !(found === 'esac' && /\(\s*$/.test(before)) ? found : undefined;
}

/** Reads arguments as a shell does, which knows quotes within brackets within quotes. */
function readPieces(text: string): { pieces: Piece[]; isComplete: boolean } {
  const pieces: Piece[] = [];
  const open: Open[] = [];
  for (let at = 0; at < text.length; ) {
    const within = open.at(-1);
    const { closing, isQuoted } = within ?? { closing: undefined, isQuoted: false };
    const keyword = within && keywordAt(text, at, within);
    if (keyword) {
      pieces.push({ text: keyword, isOutside: false, isAnsi: false });
      at += keyword.length;
      if (keyword === 'esac') open.pop();
      else open.push({ closing: 'esac', isQuoted: false, start: at });
      continue;
    }
    const isClosed = text[at] === closing;
    const expression = isQuoted ? QUOTED_PIECE : PIECE;
    expression.lastIndex = at;
    const found = isClosed ? null : expression.exec(text);
    const [piece, groups] = [found?.[0] ?? (text[at] as string), found?.groups ?? {}];
    pieces.push({ text: piece, isOutside: open.length === 0, isAnsi: groups.ansi !== undefined });
    at += piece.length;
    if (isClosed) open.pop();
    // A lone parenthesis outside is an operator.
    else if (groups.open !== undefined && (groups.open !== '(' || closing === ')'))
      open.push({
        closing: CLOSING[groups.open] as string,
        isQuoted: groups.open.endsWith('"') || (groups.open === '${' && isQuoted),
        start: at,
      });
    else if (/^[`\\]$/.test(piece) || (!isQuoted && /^\$?'$/.test(piece))) return { pieces, isComplete: false };
  }
  return { pieces, isComplete: open.length === 0 };
}

/**
 * Returns why typed arguments can't be passed to a program, if a shell would take part of them for something else: an operator,
 * a comment, or a quote that isn't closed.
 */
export function shellArgumentsProblem(text: string): string | undefined {
  const { pieces, isComplete } = readPieces(text);
  for (const [index, { text: piece, isOutside }] of pieces.entries()) {
    if (!isOutside || piece.length > 1) continue;
    if (OPERATOR.test(piece)) return strings.shellOperator(piece === '\n' ? '↵' : piece);
    if (piece === '#' && /^\s?$/.test(pieces[index - 1]?.text ?? '')) return strings.shellOperator(piece);
  }
  return isComplete ? undefined : strings.openQuote();
}

/** Returns typed arguments for any POSIX shell: `$'…'` and `$"…"`, which not all of them know, become ordinary quotes. */
export function portableShellArguments(text: string): string {
  return readPieces(text)
    .pieces.map((piece) =>
      piece.text === '$"' ? '"' : piece.isAnsi ? quote(ansiText(piece.text.slice(2, -1))) : piece.text,
    )
    .join('');
}

const ANSI_ESCAPE =
  /\\(?:(?<octal>[0-7]{1,3})|x(?<hex>[\da-fA-F]{1,2})|u(?<short>[\da-fA-F]{1,4})|U(?<long>[\da-fA-F]{1,8})|c(?<control>[\s\S])|(?<char>[\s\S]))/g;
const CHARS: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  e: '\x1b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** Returns the text of a `$'…'`, whose octal and hexadecimal escapes are bytes. */
function ansiText(written: string): string {
  const bytes: Buffer[] = [];
  let at = 0;
  for (const { 0: all, index, groups = {} } of written.matchAll(ANSI_ESCAPE)) {
    const { octal, hex, short, long, control, char = '' } = groups;
    const code = Number.parseInt(short ?? long ?? '', 16);
    bytes.push(Buffer.from(written.slice(at, index)));
    if (octal !== undefined) bytes.push(Buffer.of(Number.parseInt(octal, 8)));
    else if (hex !== undefined) bytes.push(Buffer.of(Number.parseInt(hex, 16)));
    else if (control !== undefined) bytes.push(Buffer.of(control.charCodeAt(0) & 0x1f));
    else if (code <= 0x10ffff) bytes.push(Buffer.from(String.fromCodePoint(code)));
    else bytes.push(Buffer.from(CHARS[char] ?? (/["'?\\]/.test(char) ? char : all)));
    at = index + all.length;
  }
  const text = Buffer.concat([...bytes, Buffer.from(written.slice(at))]).toString();
  // No argument can contain a zero byte, which ends such a text.
  return text.replace(/\0[\s\S]*/, '');
}
