import { PassThrough, type Readable, type Writable } from 'node:stream';
import {
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type RequestId,
  StdioServerTransport,
  type Transport,
} from './mcp-sdk.ts';

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
  /** The bytes that have arrived, and those of them that have been taken up. */
  #received = 0;
  #taken = 0;
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
    // After the transport's own listener.
    this.#input.on('data', (chunk: Buffer) => {
      this.#taken += chunk.length;
      this.#endIfDone();
    });
    this.#source.on('data', (chunk: Buffer) => {
      this.#received += chunk.length;
      this.#input.write(chunk);
    });
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
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#hasEnded && this.#open.size === 0 && this.#taken === this.#received) this.#input.end();
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#endIfDone();
    setTimeout(() => this.#input.end(), this.#finishMs).unref();
  }
}
