import type { Channel } from '../channel/channels.ts';
import { CANCELED, failureOf, type RunResult } from '../run/result.ts';
import type { AdapterLink, LinkEnd, LinkListener } from './adapter-link.ts';
import { type Message, MessageBatch, MessageReader } from './protocol.ts';

/** The place in a sandbox at which an adapter listens. */
export interface AdapterPlace {
  readonly host?: string | undefined;
  readonly port: number;
}

/** An adapter that listens on a port in a sandbox, reached through a channel, which is closed at its end. */
export class AdapterSocket implements AdapterLink {
  readonly ended: Promise<LinkEnd>;
  readonly #batch = new MessageBatch();
  #channel: Channel | undefined;
  #isEnding = false;

  /** An error from opening the channel is the adapter's end. */
  constructor(open: () => Promise<Channel>, place: AdapterPlace, listener: LinkListener) {
    this.ended = this.#connect(open, place, listener)
      .then(
        (): RunResult => ({ outcome: 'exited', exitCode: 0, signal: undefined }),
        (error): RunResult => (this.#isEnding ? CANCELED : failureOf(error)),
      )
      .then((result) => {
        this.#channel?.close();
        return { result, errors: '' };
      });
  }

  get sandboxId(): string | undefined {
    return this.#channel?.info.sandboxId;
  }

  send(message: Message): void {
    this.#batch.send(message);
  }

  end(): void {
    this.#isEnding = true;
    this.#channel?.close();
  }

  kill(): void {
    this.end();
  }

  async #connect(open: () => Promise<Channel>, { host, port }: AdapterPlace, listener: LinkListener): Promise<void> {
    this.#channel = await open();
    if (this.#isEnding) return;
    const socket = await this.#channel.connect({ port, ...(host !== undefined && { host }) });
    const reader = new MessageReader();
    this.#batch.open((bytes) => void socket.write(bytes));
    listener.running();
    listener.started(undefined);
    for await (const bytes of socket) for (const message of reader.feed(bytes)) listener.message(message);
  }
}
