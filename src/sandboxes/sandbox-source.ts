import type { Sandbox } from 'modal';
import { UserError } from '../base/errors.ts';
import { Emitter, type Event } from '../base/events.ts';
import type { NamedProfile } from '../profiles/profiles.ts';
import type { Connection } from './connection.ts';
import type { BudgetGate } from './cost/budget.ts';
import type { Folder } from './folder.ts';
import type { PermittedProfile } from './permitted-profile.ts';
import type { SandboxStarter } from './sandbox-starter.ts';
import type { ColdStart } from './session.ts';
import type { StartOptions } from './starts.ts';
import { strings } from './strings.ts';
import type { WarmSource } from './warm/pool.ts';
import type { WindowSandbox } from './window-sandboxes.ts';

export interface SandboxSourceDependencies {
  readonly starter: SandboxStarter;
  /** The pool of warm sandboxes. */
  readonly warm?: WarmSource;
  /** Asked before a sandbox that costs money is started for a run. */
  readonly budget?: BudgetGate;
}

/** Where the sandboxes of sessions come from: the warm pool, an earlier window, other processes, or a start. */
export class SandboxSource {
  readonly #dependencies: SandboxSourceDependencies;
  /** The number of times that the account or app has changed. */
  #changes = 0;
  readonly #didStartCold = new Emitter<ColdStart>();
  /** Fires when a run has had to wait for the start of a sandbox. */
  readonly onDidStartCold: Event<ColdStart> = this.#didStartCold.event;

  constructor(dependencies: SandboxSourceDependencies) {
    this.#dependencies = dependencies;
  }

  /** The account or app has changed: what is starting belongs to the previous one, and is ended. */
  leave(): void {
    this.#changes += 1;
  }

  /** Starts a sandbox. Throws as `SandboxStarter.start` does, and `UserError` if the account or app changes in the meantime. */
  start(connection: Connection, named: NamedProfile, options: StartOptions): Promise<Sandbox> {
    return this.#unlessLeft(this.#dependencies.starter.start(connection, named, options));
  }

  /** Takes a warm sandbox, else adopts one that an earlier window left behind, else starts one. */
  obtain(connection: Connection, folder: Folder, permitted: PermittedProfile): WindowSandbox {
    const { named } = permitted;
    const common = { name: named.name, folder, profile: named.profile };
    const warm = this.#dependencies.warm?.take(folder, named);
    if (warm) return { ...common, sandbox: Promise.resolve(warm), taken: 'warm' };
    const canceling = new AbortController();
    const { starter } = this.#dependencies;
    const onAdopted = () => (entry.taken = starter.isShared ? 'shared' : 'left behind');
    const sandbox = starter.exclusively(connection, folder, named, canceling.signal, () =>
      this.#adoptOrStart(connection, folder, permitted, canceling.signal, onAdopted),
    );
    const entry: WindowSandbox = { ...common, sandbox, canceling };
    return entry;
  }

  async #adoptOrStart(
    connection: Connection,
    folder: Folder,
    permitted: PermittedProfile,
    signal: AbortSignal,
    onAdopted: () => void,
  ): Promise<Sandbox> {
    const { starter } = this.#dependencies;
    const { named } = permitted;
    const adopted = await starter.adopt(connection, folder, named);
    if (adopted) {
      if (signal.aborted) await starter.letGo(adopted);
      signal.throwIfAborted();
      onAdopted();
      return adopted;
    }
    await this.requireBudget(connection);
    await starter.endStale(connection, folder, named);
    signal.throwIfAborted();
    const startedAt = performance.now();
    const options = { folder, profileName: named.name, isServing: true, signal };
    const sandbox = await this.#unlessLeft(starter.startPermitted(connection, permitted, options));
    this.#didStartCold.fire({ folder, named, durationMs: performance.now() - startedAt });
    return sandbox;
  }

  /** Waits for a start. If the account or app changes in the meantime, the sandbox is ended, as the others are. */
  async #unlessLeft(starting: Promise<Sandbox>): Promise<Sandbox> {
    const changes = this.#changes;
    const sandbox = await starting;
    if (changes === this.#changes) return sandbox;
    await this.#dependencies.starter.letGo(sandbox);
    throw new UserError(strings.accountChanged(), { actions: ['retry'] });
  }

  /** Throws `UserError` if the budget is spent and the user doesn't want to go over it. */
  async requireBudget({ account }: Connection): Promise<void> {
    if (account.isLocal !== true) await this.#dependencies.budget?.require();
  }
}
