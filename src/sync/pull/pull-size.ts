import { type Ask, isHuge, SyncStopped } from '../push/questions.ts';
import type { Received } from './pull-receiver.ts';

/** How much a pull has received, and whether the user wants all of it, however much it is. */
export class PullSize {
  readonly #ask: Ask | undefined;
  #files = 0;
  #bytes = 0;
  #isConfirmed = false;

  constructor(ask: Ask | undefined) {
    this.#ask = ask;
  }

  /** Asks once the current archive, with what came before it, is huge. Throws `SyncStopped` if the answer isn't yes. */
  async check({ files, bytes }: Pick<Received, 'files' | 'bytes'>): Promise<void> {
    const soFar = { files: this.#files + files, bytes: this.#bytes + bytes };
    if (this.#isConfirmed || !isHuge(soFar.files, soFar.bytes)) return;
    const question = { kind: 'huge-pull', ...soFar } as const;
    if ((await this.#ask?.(question)) !== true) throw new SyncStopped(question);
    this.#isConfirmed = true;
  }

  /** Counts an archive that has been received. */
  add({ files, bytes }: Pick<Received, 'files' | 'bytes'>): void {
    this.#files += files;
    this.#bytes += bytes;
  }
}
