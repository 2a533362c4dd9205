import { expand, rawWords } from './words.ts';

/** Lines below an instruction that are the content of a file or a script. */
export interface Heredoc {
  /** The word that ends it, which is also the name of the file. */
  readonly name: string;
  /** As written, each line with its end. */
  readonly content: string;
  /** Tabs at the beginnings of lines don't count, because it was opened with `<<-`. */
  readonly stripsTabs: boolean;
  /** Variables in it are replaced, because its word isn't quoted. */
  readonly expands: boolean;
}

/**
 * Returns the heredocs that a command opens, in order, without their content. As in BuildKit, only a whole word outside
 * quotes does: https://github.com/moby/buildkit/blob/master/frontend/dockerfile/parser/parser.go.
 */
export function heredocsIn(command: string): Heredoc[] {
  return (rawWords(command) ?? []).flatMap((word) => heredocOf(word) ?? []);
}

/** Returns the heredoc that a word opens; undefined if it doesn't open one. */
export function heredocOf(word: string): Heredoc | undefined {
  const [, dash, rest = ''] = /^\d*<<(-?)\s*([^<]*)$/.exec(word) ?? [];
  if (dash === undefined || rest === '' || rawWords(rest)?.length !== 1) return undefined;
  // A `$` isn't special here.
  const name = expand(rest.replaceAll('$', '\\$'), () => undefined);
  // An escape alone doesn't count as a quote.
  const quotes = (text: string) => text.replace(/[^"']/g, '').length;
  return { name, content: '', stripsTabs: dash === '-', expands: quotes(name) === quotes(rest) };
}

/** Returns the content of the file that a heredoc describes. */
export function fileContent({ content, stripsTabs }: Heredoc): string {
  return stripsTabs ? content.replace(/^\t+/gm, '') : content;
}
