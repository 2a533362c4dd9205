/**
 * The browser sign-in, which exists only if the server was started with `--sign-in`. Its two calls need no token. So the page
 * asks for a code that the server prints, so that only the person who started the server can answer.
 */
import { randomInt } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { CallContext } from 'nice-grpc';
import { invalidArgument, notFound, permissionDenied } from '../grpc/status.ts';
import type { ControlPlane } from '../grpc/wire.ts';
import { isLoopbackHost } from '../http/hosts.ts';
import { type HttpHandler, reply } from '../http/http-server.ts';
import { type Auth, isSameSecret, type TokenPair } from '../state/auth.ts';
import { newId } from '../state/ids.ts';
import { WORKSPACE_NAME } from './workspace.ts';

/** A sign-in that is this old can't be approved any more. */
const FLOW_LIFETIME_MS = 10 * 60_000;
/** The number of sign-ins that can be open at a time. */
const MAX_FLOWS = 10;
/** The number of wrong codes after which a sign-in is closed. */
const MAX_WRONG_CODES = 5;
/** The maximum size of the page's form. */
const MAX_FORM_BYTES = 1024;

interface Flow {
  /** The code that the page asks for. */
  readonly code: string;
  readonly waitSecret: string;
  /** The URL that the browser opens after the user has approved. */
  readonly nextUrl: string;
  wrongCodes: number;
  pair: TokenPair | undefined;
  approve(): void;
  readonly approved: Promise<void>;
}

/** Sign-ins that wait for the user to approve them on the local page. */
export class SignIns {
  readonly #flows = new Map<string, Flow>();
  readonly #auth: Auth;
  readonly #pageUrl: (id: string) => string;
  readonly #print: (line: string) => void;

  /** `print` shows a line to the person who started the server, and to no one else. */
  constructor(auth: Auth, pageUrl: (id: string) => string, print: (line: string) => void) {
    this.#auth = auth;
    this.#pageUrl = pageUrl;
    this.#print = print;
  }

  /** Begins a sign-in. Throws INVALID_ARGUMENT if the browser would leave this computer after it. */
  begin(nextUrl: string): { id: string; flow: Flow; page: string } {
    if (nextUrl !== '' && !isLoopbackUrl(nextUrl)) throw invalidArgument('The next URL must be on this computer');
    const id = newId('tf');
    const { promise: approved, resolve: approve } = Promise.withResolvers<void>();
    const code = String(randomInt(1_000_000_000)).padStart(9, '0');
    const flow = { code, waitSecret: newId('tw'), nextUrl, wrongCodes: 0, pair: undefined, approve, approved };
    const [oldest] = this.#flows.keys();
    if (oldest !== undefined && this.#flows.size >= MAX_FLOWS) this.#flows.delete(oldest);
    this.#flows.set(id, flow);
    setTimeout(() => this.#flows.delete(id), FLOW_LIFETIME_MS).unref();
    const page = this.#pageUrl(id);
    this.#print(`A program asks to sign in. If it's yours, enter this code on ${page}: ${code}`);
    return { id, flow, page };
  }

  find(id: string): Flow | undefined {
    return this.#flows.get(id);
  }

  /** Approves a sign-in if the code is right. Returns whether it was. */
  approve(id: string, code: string): boolean {
    const flow = this.#flows.get(id);
    if (!flow) return false;
    if (!isSameSecret(code, flow.code)) {
      if (++flow.wrongCodes >= MAX_WRONG_CODES) this.#flows.delete(id);
      return false;
    }
    if (!flow.pair) {
      flow.pair = { id: newId('ak'), secret: newId('as') };
      this.#auth.accept(flow.pair);
    }
    flow.approve();
    return true;
  }
}

/** The page on which the user approves a sign-in. */
export function signInPage(signIns: SignIns): HttpHandler {
  return async (request, response, id) => {
    const flow = signIns.find(id);
    if (!flow) return reply(response, 404, 'This sign-in has ended. Begin another one.\n');
    if (request.method === 'POST') {
      // Only the page itself may send the form, and not a page of another site.
      if (request.headers.origin !== `http://${request.headers.host}`) return reply(response, 403, 'Not allowed.\n');
      const code = new URLSearchParams(await formOf(request)).get('code') ?? '';
      if (!signIns.approve(id, code.trim())) return reply(response, 403, 'The code is wrong. Go back and try again.\n');
      if (flow.nextUrl) return response.writeHead(303, { location: flow.nextUrl }).end();
      return reply(response, 200, '<!doctype html><p>Signed in. You can close this page.</p>', 'text/html');
    }
    const page = `<!doctype html><title>Local Modal</title><h1>Sign in to Local Modal</h1>
<form method="post"><label>Code in the output of Local Modal: <input name="code" autocomplete="off" autofocus></label>
<button>Sign in</button></form>`;
    return reply(response, 200, page, 'text/html');
  };
}

async function formOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
    if (text.length > MAX_FORM_BYTES) throw new Error('The form is too large');
  }
  return text;
}

function isLoopbackUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && isLoopbackHost(url.host);
}

/** The calls of the sign-in that need no token. */
export const SIGN_IN_METHODS: readonly string[] = ['tokenFlowCreate', 'tokenFlowWait'];

export function signInService(signIns: SignIns) {
  return {
    async tokenFlowCreate({ nextUrl }) {
      const { id, flow, page } = signIns.begin(nextUrl);
      return { tokenFlowId: id, webUrl: page, waitSecret: flow.waitSecret };
    },
    async tokenFlowWait({ tokenFlowId, waitSecret, timeout }, { signal }: CallContext) {
      const flow = signIns.find(tokenFlowId);
      if (!flow) throw notFound(`Token flow ${tokenFlowId} not found`);
      if (!isSameSecret(flow.waitSecret, waitSecret)) throw permissionDenied('Invalid wait secret');
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise((resolve) => {
        timer = setTimeout(resolve, timeout * 1000);
        signal.addEventListener('abort', resolve, { once: true });
      });
      await Promise.race([flow.approved, limit]);
      clearTimeout(timer);
      if (!flow.pair) return { timeout: true };
      return { tokenId: flow.pair.id, tokenSecret: flow.pair.secret, workspaceUsername: WORKSPACE_NAME };
    },
  } satisfies Partial<ControlPlane>;
}
