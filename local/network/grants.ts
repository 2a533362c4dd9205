/** The access that connect tokens give to ports of a sandbox. */
import type { Sandbox } from '../sandboxes/sandbox.ts';
import { newId } from '../state/ids.ts';

export interface Grant {
  /** The port in the sandbox. */
  readonly port: number;
  /** What the sandbox is told about the caller. */
  readonly metadata: string;
}

export class Grants {
  readonly #bySandbox = new WeakMap<Sandbox, Map<string, Grant>>();

  /** Gives access, and returns the token for it. */
  add(sandbox: Sandbox, grant: Grant): string {
    const token = newId('ct');
    const grants = this.#bySandbox.get(sandbox) ?? new Map<string, Grant>();
    this.#bySandbox.set(sandbox, grants.set(token, grant));
    return token;
  }

  find(sandbox: Sandbox, token: string): Grant | undefined {
    return this.#bySandbox.get(sandbox)?.get(token);
  }
}
