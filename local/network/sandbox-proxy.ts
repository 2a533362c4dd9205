/** HTTP access to a sandbox's ports for clients that have a connect token. */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { isLoopbackHost } from '../http/hosts.ts';
import { reply } from '../http/http-server.ts';
import { listenOnLoopback } from '../http/listen.ts';
import type { Sandbox } from '../sandboxes/sandbox.ts';
import { bearerOf } from '../state/auth.ts';
import { admitsClients, NOT_ON_ALLOWLIST } from './admission.ts';
import type { Grant, Grants } from './grants.ts';

/** The query parameter and cookie that can contain the token instead of the Authorization header. */
const TOKEN_PARAMETER = '_modal_connect_token';
/** The header that identifies the caller to the sandbox. */
const METADATA_HEADER = 'x-verified-user-data';

const TOKEN_REQUIRED = `This port needs a connect token, which Sandbox.createConnectToken makes for it. Send it as
"Authorization: Bearer TOKEN", or open the URL with ?${TOKEN_PARAMETER}=TOKEN.
`;

export interface ProxyOptions {
  /** The only port in the sandbox that the proxy leads to. By default, the port of the token. */
  readonly port?: number;
  /** Let clients in without a token. Requires `port`. */
  readonly isOpen?: boolean;
}

interface Access {
  readonly grant: Grant;
  /** The path and headers that are forwarded to the sandbox: no tokens, not even those of other ports, which share cookies. */
  readonly path: string;
  readonly headers: Record<string, string | string[] | undefined>;
  /** The token, if it is in the URL. */
  readonly urlToken: string | null;
}

/** The proxy of a sandbox, or of one of its ports. It has its own port, so that absolute paths in pages work. */
export class SandboxProxy {
  readonly #sandbox: Sandbox;
  readonly #grants: Grants;
  readonly #options: ProxyOptions;
  readonly #server = createServer((request, response) => this.#forward(request, response));
  /** Browsers share the cookies of a host's ports, so the name tells the port. */
  #cookie = TOKEN_PARAMETER;

  constructor(sandbox: Sandbox, grants: Grants, options: ProxyOptions = {}) {
    this.#sandbox = sandbox;
    this.#grants = grants;
    this.#options = options;
    this.#server.on('upgrade', (request, socket, head) => void this.#upgrade(request, socket, head));
    void sandbox.ended.then(() => {
      this.#server.close();
      this.#server.closeAllConnections();
    });
  }

  async listen(): Promise<number> {
    const port = await listenOnLoopback(this.#server, 0);
    this.#cookie = `${TOKEN_PARAMETER}_${port}`;
    return port;
  }

  /** Returns the access of a request, or the status and the text of its refusal. */
  #access(request: IncomingMessage): Access | { status: number; reason: string } {
    if (!isLoopbackHost(request.headers.host)) return { status: 421, reason: 'This port is only for this computer.\n' };
    if (!admitsClients(this.#sandbox.definition)) return { status: 403, reason: NOT_ON_ALLOWLIST };
    const url = new URL(request.url ?? '/', 'http://localhost');
    const { authorization, cookie = '', ...others } = request.headers;
    const cookies = cookie.split(/;\s*/).filter(Boolean);
    const urlToken = url.searchParams.get(TOKEN_PARAMETER);
    const bearer = bearerOf(authorization);
    const inCookie = [this.#cookie, TOKEN_PARAMETER].flatMap((name) =>
      cookies.flatMap((each) => (each.startsWith(`${name}=`) ? each.slice(name.length + 1) : [])),
    );
    const grantOf = (token: string | null | undefined) => (token ? this.#grantOf(token) : undefined);
    const byBearer = grantOf(bearer);
    const { port, isOpen } = this.#options;
    const open = isOpen && port !== undefined ? { port, metadata: '' } : undefined;
    const grant = byBearer ?? grantOf(urlToken) ?? grantOf(inCookie[0]) ?? grantOf(inCookie[1]) ?? open;
    if (!grant) return { status: 401, reason: TOKEN_REQUIRED };
    const kept = cookies.filter((each) => !each.startsWith(TOKEN_PARAMETER)).join('; ');
    url.searchParams.delete(TOKEN_PARAMETER);
    return {
      grant,
      path: urlToken === null ? (request.url ?? '/') : `${url.pathname}${url.search}`,
      headers: {
        ...others,
        ...(authorization !== undefined && !byBearer && { authorization }),
        ...(kept !== '' && { cookie: kept }),
        [METADATA_HEADER]: port === undefined ? grant.metadata : undefined,
      },
      urlToken,
    };
  }

  #grantOf(token: string): Grant | undefined {
    const { port } = this.#options;
    const grant = this.#grants.find(this.#sandbox, token);
    return port === undefined || grant?.port === port ? grant : undefined;
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    const access = this.#access(request);
    if ('reason' in access) {
      reply(response, access.status, access.reason);
      return;
    }
    const { grant, path, headers, urlToken } = access;
    if (urlToken !== null && request.headers['sec-fetch-mode'] === 'navigate') {
      // The token moves from the browser's address bar and history to a cookie.
      const cookie = `${this.#cookie}=${urlToken}; Path=/; HttpOnly; SameSite=Lax`;
      response.writeHead(303, { location: path, 'set-cookie': cookie, 'cache-control': 'no-store' }).end();
      return;
    }
    this.#sandbox.beginActivity();
    response.once('close', () => this.#sandbox.endActivity());
    const unreachable = () =>
      response.headersSent ? response.destroy() : reply(response, 502, `Nothing is listening on port ${grant.port}.\n`);
    this.#connect(grant).then((socket) => {
      const { method } = request;
      const onward = httpRequest(
        { method, path, headers: given(headers), createConnection: () => socket },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        },
      );
      onward.once('error', unreachable);
      response.once('close', () => onward.destroy());
      request.pipe(onward);
    }, unreachable);
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => {});
    const access = this.#access(request);
    if ('reason' in access) return void socket.end(`HTTP/1.1 ${access.status} Refused\r\ncontent-length: 0\r\n\r\n`);
    try {
      const inside = await this.#connect(access.grant);
      this.#sandbox.beginActivity();
      socket.once('close', () => this.#sandbox.endActivity());
      const headers = Object.entries(given(access.headers)).map(([name, value]) => `${name}: ${value}\r\n`);
      inside.write(`${request.method} ${access.path} HTTP/1.1\r\n${headers.join('')}\r\n`);
      inside.write(head);
      inside.on('error', () => socket.destroy());
      socket.once('close', () => inside.destroy());
      socket.pipe(inside).pipe(socket);
    } catch {
      socket.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n');
    }
  }

  async #connect(grant: Grant): Promise<Socket> {
    return (await this.#sandbox.container().setup.container.connect(grant.port)) as Socket;
  }
}

/** Returns the headers that have a value. */
function given(headers: Access['headers']): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
