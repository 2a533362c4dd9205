import { REMOTE_ROOT } from '../sync/options.ts';

/**
 * Puts local paths in the place of the sandbox's in a program's output, for problem matchers, which know only local
 * files. Works on a stream: a path that is cut by a chunk's end is held back until the rest has come.
 */
export class LocalPaths {
  readonly #replacement: string;
  #held = '';
  /** The last character that was let through. */
  #last = '';

  /** `replacement` takes the place of `/workspace/`: the local folder with its separator, or nothing for relative paths. */
  constructor(replacement: string) {
    this.#replacement = replacement;
  }

  /** The text with the paths replaced, as far as it is certain. */
  feed(text: string): string {
    const all = this.#held + text;
    const certain = all.length - beginningAtEnd(all);
    this.#held = all.slice(certain);
    const known = all.slice(0, certain);
    const replaced = known.replaceAll(PREFIX, (prefix, at: number) => {
      // Not in the middle of a longer path.
      return /[\w./-]/.test(at > 0 ? (known[at - 1] ?? '') : this.#last) ? prefix : this.#replacement;
    });
    this.#last = known.at(-1) ?? this.#last;
    return replaced;
  }

  /** What was held back. */
  end(): string {
    const rest = this.#held;
    this.#held = '';
    return rest;
  }
}

const PREFIX = `${REMOTE_ROOT}/`;

/** How many characters at the end of a text could be the beginning of a path. */
function beginningAtEnd(text: string): number {
  if (text.endsWith(PREFIX)) return 0;
  for (let length = Math.min(PREFIX.length - 1, text.length); length > 0; length -= 1)
    if (text.endsWith(PREFIX.slice(0, length))) return length;
  return 0;
}
