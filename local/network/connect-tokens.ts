/** Connect tokens: an HTTP address of a sandbox's port for those who hold the token. */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { failedPrecondition, invalidArgument } from '../grpc/status.ts';
import type { ControlPlane, Request } from '../grpc/wire.ts';
import { reply } from '../http/http-server.ts';
import { portOf } from '../http/listen.ts';
import type { Sandbox } from '../sandboxes/sandbox.ts';
import type { SandboxTable } from '../sandboxes/sandbox-table.ts';
import { newId } from '../state/ids.ts';

const DEFAULT_PORT = 8080;
const MAX_METADATA_LENGTH = 512;
/** Query parameter and cookie that may carry the token instead of the Authorization header. */
const TOKEN_PARAMETER = '_modal_connect_token';
/** How the sandbox learns who is calling. */
const METADATA_HEADER = 'x-verified-user-data';

interface Grant {
  readonly port: number;
  readonly metadata: string;
}

/** The door of one sandbox: a port of its own, so that absolute paths of a page stay right. */
class Door {
  readonly grants = new Map<string, Grant>();
  readonly #sandbox: Sandbox;
  readonly #server = createServer((request, response) => this.#pass(request, response));

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
    this.#server.on('upgrade', (request, socket, head) => void this.#upgrade(request, socket, head));
    void sandbox.ended.then(() => {
      this.#server.close();
      this.#server.closeAllConnections();
    });
  }

  listen(): Promise<number> {
    return portOf(this.#server, 0);
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

  #pass(request: IncomingMessage, response: ServerResponse): void {
    const grant = this.#grant(request);
    if (!grant) {
      reply(response, 401, 'A connect token is needed.\n');
      return;
    }
    this.#sandbox.enter();
    response.once('close', () => this.#sandbox.leave());
    const unreachable = () =>
      response.headersSent ? response.destroy() : reply(response, 502, `Nothing answers on port ${grant.port}.\n`);
    this.#inside(grant).then((socket) => {
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
      const inside = await this.#inside(grant);
      this.#sandbox.enter();
      socket.once('close', () => this.#sandbox.leave());
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

  async #inside(grant: Grant) {
    return (await this.#sandbox.container().parts.container.connect(grant.port)) as import('node:net').Socket;
  }
}

export function connectTokensService(table: SandboxTable) {
  const doors = new WeakMap<Sandbox, Promise<{ door: Door; port: number }>>();

  async function open(sandbox: Sandbox) {
    const door = new Door(sandbox);
    return { door, port: await door.listen() };
  }

  async function create({ sandboxId, userMetadata, port }: Request<'sandboxCreateConnectTokenV2'>) {
    table.record(sandboxId);
    const sandbox = table.get(sandboxId);
    if (!sandbox?.running) throw failedPrecondition(`Sandbox ${sandboxId} is not running`);
    if (userMetadata.length > MAX_METADATA_LENGTH) {
      throw invalidArgument(`User metadata may have at most ${MAX_METADATA_LENGTH} characters`);
    }
    const opening = doors.get(sandbox) ?? open(sandbox);
    doors.set(sandbox, opening);
    const entry = await opening;
    const token = newId('ct');
    entry.door.grants.set(token, { port: port ?? DEFAULT_PORT, metadata: userMetadata });
    return { url: `http://127.0.0.1:${entry.port}`, token };
  }

  return { sandboxCreateConnectToken: create, sandboxCreateConnectTokenV2: create } satisfies Partial<ControlPlane>;
}
