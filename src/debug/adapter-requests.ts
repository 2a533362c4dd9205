import type { Message, Request, Response } from './protocol.ts';

/** The requests to an adapter that haven't been answered, and the numbers of all messages to it. */
export class AdapterRequests {
  readonly #send: (message: Message) => void;
  readonly #pending = new Map<number, (response: Response) => void>();
  #seq = 0;

  constructor(send: (message: Message) => void) {
    this.#send = send;
  }

  /** Sends a request, and calls `take` with its response. */
  ask(command: string, args: unknown, take: (response: Response) => void): void {
    this.#pending.set(this.#next({ type: 'request', seq: 0, command, arguments: args }), take);
  }

  /** Takes a response of the adapter. */
  take(response: Response): void {
    const take = this.#pending.get(response.request_seq);
    this.#pending.delete(response.request_seq);
    take?.(response);
  }

  /** Answers a request of the adapter. */
  answer({ seq, command }: Request, success: boolean): void {
    this.#next({ type: 'response', seq: 0, request_seq: seq, success, command, body: {} });
  }

  #next(message: Message): number {
    this.#seq += 1;
    this.#send({ ...message, seq: this.#seq });
    return this.#seq;
  }
}
