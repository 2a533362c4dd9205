import { strings } from './strings.ts';

/** What a shell takes as one piece: an escaped character, a quoted text, or a value to expand. */
const PIECE =
  /\\[\s\S]|'[^']*'|"(?:[^"\\]|\\[\s\S])*"|`(?:[^`\\]|\\[\s\S])*`|\$\{[^}]*\}|\$\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)/y;
/** Characters with which a shell would end the command or redirect it. */
const OPERATOR = /[;&|<>()\n]/;

/**
 * Returns why typed arguments can't be passed to a program, if a shell would take part of them for something else: an operator,
 * a comment, or a quote that isn't closed.
 */
export function shellArgumentsProblem(text: string): string | undefined {
  const piece = new RegExp(PIECE);
  for (let at = 0; at < text.length; ) {
    piece.lastIndex = at;
    const taken = piece.exec(text)?.[0];
    if (taken !== undefined) {
      at += taken.length;
      continue;
    }
    const char = text[at] as string;
    if (/['"`\\]/.test(char) || text.startsWith('$(', at) || text.startsWith('${', at)) return strings.openQuote();
    if (OPERATOR.test(char)) return strings.shellOperator(char === '\n' ? '↵' : char);
    if (char === '#' && (at === 0 || /\s/.test(text[at - 1] as string))) return strings.shellOperator(char);
    at += 1;
  }
  return undefined;
}
