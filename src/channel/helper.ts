import type { ModalClient, Sandbox } from 'modal';
import { z } from 'zod';
import { type Clock, MINUTE_MS } from '../base/clock.ts';
import { UserError } from '../base/errors.ts';
import { logError } from '../base/log.ts';
import { isSandboxGone } from '../modal/errors.ts';
import { inTime, QUIET_MS } from '../modal/exec.ts';
import { requireRunning } from '../modal/sandboxes.ts';
import { EXIT_NO_LANGUAGE, helperCommand, helperSource, LANGUAGE_NAMES, type LanguageName } from './boot.ts';
import { CreditPool } from './credit.ts';
import { ExecPipe } from './exec-pipe.ts';
import {
  FrameReader,
  fields,
  fieldsOf,
  frame,
  Kind,
  numberBytes,
  numberIn,
  type Part,
  ProtocolError,
} from './frames.ts';
import { strings } from './strings.ts';

/** A helper that hears nothing for this long ends itself and what it has started, because its window is lost. */
export const LOST_WINDOW_MS = 2 * MINUTE_MS;
const PING_INTERVAL_MS = 20_000;
/** Each stream gets some memory on both sides. */
const MAX_STREAMS = 1024;
const EXIT_TIMEOUT_MS = 10_000;
/** The time to wait for confirmation that the sandbox of a killed helper has stopped. */
const SANDBOX_END_MS = 1_000;

/** What a stream does with what the helper says about it. */
export interface StreamHandler {
  /** Throws `ProtocolError` for more bytes than it gave credit for. */
  data(part: number, bytes: Uint8Array): void;
  end(part: number): void;
  credit(bytes: number): void;
  /** A frame of another kind, with its fields. */
  told(kind: number, texts: readonly string[]): void;
  /** The helper has ended the stream; `error` says why if it failed. Nothing follows. */
  closed(error?: HelperFailure | Error): void;
}

/** Why something failed in the sandbox, with an error code such as ECONNREFUSED. */
export class HelperFailure extends Error {
  readonly code: string;
  constructor([code = 'EIO', message = '']: readonly string[]) {
    super(`${code}: ${message}`.slice(0, 500));
    this.code = /^E[A-Z0-9]{1,30}$/.test(code) ? code : 'EIO';
  }
}

const HelloSchema = z.tuple([z.literal('1'), z.enum(LANGUAGE_NAMES), z.string().regex(/^\d{1,10}$/)]);
const NeedSchema = z.tuple([z.enum(LANGUAGE_NAMES)]);

export interface HelperOptions {
  readonly modal: ModalClient;
  readonly sandbox: Sandbox;
  readonly clock: Clock;
  readonly languages?: readonly LanguageName[] | undefined;
  readonly lostWindowMs?: number | undefined;
}

/** The program in a sandbox that makes connections and starts commands there, with all its streams. */
export class Helper {
  readonly #options: HelperOptions;
  readonly #pipe: ExecPipe;
  readonly #streams = new Map<number, StreamHandler>();
  readonly #hello = Promise.withResolvers<LanguageName>();
  #lastId = 0;
  #isReady = false;
  #hasEnded = false;
  #stopPings = () => {};
  readonly #ended = Promise.withResolvers<Error>();
  readonly pool = new CreditPool();
  /** Resolves with the reason once the helper has ended. */
  readonly ended = this.#ended.promise;

  /** Starts the helper. Throws `UserError` if the image can't run it, and the SDK's errors. */
  static async start(options: HelperOptions): Promise<Helper> {
    const { languages, lostWindowMs = LOST_WINDOW_MS } = options;
    const pipe = await ExecPipe.open(helperCommand(Math.ceil(lostWindowMs / 1000), languages), options);
    const helper = new Helper(pipe, options);
    try {
      await inTime(helper.#hello.promise, QUIET_MS);
      return helper;
    } catch (error) {
      helper.#end(error as Error);
      throw error;
    }
  }

  private constructor(pipe: ExecPipe, options: HelperOptions) {
    this.#pipe = pipe;
    this.#options = options;
    void this.#read();
    void pipe.failed.then((error) => this.#end(error as Error));
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Opens a stream, and returns its ID. Throws `UserError`. */
  open(what: string, credits: readonly [number, number], texts: readonly (string | number)[], handler: StreamHandler) {
    if (this.#streams.size >= MAX_STREAMS) throw new UserError(strings.tooManyStreams(MAX_STREAMS));
    const request = fields(what, ...credits, ...texts);
    const id = ++this.#lastId;
    this.#streams.set(id, handler);
    // A page makes many connections at once.
    this.#pipe.gather(...frame(Kind.open, id, 0, request));
    return id;
  }

  send(kind: number, id: number, part: Part = 0, payload: Uint8Array = new Uint8Array()): void {
    this.#pipe.write(...frame(kind, id, part, payload));
  }

  grant(id: number, part: Part, bytes: number): void {
    if (this.#streams.has(id)) this.send(Kind.credit, id, part, numberBytes(bytes));
  }

  /** Resolves when more bytes can be sent. */
  room(): Promise<void> {
    return this.#pipe.room();
  }

  /** Ends a stream at once, unless it has ended. */
  abort(id: number): void {
    if (this.#streams.delete(id)) this.send(Kind.close, id);
  }

  /** Forgets a stream that the helper will end. */
  forget(id: number): void {
    this.#streams.delete(id);
  }

  /** Ends the helper and all of its streams, for a reason. */
  close(reason: Error): void {
    this.#end(reason);
  }

  async #read(): Promise<void> {
    const reader = new FrameReader({
      data: (id, part, bytes) => {
        if (!this.#isReady) throw new ProtocolError('Bytes before the first frame');
        this.#streams.get(id)?.data(part, bytes);
      },
      frame: (kind, id, part, payload) => this.#take(kind, id, part, payload),
    });
    try {
      for await (const chunk of this.#pipe.read()) {
        if (this.#hasEnded) return;
        reader.feed(chunk);
      }
      this.#end(await this.#whyEnded());
    } catch (error) {
      if (error instanceof ProtocolError) logError(error);
      this.#end(error instanceof ProtocolError ? new UserError(strings.helperNotUnderstood()) : (error as Error));
    }
  }

  #take(kind: number, id: number, part: number, payload: Uint8Array): void {
    if (!this.#isReady) {
      if (kind === Kind.hello) this.#begin(fieldsOf(payload));
      else if (kind === Kind.need) this.#supply(fieldsOf(payload));
      else throw new ProtocolError(`Frame ${kind} before the first`);
      return;
    }
    const stream = this.#streams.get(id);
    // The next language is tried, because the helper was killed.
    if (kind === Kind.hello || kind === Kind.need) this.#end(new UserError(strings.helperEnded()));
    else if (kind === Kind.end) stream?.end(part);
    else if (kind === Kind.credit) stream?.credit(numberIn(payload));
    else if (kind === Kind.opened || kind === Kind.exit || kind === Kind.ports) stream?.told(kind, fieldsOf(payload));
    else if (kind === Kind.close) {
      this.#streams.delete(id);
      stream?.closed(payload.length > 0 ? new HelperFailure(fieldsOf(payload)) : undefined);
    } else throw new ProtocolError(`Frame ${kind}`);
  }

  #begin(texts: readonly string[]): void {
    const hello = parse(HelloSchema, texts);
    this.#isReady = true;
    this.#hello.resolve(hello[1]);
    this.#ping(this.#options.clock.now());
  }

  #supply(texts: readonly string[]): void {
    const [language] = parse(NeedSchema, texts);
    this.#pipe.write(...frame(Kind.source, 0, 0, helperSource(language)));
  }

  #ping(at: number): void {
    if (this.#hasEnded) return;
    const { clock } = this.#options;
    this.#stopPings = clock.after(PING_INTERVAL_MS, () => {
      const now = clock.now();
      if (now - at > LOST_WINDOW_MS) return this.#end(new UserError(strings.windowWasAsleep()));
      this.send(Kind.ping, 0);
      this.#ping(now);
    });
  }

  /** Returns why the helper's output has ended. */
  async #whyEnded(): Promise<Error> {
    const { modal, sandbox } = this.#options;
    try {
      const code = await inTime(this.#pipe.wait(), EXIT_TIMEOUT_MS).catch((error) => {
        if (isSandboxGone(error) || !this.#isReady) throw error;
      });
      // A sandbox that stops kills its programs, and may not be known to have stopped yet.
      const mayBeKilled = code !== 0 && code !== EXIT_NO_LANGUAGE;
      await requireRunning(modal, sandbox.sandboxId, mayBeKilled ? SANDBOX_END_MS : 0);
      if (this.#isReady || code === undefined) return new UserError(strings.helperEnded());
      return new UserError(code === EXIT_NO_LANGUAGE ? strings.noLanguage() : strings.helperDidntStart(code));
    } catch (error) {
      return isSandboxGone(error) || !this.#isReady ? (error as Error) : new UserError(strings.helperEnded());
    }
  }

  #end(reason: Error): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#stopPings();
    this.#hello.reject(reason);
    this.#hello.promise.catch(() => {});
    this.#pipe.close();
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const each of streams) each.closed(reason);
    this.#ended.resolve(reason);
  }
}

/** Parses what a helper says. Throws `ProtocolError`. */
export function parse<T>(schema: z.ZodType<T>, texts: unknown): T {
  const { data, error } = schema.safeParse(texts);
  if (error) throw new ProtocolError(error.issues[0]?.message);
  return data as T;
}
