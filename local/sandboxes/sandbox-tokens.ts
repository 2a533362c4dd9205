/**
 * The tokens that newer servers return with a new V2 sandbox, to be sent back as a header (see `src/modal/sandbox-calls.ts`).
 * What they contain and which calls need them isn't published, so they are required only where a test asks for it.
 */
import type { Metadata } from 'nice-grpc';
import { permissionDenied } from '../grpc/status.ts';
import { type Auth, isSameSecret } from '../state/auth.ts';
import type { SandboxRecord } from '../state/store.ts';

const HEADER = 'x-modal-sandbox-token';

/** The two services that clients call. */
export const SERVICES = ['controlPlane', 'router'] as const;
export type Service = (typeof SERVICES)[number];

export class SandboxTokens {
  /** The services that reject a call about a V2 sandbox without its token. */
  requiredBy: readonly Service[] = [];
  readonly #auth: Auth;
  readonly #find: (ids: { sandboxId?: string; taskId?: string }) => SandboxRecord | undefined;

  constructor(auth: Auth, find: (ids: { sandboxId?: string; taskId?: string }) => SandboxRecord | undefined) {
    this.#auth = auth;
    this.#find = find;
  }

  of(sandboxId: string): string {
    return this.#auth.signature(`sandbox ${sandboxId}`);
  }

  /** Throws PERMISSION_DENIED if the service requires the token of the sandbox that a request names, and it's missing. */
  check(service: Service, metadata: Metadata, request: unknown): void {
    if (!this.requiredBy.includes(service)) return;
    const record = this.#find(Object(request));
    if (record?.version !== 2) return;
    if (!isSameSecret(metadata.get(HEADER) ?? '', this.of(record.id)))
      throw permissionDenied(`Sandbox token is missing or not valid for sandbox ${record.id}`);
  }
}
