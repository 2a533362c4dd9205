import { PassThrough, type Readable, type Writable } from 'node:stream';
import {
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type RequestId,
  type Transport,
} from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';

/**
 * The standard streams. At the end of the input, the calls in progress are still answered, for up to `finishMs`: the SDK's
 * own transport drops them.
 */
export class FinishingStdio implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: Transport['onmessage'];
  readonly #inner: StdioServerTransport;
  readonly #input = new PassThrough();
  readonly #source: Readable;
  readonly #finishMs: number;
  readonly #open = new Set<RequestId>();
  #hasEnded = false;

  constructor(input: Readable, output: Writable, finishMs: number) {
    this.#source = input;
    this.#finishMs = finishMs;
    this.#inner = new StdioServerTransport(this.#input, output);
    this.#inner.onclose = () => this.onclose?.();
    this.#inner.onerror = (error) => this.onerror?.(error);
    this.#inner.onmessage = (message) => this.#receive(message);
  }

  async start(): Promise<void> {
    await this.#inner.start();
    this.#source.on('data', (chunk: Buffer) => this.#input.write(chunk));
    const end = () => this.#end();
    for (const event of ['end', 'close', 'error']) this.#source.once(event, end);
  }

  async send(message: JSONRPCMessage): Promise<void> {
    await this.#inner.send(message);
    if (isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message)) this.#settle(message.id);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #receive(message: JSONRPCMessage): void {
    if (isJSONRPCRequest(message)) this.#open.add(message.id);
    if (isJSONRPCNotification(message) && message.method === 'notifications/cancelled')
      this.#settle(message.params?.requestId as RequestId | undefined);
    this.onmessage?.(message);
  }

  #settle(id: RequestId | undefined): void {
    if (id !== undefined) this.#open.delete(id);
    if (this.#hasEnded && this.#open.size === 0) this.#input.end();
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    // What was received last may not have been taken up yet.
    setImmediate(() => this.#settle(undefined));
    setTimeout(() => this.#input.end(), this.#finishMs).unref();
  }
}
