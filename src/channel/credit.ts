/** What every part of a stream may carry before its first credit arrives, and always. The helpers know it, too. */
export const MIN_CREDIT_BYTES = 16 * 1024;
/** The streams of a sandbox share this, beyond what each always has. */
const BUDGET_BYTES = 16 * 1024 * 1024;
/** A stream gets at most this part of what is left for it. */
const SHARE = 1 / 4;

/**
 * Divides memory among the streams of a sandbox. Each has the minimum, and a quarter of what is left for it. Of the budget,
 * half is for any stream, and the rest opens to a stream as it's read. So one alone is fast, a thousand that are never read
 * fit in, and one that is read isn't slowed down by them.
 */
export class CreditPool {
  #sharedBytes = 0;

  /** Opens the account of a stream's part, with its first credit. */
  open(): Credit {
    return new Credit(this);
  }

  /** Returns how much beyond the minimum a part may have of which so much was read. */
  share(own: number, readBytes: number): number {
    const limit = Math.min(BUDGET_BYTES, BUDGET_BYTES / 2 + readBytes / SHARE);
    return Math.max(0, Math.floor((limit - this.#sharedBytes + own) * SHARE));
  }

  /** Notes that a part has more or less of the budget than before. */
  change(bytes: number): void {
    this.#sharedBytes += bytes;
  }
}

/** What a part of a stream may still carry, or has carried without being read. */
export class Credit {
  readonly #pool: CreditPool;
  #granted = 0;
  #readBytes = 0;

  constructor(pool: CreditPool) {
    this.#pool = pool;
    this.#set(this.#target());
  }

  get granted(): number {
    return this.#granted;
  }

  /** Notes that bytes were read. Returns how many more to grant: none, or at least as many as are left. */
  read(bytes: number): number {
    this.#readBytes += bytes;
    this.#set(this.#granted - bytes);
    const target = this.#target();
    const more = target - this.#granted;
    if (more * 2 < target) return 0;
    this.#set(target);
    return more;
  }

  /** Takes back what isn't needed, because nothing follows. */
  keepOnly(bytes: number): void {
    this.#set(bytes);
  }

  #target(): number {
    return MIN_CREDIT_BYTES + this.#pool.share(beyondMinimum(this.#granted), this.#readBytes);
  }

  #set(granted: number): void {
    this.#pool.change(beyondMinimum(granted) - beyondMinimum(this.#granted));
    this.#granted = granted;
  }
}

function beyondMinimum(granted: number): number {
  return Math.max(0, granted - MIN_CREDIT_BYTES);
}
