import { quote } from '../../base/shell.ts';
import { STATE_FOLDER } from '../rules/builtin.ts';
import { APPLY_PERL } from './apply-perl.ts';
import { APPLY_REST, parseReply, type Reply } from './apply-script.ts';

/** The private escape sequence in which the preamble reports the sync's outcome, before any of the program's output. */
const MARK_START = '\u001b]7770;sync;';
const MARK_END = '\u0007';
const MAX_MARK_BYTES = 16 * 1024;

/**
 * The outcome of a run's sync: the reply to its push, `same` if none was needed, `unknown` if the output didn't report
 * it.
 */
export type RunSyncOutcome = Reply | { readonly kind: 'same' } | { readonly kind: 'unknown' };

/** Returns shell lines that exit with code 75 unless the sandbox is at this generation. They start no process. */
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

/** Returns shell lines that apply a small archive, and exit with code 75 if that fails. */
export function applyPreamble(args: readonly string[], payload: string): string {
  const all = args.map(quote).join(' ');
  return [
    `printf '\\033]7770;sync;'`,
    `modal_input=${payload} modal_code=1`,
    `! command -v perl >/dev/null 2>&1 || { perl -e ${quote(APPLY_PERL)} modal-sync $$ "$modal_input" ${all}; modal_code=$?; }`,
    'case $modal_code in 0|7?) ;; *)',
    `printf %s "$modal_input" | base64 -d 2>/dev/null | MODAL_SYNC_CODE=$modal_code sh -c ${quote(APPLY_REST)} modal-sync ${all}; modal_code=$?;;`,
    'esac',
    `printf '\\007'`,
    '[ $modal_code = 0 ] || exit 75',
    'unset modal_input modal_code',
  ].join('\n');
}

/** Removes the mark from a run's output. */
export class RunMarkReader {
  #pending = Buffer.alloc(0);
  #outcome: RunSyncOutcome | undefined;

  /** Known once the mark, or anything else, has arrived. */
  get outcome(): RunSyncOutcome | undefined {
    return this.#outcome;
  }

  /** Receives the next chunk, and returns the bytes of it that are the program's. */
  feed(chunk: Uint8Array): Uint8Array {
    if (this.#outcome) return chunk;
    this.#pending = Buffer.concat([this.#pending, chunk]);
    const start = Buffer.from(MARK_START);
    const begun = this.#pending.subarray(0, start.length);
    if (!start.subarray(0, begun.length).equals(begun)) return this.#settle({ kind: 'unknown' }, 0);
    const end = this.#pending.indexOf(MARK_END);
    if (end < 0) return this.#pending.length > MAX_MARK_BYTES ? this.#settle({ kind: 'unknown' }, 0) : new Uint8Array();
    const reply = this.#pending.toString('utf8', start.length, end).replaceAll('\r', '');
    return this.#settle(reply === 'SAME' ? { kind: 'same' } : parseReply(reply), end + 1);
  }

  /** Ends the output. Returns what was held back, if it ended within a mark. */
  end(): Uint8Array {
    return this.#outcome ? new Uint8Array() : this.#settle({ kind: 'unknown' }, 0);
  }

  #settle(outcome: RunSyncOutcome, from: number): Uint8Array {
    this.#outcome = outcome;
    const rest = this.#pending.subarray(from);
    this.#pending = Buffer.alloc(0);
    return rest;
  }
}
