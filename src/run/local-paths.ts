import { REMOTE_ROOT } from '../sync/options.ts';

/**
 * Replaces sandbox paths with local ones in a program's output, for problem matchers, which know only local files. Works
 * on a stream: a path that is split between chunks is held back until the rest arrives.
 */
export class LocalPaths {
  readonly #replacement: string;
  #held = '';
  /** The last character that was passed on. */
  #last = '';

  /** `replacement` replaces `/workspace/`: the local folder with its separator, or `''` for relative paths. */
  constructor(replacement: string) {
    this.#replacement = replacement;
  }

  /** Returns the text with its paths replaced, up to a possible incomplete path at the end. */
  feed(text: string): string {
    const all = this.#held + text;
    const certain = all.length - pathStartLength(all);
    this.#held = all.slice(certain);
    const known = all.slice(0, certain);
    const replaced = known.replaceAll(PREFIX, (prefix, at: number) => {
      // Not in the middle of a longer path.
      return /[\w./-]/.test(at > 0 ? (known[at - 1] ?? '') : this.#last) ? prefix : this.#replacement;
    });
    this.#last = known.at(-1) ?? this.#last;
    return replaced;
  }

  /** Returns the text that was held back. */
  end(): string {
    const rest = this.#held;
    this.#held = '';
    return rest;
  }
}

const PREFIX = `${REMOTE_ROOT}/`;

/** Returns how many characters at the end of a text could be the start of a path. */
function pathStartLength(text: string): number {
  if (text.endsWith(PREFIX)) return 0;
  for (let length = Math.min(PREFIX.length - 1, text.length); length > 0; length -= 1)
    if (text.endsWith(PREFIX.slice(0, length))) return length;
  return 0;
}
