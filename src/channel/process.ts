import { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import { Kind, type Part, ProtocolError } from './frames.ts';
import { type Helper, parse } from './helper.ts';
import { HIGH_WATER_MARK_BYTES, Incoming, Outgoing } from './parts.ts';
import { explained } from './socket.ts';

export interface SpawnOptions {
  /** Defaults to the image's working directory. */
  readonly cwd?: string;
  /** Added to the sandbox's own variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How a command ended: with a code, or by a signal such as SIGTERM. */
export type ProcessExit = { readonly code: number } | { readonly signal: string };

const StartedSchema = z.tuple([z.string().regex(/^\d{1,10}$/)]);
const ExitSchema = z.union([
  z.tuple([z.literal('code'), z.string().regex(/^\d{1,3}$/)]),
  z.tuple([z.literal('signal'), z.string().regex(/^SIG[A-Z0-9]{1,12}$/)]),
]);

/**
 * A command in a sandbox with its three streams, in a session of its own and without a terminal. Output that is not read
 * stops the command when its pipe is full, as usual. The streams never fail: they end early, and `exit` says why.
 */
export class SandboxProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly #started = Promise.withResolvers<number>();
  readonly #exit = Promise.withResolvers<ProcessExit>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #helper: Helper;
  readonly #id: number;
  readonly #incoming: readonly Incoming[];
  /** Resolves with its process ID. Rejects with a `UserError` if it can't be started. */
  readonly pid: Promise<number> = this.#started.promise;
  /** Resolves when it exits, which may be before its output ends. Rejects if that can't be known any more. */
  readonly exit: Promise<ProcessExit> = this.#exit.promise;
  /** Resolves when it has exited and all its output has arrived, or the connection is lost. */
  readonly ended: Promise<void> = this.#ended.promise;

  constructor(helper: Helper, argv: readonly string[], { cwd = '', env = {} }: SpawnOptions) {
    this.pid.catch(() => {});
    this.exit.catch(() => {});
    this.#helper = helper;
    const outgoing = new Outgoing(helper, () => this.#id);
    this.stdin = new Writable({
      highWaterMark: HIGH_WATER_MARK_BYTES,
      write: (bytes, _, done) => void outgoing.send(bytes).then(() => done(), done),
      final: (done) => {
        outgoing.end();
        done();
      },
      destroy: (error, done) => {
        outgoing.end();
        done(error);
      },
    });
    const outputs = ([1, 2] as const).map((part) => this.#output(part));
    [this.stdout, this.stderr] = outputs.map(({ reader }) => reader) as [Readable, Readable];
    this.#incoming = outputs.map(({ incoming }) => incoming);
    const incomingOf = (part: number) => {
      const found = this.#incoming[part - 1];
      if (!found) throw new ProtocolError(`Part ${part} of a command`);
      return found;
    };
    const [credit = 0, errorCredit = 0] = this.#incoming.map(({ firstCredit }) => firstCredit);
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const texts = [cwd, variables.length, ...variables, ...argv];
    this.#id = helper.open('spawn', [credit, errorCredit], texts, {
      data: (part, bytes) => incomingOf(part).take(bytes),
      end: (part) => (part === 0 ? outgoing.stop() : incomingOf(part).end()),
      credit: (bytes) => outgoing.add(bytes),
      told: (kind, said) => this.#told(kind, said),
      closed: (error) => {
        outgoing.stop();
        this.#closed(error && explained(error, argv[0] ?? ''));
      },
    });
  }

  /** Sends a signal to the command and what it has started in its session. */
  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.#helper.send(Kind.signal, this.#id, 0, Buffer.from(signal));
  }

  /** Ends the command, by force if it doesn't end within two seconds, and all of its streams. */
  close(reason: Error): void {
    this.#helper.abort(this.#id);
    this.#closed(reason);
  }

  #output(part: Part): { reader: Readable; incoming: Incoming } {
    const reader = new Readable({
      highWaterMark: HIGH_WATER_MARK_BYTES,
      read: () => incoming.read(),
      // What is no longer wanted is dropped, so that the command doesn't wait for its reader.
      destroy: (error, done) => {
        incoming.discard();
        done(error);
      },
    });
    const incoming = new Incoming(reader, this.#helper.pool, (bytes) => this.#helper.grant(this.#id, part, bytes));
    return { reader, incoming };
  }

  #told(kind: number, said: readonly string[]): void {
    if (kind === Kind.opened) this.#started.resolve(Number(parse(StartedSchema, said)[0]));
    if (kind !== Kind.exit) return;
    const [how, which] = parse(ExitSchema, said);
    this.#exit.resolve(how === 'code' ? { code: Number(which) } : { signal: which });
  }

  #closed(error: Error | undefined): void {
    const reason = error ?? new ProtocolError('No exit code');
    this.#started.reject(reason);
    this.#exit.reject(reason);
    for (const each of this.#incoming) each.end();
    this.#ended.resolve();
  }
}
