/**
 * The browser sign-in, which exists only if the server was started with `--sign-in`. Its two calls need no token. On Modal, the
 * page asks who the user is. Here it asks for a password that the server prints, which only the person who started it sees.
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
/** The number of wrong passwords after which a sign-in is closed. */
const MAX_WRONG_PASSWORDS = 5;
/** The characters of codes: those that aren't easily confused. */
const CODE_CHARACTERS = 'BCDFGHJKLMNPQRSTVWXZ';
/** The longest time to wait for the user in one call. */
const MAX_WAIT_SECS = 60;
/** The maximum size of the page's form. */
const MAX_FORM_BYTES = 1024;

interface FlowRequest {
  /** The URL that the browser opens after the user has approved. */
  readonly nextUrl: string;
  /** The port on this computer on which the program answers with the flow's ID; 0 if it has none. */
  readonly localhostPort: number;
}

interface Flow extends FlowRequest {
  /** Shown by the page and by the program, so that the user can compare them. */
  readonly code: string;
  /** What the page asks for. */
  readonly password: string;
  readonly waitSecret: string;
  wrongPasswords: number;
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
  begin({ nextUrl, localhostPort }: FlowRequest): { id: string; flow: Flow; page: string } {
    if (nextUrl !== '' && !isLoopbackUrl(nextUrl)) throw invalidArgument('The next URL must be on this computer');
    const id = newId('tf');
    const { promise: approved, resolve: approve } = Promise.withResolvers<void>();
    const flow = {
      nextUrl,
      localhostPort,
      code: `${randomLetters(4)}-${randomLetters(4)}`,
      password: String(randomInt(1_000_000_000)).padStart(9, '0'),
      waitSecret: newId('tw'),
      wrongPasswords: 0,
      pair: undefined,
      approve,
      approved,
    };
    const [oldest] = this.#flows.keys();
    if (oldest !== undefined && this.#flows.size >= MAX_FLOWS) this.#flows.delete(oldest);
    this.#flows.set(id, flow);
    setTimeout(() => this.#flows.delete(id), FLOW_LIFETIME_MS).unref();
    const page = this.#pageUrl(id);
    this.#print(
      `A program asks to sign in with code ${flow.code}. If yours shows it, enter this password on ${page}: ${flow.password}`,
    );
    return { id, flow, page };
  }

  find(id: string): Flow | undefined {
    return this.#flows.get(id);
  }

  /** Approves a sign-in if the password is right. Returns whether it was. */
  approve(id: string, password: string): boolean {
    const flow = this.#flows.get(id);
    if (!flow) return false;
    if (!isSameSecret(password, flow.password)) {
      if (++flow.wrongPasswords >= MAX_WRONG_PASSWORDS) this.#flows.delete(id);
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

function randomLetters(count: number): string {
  return Array.from({ length: count }, () => CODE_CHARACTERS[randomInt(CODE_CHARACTERS.length)]).join('');
}

/** The page on which the user approves a sign-in. */
export function signInPage(signIns: SignIns): HttpHandler {
  return async (request, response, id) => {
    const flow = signIns.find(id);
    if (!flow) return reply(response, 404, 'This sign-in has ended. Begin another one.\n');
    if (request.method !== 'POST') return reply(response, 200, pageOf(formFor(id, flow)), 'text/html');
    // Only the page itself may send the form, and not a page of another site.
    if (request.headers.origin !== `http://${request.headers.host}`) return reply(response, 403, 'Not allowed.\n');
    const password = new URLSearchParams(await bodyOf(request)).get('password') ?? '';
    if (!signIns.approve(id, password.trim())) {
      return reply(response, 403, pageOf('<p>The password is wrong. Go back and try again.</p>'), 'text/html');
    }
    if (flow.nextUrl) return response.writeHead(303, { location: flow.nextUrl }).end();
    return reply(response, 200, pageOf('<p>Signed in. You can close this page.</p>'), 'text/html');
  };
}

function formFor(id: string, { code, localhostPort }: Flow): string {
  const check =
    localhostPort === 0
      ? ''
      : `<script>fetch('http://127.0.0.1:${localhostPort}/').then((reply) => reply.text())
.then((text) => { document.getElementById('here').hidden = text !== '${id}'; }, () => {});</script>`;
  return `<p>A program asks to sign in. Continue only if it shows this code:</p><p><output>${code}</output></p>
<p id="here" hidden>The program runs on this computer.</p>${check}
<form method="post"><label>Password, which Local Modal printed:
<input name="password" autocomplete="off" autofocus></label> <button>Sign in</button></form>`;
}

function pageOf(content: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Local Modal</title>
<style>:root { color-scheme: light dark; font: 1rem system-ui; } main { max-width: 30rem; margin: 15vh auto; }
output { font: 1.6rem monospace; }</style><main><h1>Sign in to Local Modal</h1>${content}</main></html>`;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
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
    async tokenFlowCreate({ nextUrl, localhostPort }) {
      const { id, flow, page } = signIns.begin({ nextUrl, localhostPort });
      return { tokenFlowId: id, webUrl: page, code: flow.code, waitSecret: flow.waitSecret };
    },
    async tokenFlowWait({ tokenFlowId, waitSecret, timeout }, { signal }: CallContext) {
      const flow = signIns.find(tokenFlowId);
      if (!flow) throw notFound(`Token flow ${tokenFlowId} not found`);
      if (!isSameSecret(flow.waitSecret, waitSecret)) throw permissionDenied('Invalid wait secret');
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise((resolve) => {
        timer = setTimeout(resolve, Math.min(timeout, MAX_WAIT_SECS) * 1000);
        signal.addEventListener('abort', resolve, { once: true });
      });
      await Promise.race([flow.approved, limit]);
      clearTimeout(timer);
      if (!flow.pair) return { timeout: true };
      return { tokenId: flow.pair.id, tokenSecret: flow.pair.secret, workspaceUsername: WORKSPACE_NAME };
    },
  } satisfies Partial<ControlPlane>;
}
