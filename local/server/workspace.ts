/** The account: session tokens, the caller's identity, and the browser sign-in. */
import { randomBytes } from 'node:crypto';
import type { CallContext } from 'nice-grpc';
import { notFound, permissionDenied } from '../grpc/status.ts';
import type { ControlPlane } from '../grpc/wire.ts';
import { type HttpHandler, reply } from '../http/http-server.ts';
import { type Auth, isSameSecret, type TokenPair } from '../state/auth.ts';
import { IMAGE_BUILDER_VERSION } from '../state/environments.ts';
import { newId } from '../state/ids.ts';
import { nowSecs } from '../state/store.ts';

export const WORKSPACE_NAME = 'local';

interface Flow {
  readonly code: string;
  readonly waitSecret: string;
  /** The URL that the browser opens after the user has approved. */
  readonly nextUrl: string;
  pair: TokenPair | undefined;
  approve(): void;
  readonly approved: Promise<void>;
}

/** Sign-ins that wait for the user to approve them on the local page. */
export class TokenFlows {
  readonly #flows = new Map<string, Flow>();
  readonly #auth: Auth;

  constructor(auth: Auth) {
    this.#auth = auth;
  }

  begin(nextUrl: string): { id: string; flow: Flow } {
    const id = newId('tf');
    const { promise: approved, resolve: approve } = Promise.withResolvers<void>();
    const code = randomBytes(3).toString('hex').toUpperCase();
    const flow = { code, waitSecret: newId('tw'), nextUrl, pair: undefined, approve, approved };
    this.#flows.set(id, flow);
    return { id, flow };
  }

  find(id: string): Flow | undefined {
    return this.#flows.get(id);
  }

  /** Approves a sign-in. Returns the URL to redirect the browser to, or undefined if the sign-in is unknown. */
  approve(id: string): string | undefined {
    const flow = this.#flows.get(id);
    if (!flow) return undefined;
    flow.pair ??= { id: newId('ak'), secret: newId('as') };
    this.#auth.accept(flow.pair);
    flow.approve();
    return flow.nextUrl;
  }
}

/** The page on which the user approves a sign-in. */
export function tokenFlowPage(flows: TokenFlows): HttpHandler {
  return (request, response, id) => {
    const flow = flows.find(id);
    if (!flow) return reply(response, 404, 'Unknown sign-in.\n');
    if (request.method === 'POST') {
      const next = flows.approve(id);
      if (next) return response.writeHead(303, { location: next }).end();
      return reply(response, 200, '<!doctype html><p>Signed in. You can close this page.</p>', 'text/html');
    }
    const page = `<!doctype html><title>Local Modal</title><h1>Sign in to Local Modal</h1>
<p>Compare this code with the one in your editor: <strong>${flow.code}</strong></p>
<form method="post"><button>Approve</button></form>`;
    return reply(response, 200, page, 'text/html');
  };
}

export function workspaceService(auth: Auth, flows: TokenFlows, pageUrl: (path: string) => string) {
  return {
    async authTokenGet() {
      return { token: auth.sign({ workspace: WORKSPACE_NAME }) };
    },
    async clientHello() {
      return { imageBuilderVersion: IMAGE_BUILDER_VERSION, warning: '', serverWarnings: [] };
    },
    async tokenInfoGet(_request, { metadata }: CallContext) {
      return {
        tokenId: metadata.get('x-modal-token-id') ?? '',
        workspaceId: 'ac-local',
        workspaceName: WORKSPACE_NAME,
        createdAt: new Date(nowSecs() * 1000),
        tokenName: 'local',
      };
    },
    async workspaceNameLookup() {
      return { workspaceName: WORKSPACE_NAME, username: WORKSPACE_NAME };
    },
    async workspaceDashboardUrlGet() {
      return { url: pageUrl('/') };
    },
    async tokenFlowCreate({ nextUrl }) {
      const { id, flow } = flows.begin(nextUrl);
      return {
        tokenFlowId: id,
        webUrl: pageUrl(`/token-flow/${id}`),
        code: flow.code,
        waitSecret: flow.waitSecret,
      };
    },
    async tokenFlowWait({ tokenFlowId, waitSecret, timeout }, { signal }: CallContext) {
      const flow = flows.find(tokenFlowId);
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
