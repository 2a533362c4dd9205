import { Duplex } from 'node:stream';
import { UserError } from '../base/errors.ts';
import { Kind, ProtocolError } from './frames.ts';
import { type Helper, HelperFailure } from './helper.ts';
import { HIGH_WATER_MARK_BYTES, Incoming, Outgoing } from './parts.ts';
import { strings } from './strings.ts';

/** What a connection is made to, from inside the sandbox. Without a host, `127.0.0.1` is tried first, then `::1`. */
export type Target = { readonly host?: string; readonly port: number } | { readonly path: string };

/** Returns a target as users know it. */
export function targetName(target: Target): string {
  if ('path' in target) return target.path;
  const { host, port } = target;
  if (host === undefined || host === 'localhost') return strings.portOf(port);
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * A connection that a sandbox has made. What is written at once goes along with the request for it, and waits for it in the
 * sandbox. Each direction can end alone. If the other side no longer reads, what is written is dropped. Emits `error` with
 * a `UserError` if it can't be made or breaks.
 */
export class SandboxSocket extends Duplex {
  readonly #helper: Helper;
  readonly #incoming: Incoming;
  readonly #outgoing: Outgoing;
  readonly #opened = Promise.withResolvers<void>();
  readonly #id: number;
  readonly #target: Target;
  /** Resolves when the connection is made. Rejects with a `UserError` if it can't be. */
  readonly opened: Promise<void> = this.#opened.promise;

  constructor(helper: Helper, target: Target) {
    super({ readableHighWaterMark: HIGH_WATER_MARK_BYTES, writableHighWaterMark: HIGH_WATER_MARK_BYTES });
    this.opened.catch(() => {});
    this.#helper = helper;
    this.#target = target;
    this.#incoming = new Incoming(this, helper.pool, (bytes) => helper.grant(this.#id, 1, bytes));
    this.#outgoing = new Outgoing(helper, () => this.#id);
    const [what, texts] =
      'path' in target
        ? (['unix', [target.path]] as const)
        : (['tcp', [target.host ?? 'localhost', target.port]] as const);
    this.#id = helper.open(what, [this.#incoming.firstCredit, 0], texts, {
      data: (part, bytes) => {
        if (part !== 1) throw new ProtocolError(`Bytes of part ${part}`);
        this.#incoming.take(bytes);
      },
      end: (part) => (part === 0 ? this.#outgoing.stop() : this.#incoming.end()),
      credit: (bytes) => this.#outgoing.add(bytes),
      told: (kind) => {
        if (kind === Kind.opened) this.#opened.resolve();
      },
      closed: (error) => this.#closed(error),
    });
  }

  override _read(): void {
    this.#incoming.read();
  }

  override _write(bytes: Uint8Array, _: string, done: (error?: Error | null) => void): void {
    this.#outgoing.send(bytes).then(() => done(), done);
  }

  override _final(done: () => void): void {
    this.#outgoing.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // The helper may still have bytes to deliver.
    if (!error && this.readableEnded && this.writableFinished) this.#helper.forget(this.#id);
    else this.#helper.abort(this.#id);
    this.#opened.reject(error ?? new UserError(strings.channelClosed(targetName(this.#target))));
    this.#incoming.discard();
    this.#incoming.end();
    this.#outgoing.stop();
    done(error);
  }

  #closed(error: Error | undefined): void {
    if (error) this.destroy(explained(error, targetName(this.#target)));
    this.#incoming.end();
    this.#outgoing.stop();
  }
}

/** Returns an error with a sentence for users, about something in the sandbox. */
export function explained(error: Error, what: string): Error {
  if (!(error instanceof HelperFailure)) return error;
  const sentences: Record<string, (what: string) => string> = {
    ECONNREFUSED: strings.refused,
    ENOTFOUND: strings.hostNotFound,
    ENOENT: strings.notFound,
    ESRCH: strings.notFound,
    EACCES: strings.denied,
    EPERM: strings.denied,
    ENETUNREACH: strings.unreachable,
    EHOSTUNREACH: strings.unreachable,
    ETIMEDOUT: strings.unreachable,
    ECONNRESET: strings.reset,
    EPIPE: strings.reset,
  };
  const sentence = sentences[error.code]?.(what) ?? strings.failed(what, error.code);
  return Object.assign(new UserError(sentence, { cause: error }), { code: error.code });
}
