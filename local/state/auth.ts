/** Who may call: token pairs on the control plane, signed short-lived tokens on the router. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Metadata } from 'nice-grpc';
import { permissionDenied, unauthenticated } from '../grpc/status.ts';
import { nowSecs } from './store.ts';

export interface TokenPair {
  readonly id: string;
  readonly secret: string;
}

/** A secret that is never accepted, so that a refusal can be seen on a server that takes any token. */
const INVALID_SECRET = 'as-invalid';

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

export function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

export class Auth {
  /** How long the tokens live that this server signs. */
  tokenLifeSecs = 20 * 60;
  readonly #signingKey: string;
  readonly #pairs: TokenPair[];
  readonly #routerUrl: () => string;

  /** @param pairs the tokens that are accepted; none = any that are not empty */
  constructor(signingKey: string, pairs: readonly TokenPair[], routerUrl: () => string) {
    this.#signingKey = signingKey;
    this.#pairs = [...pairs];
    this.#routerUrl = routerUrl;
  }

  /** Accepts one more pair, if the server is choosy at all. */
  accept(pair: TokenPair): void {
    if (this.#pairs.length > 0) this.#pairs.push(pair);
  }

  /** @throws UNAUTHENTICATED unless the metadata of a control-plane call names an accepted token */
  assertToken(metadata: Metadata): void {
    const id = metadata.get('x-modal-token-id') ?? '';
    const secret = metadata.get('x-modal-token-secret') ?? '';
    const known =
      this.#pairs.length === 0
        ? id !== '' && secret !== '' && secret !== INVALID_SECRET
        : this.#pairs.some((pair) => sameText(pair.id, id) && sameText(pair.secret, secret));
    if (!known) throw unauthenticated('Token validation failed');
  }

  sign(claims: Readonly<Record<string, string>>): string {
    const now = Math.floor(nowSecs());
    const content = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded({ ...claims, iat: now, exp: now + this.tokenLifeSecs })}`;
    return `${content}.${this.#signature(content)}`;
  }

  /** What a client needs to reach the router of a task. */
  routerAccess(taskId: string): { jwt: string; url: string } {
    return { jwt: this.sign({ task: taskId }), url: this.#routerUrl() };
  }

  /**
   * Checks the bearer token of a router call.
   * @returns the task it is for
   * @throws UNAUTHENTICATED when it is not ours or has expired
   */
  taskOf(metadata: Metadata): string {
    const token = /^Bearer (.+)$/.exec(metadata.get('authorization') ?? '')?.[1] ?? '';
    const claims = this.claims(token);
    if (!claims) throw unauthenticated('The router token is not valid, or has expired');
    return String(claims.task);
  }

  /** What a token says that this server signed; undefined when it did not, or when the token has expired. */
  claims(token: string): Readonly<Record<string, unknown>> | undefined {
    const [header = '', payload = '', signature = ''] = token.split('.');
    if (!sameText(this.#signature(`${header}.${payload}`), signature)) return undefined;
    const claims: { exp?: unknown } = JSON.parse(Buffer.from(payload, 'base64url').toString());
    return typeof claims.exp === 'number' && claims.exp > nowSecs() ? { ...claims } : undefined;
  }

  #signature(content: string): string {
    return createHmac('sha256', this.#signingKey).update(content).digest('base64url');
  }
}

/** @throws PERMISSION_DENIED when a call is about another task than its token */
export function assertOwnTask(tokenTask: string, taskId: string): void {
  if (tokenTask !== taskId) throw permissionDenied(`The router token is not for task ${taskId}`);
}
