import { UserError } from '../base/errors.ts';
import { AgentError } from './errors.ts';
import type { Permission, Policy } from './policy.ts';
import { strings } from './strings.ts';

/** Something needs the user's permission. If the client can ask, it repeats the call with the answer. */
export class PermissionNeeded extends UserError {
  readonly permission: Permission;

  /** `question` is for the user. */
  constructor(permission: Permission, question: string) {
    super(question);
    this.permission = permission;
  }
}

export interface PolicyFile {
  readonly path: string;
  read(): Promise<Policy>;
}

/** What the user has allowed an agent, in the policy file or when asked. A model can't change it. */
export class AgentPermissions {
  readonly #file: PolicyFile;
  readonly #once = new Set<Permission>();
  readonly #session = new Set<Permission>();

  constructor(file: PolicyFile) {
    this.#file = file;
  }

  /** Throws `PermissionNeeded` if the user has to be asked, and `UserError` if the policy file can't be read. */
  async require(permission: Permission, question: string): Promise<void> {
    if (this.#session.has(permission) || this.#once.delete(permission)) return;
    if ((await this.#file.read()).allow[permission]) return;
    throw new PermissionNeeded(permission, question);
  }

  /** Notes that the user has allowed something, once or until the session ends. */
  grant(permission: Permission, scope: 'once' | 'session'): void {
    (scope === 'once' ? this.#once : this.#session).add(permission);
  }

  /** Takes back what was allowed once and not needed, so that it isn't used for something else later. */
  endOnce(permission: Permission): void {
    this.#once.delete(permission);
  }

  /** The error if the user can't be asked. It names the file and the key that would allow it. */
  cannotAsk({ permission, message }: PermissionNeeded): AgentError {
    const setting = `"allow": {"${permission}": true}`;
    return new AgentError('denied', strings.notAllowed(message, setting, this.#file.path), { permission });
  }

  /** The error if the user says no. */
  declined({ permission }: Pick<PermissionNeeded, 'permission'>): AgentError {
    return new AgentError('denied', strings.declined(), { permission });
  }
}
