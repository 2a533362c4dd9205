/** The HTTP server, on loopback: browser pages, leases, and blocks of volume files. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isLoopbackHost } from './hosts.ts';
import { listenOnLoopback } from './listen.ts';

/** Handles a request whose path starts with the route's prefix. `rest` is the part after the prefix. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse, rest: string) => unknown;

export class HttpServer {
  readonly #routes = new Map<string, HttpHandler>();
  readonly #server: Server;
  #port = 0;

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /** Adds a route for a prefix such as `/lease`. The longest matching prefix wins. */
  route(prefix: string, handler: HttpHandler): void {
    this.#routes.set(prefix, handler);
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.#port}${path}`;
  }

  async listen(port: number): Promise<void> {
    this.#port = await listenOnLoopback(this.#server, port);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isLoopbackHost(request.headers.host)) return reply(response, 421, 'This server is only for this computer.\n');
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const prefix = [...this.#routes.keys()]
      .filter((each) => pathname === each || pathname.startsWith(`${each}/`))
      .sort((one, other) => other.length - one.length)[0];
    const handler = prefix === undefined ? undefined : this.#routes.get(prefix);
    if (prefix === undefined || !handler) return reply(response, 404, 'Not found.\n');
    try {
      await handler(request, response, pathname.slice(prefix.length + 1));
    } catch (error) {
      if (response.headersSent) response.destroy();
      else reply(response, 500, `${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
}

export function reply(response: ServerResponse, status: number, body: string, type = 'text/plain'): void {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store' });
  response.end(body);
}
