/** Authentication: token pairs for the control plane, and signed short-lived tokens for the router. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Metadata } from 'nice-grpc';
import { permissionDenied, unauthenticated } from '../grpc/status.ts';
import { nowSecs } from './store.ts';

export interface TokenPair {
  readonly id: string;
  readonly secret: string;
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Compares two secrets in constant time. */
export function isSameSecret(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Returns the token of an `Authorization` header, or '' if there is none. */
export function bearerOf(authorization: string | undefined): string {
  return /^Bearer (.+)$/.exec(authorization ?? '')?.[1] ?? '';
}

export class Auth {
  /** The lifetime of tokens that this server signs. */
  tokenLifeSecs = 20 * 60;
  readonly #signingKey: string;
  readonly #pairs: TokenPair[];
  readonly #initialCount: number;
  readonly #routerUrl: () => string;

  /** `pairs` are the tokens to accept. */
  constructor(signingKey: string, pairs: readonly TokenPair[], routerUrl: () => string) {
    this.#signingKey = signingKey;
    this.#pairs = [...pairs];
    this.#initialCount = pairs.length;
    this.#routerUrl = routerUrl;
  }

  /** Accepts one more token pair. */
  accept(pair: TokenPair): void {
    this.#pairs.push(pair);
  }

  /** Rejects the tokens that were accepted since the start. */
  revokeAccepted(): void {
    this.#pairs.length = this.#initialCount;
  }

  /** Returns whether a request over HTTP carries the secret of an accepted token, as `Authorization: Bearer SECRET`. */
  acceptsBearer(authorization: string | undefined): boolean {
    const bearer = bearerOf(authorization);
    return this.#pairs.some(({ secret }) => isSameSecret(secret, bearer));
  }

  /** Throws UNAUTHENTICATED unless the metadata of a control-plane call contains an accepted token. */
  assertToken(metadata: Metadata): void {
    const id = metadata.get('x-modal-token-id') ?? '';
    const secret = metadata.get('x-modal-token-secret') ?? '';
    const isKnown = this.#pairs.some((pair) => isSameSecret(pair.id, id) && isSameSecret(pair.secret, secret));
    if (!isKnown) throw unauthenticated('Token validation failed');
  }

  sign(claims: Readonly<Record<string, string>>): string {
    const now = Math.floor(nowSecs());
    const content = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded({ ...claims, iat: now, exp: now + this.tokenLifeSecs })}`;
    return `${content}.${this.signature(content)}`;
  }

  /** Returns what a client needs to call the router for a task. */
  routerAccess(taskId: string): { jwt: string; url: string } {
    return { jwt: this.sign({ task: taskId }), url: this.#routerUrl() };
  }

  /**
   * Returns the task that the bearer token of a router call is for. Throws UNAUTHENTICATED if this server didn't sign the
   * token or if it has expired.
   */
  taskOf(metadata: Metadata): string {
    const claims = this.claims(bearerOf(metadata.get('authorization')));
    if (!claims) throw unauthenticated('Router token is invalid or has expired');
    return String(claims.task);
  }

  /** Returns the claims of a token, or undefined if this server didn't sign it or it has expired. */
  claims(token: string): Readonly<Record<string, unknown>> | undefined {
    const [header = '', payload = '', signature = ''] = token.split('.');
    if (!isSameSecret(this.signature(`${header}.${payload}`), signature)) return undefined;
    const claims: { exp?: unknown } = JSON.parse(Buffer.from(payload, 'base64url').toString());
    return typeof claims.exp === 'number' && claims.exp > nowSecs() ? { ...claims } : undefined;
  }

  /** Signs any text with this server's key. */
  signature(content: string): string {
    return createHmac('sha256', this.#signingKey).update(content).digest('base64url');
  }
}

/** Throws PERMISSION_DENIED if a call is about another task than its token. */
export function assertOwnTask(tokenTask: string, taskId: string): void {
  if (tokenTask !== taskId) throw permissionDenied(`Router token is not valid for task ${taskId}`);
}
