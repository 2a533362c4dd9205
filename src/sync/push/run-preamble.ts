import { quote } from '../../base/shell.ts';
import { STATE_FOLDER } from '../rules/builtin.ts';
import { APPLY_SCRIPT, parseReply, type Reply } from './apply-script.ts';

/** Private escape sequence in which the preamble says how the sync went, before any of the program's output. */
const MARK_START = '\u001b]7770;sync;';
const MARK_END = '\u0007';
const MAX_MARK = 16 * 1024;

/** How a run's sync went, as far as the output told. */
export type RunSyncOutcome = Reply | { readonly kind: 'same' } | { readonly kind: 'unknown' };

/** Shell lines that end with exit code 75 unless the sandbox is at this generation. They start no process. */
export function checkPreamble(remoteRoot: string, generation: string): string {
  const file = quote(`${remoteRoot}/${STATE_FOLDER}/gen`);
  return [
    'modal_gen=none',
    `[ ! -f ${file} ] || IFS= read -r modal_gen < ${file} || :`,
    `[ "$modal_gen" = ${quote(generation)} ] || { printf '\\033]7770;sync;DRIFT %s\\007' "$modal_gen"; exit 75; }`,
    'unset modal_gen',
    `printf '\\033]7770;sync;SAME\\007'`,
  ].join('\n');
}

/** Shell lines that take in a small archive and end with exit code 75 when that fails. */
export function applyPreamble(args: readonly string[], payload: string): string {
  return [
    `modal_said=$(printf %s ${payload} | base64 -d 2>/dev/null | sh -c ${quote(APPLY_SCRIPT)} modal-sync ${args.map(quote).join(' ')}) || {`,
    `  printf '\\033]7770;sync;%s\\007' "$modal_said"; exit 75; }`,
    `printf '\\033]7770;sync;%s\\007' "$modal_said"`,
    'unset modal_said',
  ].join('\n');
}

/** Takes the mark off a run's output. Feed it every chunk in order. */
export class RunMarkReader {
  #syncedInOrder = Buffer.alloc(0);
  #outcome: RunSyncOutcome | undefined;

  /** Known once the mark, or anything else, has come. */
  get outcome(): RunSyncOutcome | undefined {
    return this.#outcome;
  }

  /** The bytes of the program among those that came. */
  feed(chunk: Uint8Array): Uint8Array {
    if (this.#outcome) return chunk;
    this.#syncedInOrder = Buffer.concat([this.#syncedInOrder, chunk]);
    const start = Buffer.from(MARK_START);
    const begun = this.#syncedInOrder.subarray(0, start.length);
    if (!start.subarray(0, begun.length).equals(begun)) return this.#settle({ kind: 'unknown' }, 0);
    const end = this.#syncedInOrder.indexOf(MARK_END);
    if (end < 0) return this.#syncedInOrder.length > MAX_MARK ? this.#settle({ kind: 'unknown' }, 0) : new Uint8Array();
    const said = this.#syncedInOrder.toString('utf8', start.length, end).replaceAll('\r', '');
    return this.#settle(said === 'SAME' ? { kind: 'same' } : parseReply(said), end + 1);
  }

  /** What was held back when the output ended within a mark. */
  end(): Uint8Array {
    return this.#outcome ? new Uint8Array() : this.#settle({ kind: 'unknown' }, 0);
  }

  #settle(outcome: RunSyncOutcome, from: number): Uint8Array {
    this.#outcome = outcome;
    const rest = this.#syncedInOrder.subarray(from);
    this.#syncedInOrder = Buffer.alloc(0);
    return rest;
  }
}
