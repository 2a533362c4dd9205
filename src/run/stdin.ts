import { ExecInput, type Reopen } from '../modal/exec-input.ts';

/** The most that one call sends, and that is read ahead of the program. */
const MAX_CALL_BYTES = 1024 * 1024;

/**
 * The input of a run. Each write to Modal is one call, so what comes during a call is sent together with the next one.
 * Text typed before the program starts waits for it.
 */
export class Stdin {
  readonly #encoder = new TextEncoder();
  readonly #connected = Promise.withResolvers<void>();
  #waiting: Uint8Array = new Uint8Array();
  /** Half a character, whose other half comes with the next event. */
  #half = '';
  #input: ExecInput | undefined;
  #isFlushing = false;
  #flushed: Promise<void> = Promise.resolve();
  #ended = false;
  #disconnected = false;

  write(text: string): void {
    const whole = (this.#half + text).replace(/[\ud800-\udbff]$/, '');
    this.#half = (this.#half + text).slice(whole.length);
    this.#add(this.#encoder.encode(whole));
    void this.#flush();
  }

  /** Sends what a source yields, as fast as the program takes it, and then closes the program's input. */
  async pipe(source: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      await this.#connected.promise;
      for await (const chunk of source) {
        this.#add(chunk);
        const flushed = this.#flush();
        if (this.#waiting.length >= MAX_CALL_BYTES) await flushed;
        if (this.#disconnected) return;
      }
    } catch {
      // A source that fails has no more bytes.
    }
    this.end();
  }

  /** Closes the program's input after what is waiting. */
  end(): void {
    this.#add(this.#encoder.encode(this.#half));
    this.#half = '';
    this.#ended = true;
    void this.#flush();
  }

  connect(stdin: WritableStream<Uint8Array>, reopen?: Reopen): void {
    this.#input = new ExecInput(stdin, reopen);
    this.#connected.resolve();
    void this.#flush();
  }

  /** Drops what is waiting, because the program has exited. */
  disconnect(): void {
    this.#disconnected = true;
    this.#input?.abandon();
    this.#input = undefined;
    this.#waiting = new Uint8Array();
  }

  #add(bytes: Uint8Array): void {
    if (!this.#disconnected) this.#waiting = Buffer.concat([this.#waiting, bytes]);
  }

  #flush(): Promise<void> {
    if (!this.#isFlushing) this.#flushed = this.#send();
    return this.#flushed;
  }

  async #send(): Promise<void> {
    this.#isFlushing = true;
    try {
      while (this.#input && this.#waiting.length > 0) {
        const bytes = this.#waiting.subarray(0, MAX_CALL_BYTES);
        await this.#input.write(bytes);
        this.#waiting = this.#waiting.subarray(bytes.length);
      }
      if (this.#input && this.#ended) {
        await this.#input.close();
        this.#input = undefined;
      }
    } catch {
      // The program closed its input or exited; its exit code says more.
      this.disconnect();
    } finally {
      this.#isFlushing = false;
    }
  }
}
