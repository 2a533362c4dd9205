/** Connect tokens: HTTP access to a sandbox's port for clients that have a token. */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { failedPrecondition, invalidArgument } from '../grpc/status.ts';
import type { ControlPlane, Request } from '../grpc/wire.ts';
import { reply } from '../http/http-server.ts';
import { listenOnLoopback } from '../http/listen.ts';
import type { Sandbox } from '../sandboxes/sandbox.ts';
import type { SandboxTable } from '../sandboxes/sandbox-table.ts';
import { newId } from '../state/ids.ts';

const DEFAULT_PORT = 8080;
const MAX_METADATA_LENGTH = 512;
/** The query parameter and cookie that can contain the token instead of the Authorization header. */
const TOKEN_PARAMETER = '_modal_connect_token';
/** The header that identifies the caller to the sandbox. */
const METADATA_HEADER = 'x-verified-user-data';

interface Grant {
  readonly port: number;
  readonly metadata: string;
}

/** The proxy of a sandbox. It has its own port, so that absolute paths in pages work. */
class SandboxProxy {
  readonly grants = new Map<string, Grant>();
  readonly #sandbox: Sandbox;
  readonly #server = createServer((request, response) => this.#forward(request, response));

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
    this.#server.on('upgrade', (request, socket, head) => void this.#upgrade(request, socket, head));
    void sandbox.ended.then(() => {
      this.#server.close();
      this.#server.closeAllConnections();
    });
  }

  listen(): Promise<number> {
    return listenOnLoopback(this.#server, 0);
  }

  #grant(request: IncomingMessage): Grant | undefined {
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    const query = new URL(request.url ?? '/', 'http://localhost').searchParams.get(TOKEN_PARAMETER);
    const cookie = new RegExp(`(?:^|;\\s*)${TOKEN_PARAMETER}=([^;]+)`).exec(request.headers.cookie ?? '')?.[1];
    return this.grants.get(bearer ?? query ?? cookie ?? '');
  }

  #headers(request: IncomingMessage, grant: Grant): Record<string, string | string[] | undefined> {
    const { authorization: _authorization, ...headers } = request.headers;
    return { ...headers, [METADATA_HEADER]: grant.metadata };
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    const grant = this.#grant(request);
    if (!grant) {
      reply(response, 401, 'A connect token is required.\n');
      return;
    }
    this.#sandbox.beginActivity();
    response.once('close', () => this.#sandbox.endActivity());
    const unreachable = () =>
      response.headersSent ? response.destroy() : reply(response, 502, `Nothing is listening on port ${grant.port}.\n`);
    this.#connect(grant).then((socket) => {
      const onward = httpRequest(
        {
          method: request.method,
          path: request.url,
          headers: this.#headers(request, grant),
          createConnection: () => socket,
        },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        },
      );
      onward.once('error', unreachable);
      request.pipe(onward);
    }, unreachable);
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => {});
    const grant = this.#grant(request);
    if (!grant) return void socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n');
    try {
      const inside = await this.#connect(grant);
      this.#sandbox.beginActivity();
      socket.once('close', () => this.#sandbox.endActivity());
      const headers = Object.entries(this.#headers(request, grant)).map(([name, value]) => `${name}: ${value}\r\n`);
      inside.write(`${request.method} ${request.url} HTTP/1.1\r\n${headers.join('')}\r\n`);
      inside.write(head);
      inside.on('error', () => socket.destroy());
      socket.once('close', () => inside.destroy());
      socket.pipe(inside).pipe(socket);
    } catch {
      socket.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n');
    }
  }

  async #connect(grant: Grant) {
    return (await this.#sandbox.container().setup.container.connect(grant.port)) as import('node:net').Socket;
  }
}

export function connectTokensService(table: SandboxTable) {
  const proxies = new WeakMap<Sandbox, Promise<{ proxy: SandboxProxy; port: number }>>();

  async function open(sandbox: Sandbox) {
    const proxy = new SandboxProxy(sandbox);
    return { proxy, port: await proxy.listen() };
  }

  async function create({ sandboxId, userMetadata, port }: Request<'sandboxCreateConnectTokenV2'>) {
    table.record(sandboxId);
    const sandbox = table.get(sandboxId);
    if (!sandbox?.running) throw failedPrecondition(`Sandbox ${sandboxId} is not running`);
    if (userMetadata.length > MAX_METADATA_LENGTH) {
      throw invalidArgument(`User metadata must be at most ${MAX_METADATA_LENGTH} characters`);
    }
    const opening = proxies.get(sandbox) ?? open(sandbox);
    proxies.set(sandbox, opening);
    const entry = await opening;
    const token = newId('ct');
    entry.proxy.grants.set(token, { port: port ?? DEFAULT_PORT, metadata: userMetadata });
    return { url: `http://127.0.0.1:${entry.port}`, token };
  }

  return { sandboxCreateConnectToken: create, sandboxCreateConnectTokenV2: create } satisfies Partial<ControlPlane>;
}
