import type { Clock } from '../base/clock.ts';

/** A sign of life, as the server asks for it or as the client gives it, takes no more than this, with any cipher. */
const MAX_SIGN_BYTES = 128;
/** The server's clock and ours may differ by this much. */
const TOLERANCE_MS = 1_000;

/**
 * When an SSH connection last carried something other than signs of life. Its bytes are encrypted, but a server asks for
 * a sign only after its client has said nothing for a time, and the client's next bytes are then the answer.
 */
export class SshActivity {
  readonly #clock: Clock;
  readonly #aliveMs: number;
  #clientAt: number;
  #isAsked = false;
  #lastAt: number;

  constructor(clock: Clock, aliveMs: number) {
    this.#clock = clock;
    this.#aliveMs = aliveMs;
    this.#clientAt = clock.now();
    this.#lastAt = this.#clientAt;
  }

  /** The time since something was carried, in milliseconds. */
  get quietMs(): number {
    return this.#clock.now() - this.#lastAt;
  }

  fromServer(bytes: number): void {
    const isDue = this.#clock.now() - this.#clientAt >= this.#aliveMs - TOLERANCE_MS;
    if (bytes <= MAX_SIGN_BYTES && isDue && !this.#isAsked) this.#isAsked = true;
    else this.note();
  }

  fromClient(bytes: number): void {
    if (bytes > MAX_SIGN_BYTES || !this.#isAsked) this.note();
    this.#isAsked = false;
    this.#clientAt = this.#clock.now();
  }

  /** Notes that the connection is in use. */
  note(): void {
    this.#lastAt = this.#clock.now();
  }
}
