import type { Message, Request } from './protocol.ts';

/** The answer to a request. */
export interface Answer {
  readonly body?: unknown;
  readonly success?: boolean;
  /** Why it failed. */
  readonly message?: string | undefined;
}

const PROGRESS_ID = 'start';

/** Sends messages to the editor, once it listens: before its first request, an adapter says nothing. */
export class EditorMessages {
  readonly #send: (message: Message) => void;
  #waiting: Message[] | undefined = [];
  #seq = 0;
  #isShowingProgress = false;

  constructor(send: (message: Message) => void) {
    this.#send = send;
  }

  /** Sends what has waited for the first request to be answered. */
  open(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const each of waiting) this.#next(each);
  }

  answer({ seq, command }: Request, { body, success = true, message }: Answer = {}): void {
    this.#next({ type: 'response', seq: 0, request_seq: seq, success, command, body, ...(message && { message }) });
  }

  event(event: string, body?: unknown): void {
    const message: Message = { type: 'event', seq: 0, event, body };
    if (this.#waiting) this.#waiting.push(message);
    else this.#next(message);
  }

  /** Shows a line in the Debug Console. */
  line(text: string): void {
    // VS Code shows lines of the category `console` in the color of warnings.
    this.event('output', { category: 'stdout', output: `${text}\n` });
  }

  /** Shows a step below a title, until the next one; `''` when there is none any more. */
  progress(title: string, line: string): void {
    const say = (event: string, body: object) => this.event(event, { progressId: PROGRESS_ID, ...body });
    if (line === '') {
      if (this.#isShowingProgress) say('progressEnd', {});
    } else if (this.#isShowingProgress) say('progressUpdate', { message: line });
    else say('progressStart', { title, message: line });
    this.#isShowingProgress = line !== '';
  }

  #next(message: Message): void {
    this.#seq += 1;
    this.#send({ ...message, seq: this.#seq });
  }
}
