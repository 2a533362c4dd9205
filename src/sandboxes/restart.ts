import { logError } from '../base/log.ts';
import type { NamedProfile } from '../profiles/profiles.ts';
import type { Folder } from './folder.ts';
import type { HandedOver, Handover } from './handover.ts';
import type { SandboxStarter } from './sandbox-starter.ts';
import type { SandboxLifetime } from './session.ts';
import type { WindowSandboxes } from './window-sandboxes.ts';

export interface RestartDependencies {
  readonly starter: SandboxStarter;
  /** The profile of a name. Throws `UserError` if it can't be used. */
  profile(folder: Folder, name: string): Promise<NamedProfile>;
  /** The note that carries sandboxes across a restart. */
  readonly handover?: Handover;
}

/** Carries a window's sandboxes across its restart. */
export class Restart {
  readonly #dependencies: RestartDependencies;
  readonly #sandboxes: WindowSandboxes;
  #takenOver: Promise<unknown> = Promise.resolve();

  constructor(dependencies: RestartDependencies, sandboxes: WindowSandboxes) {
    this.#dependencies = dependencies;
    this.#sandboxes = sandboxes;
  }

  /** Waits until the sandboxes of the window before the restart are taken over. */
  async settled(): Promise<void> {
    await this.#takenOver;
  }

  /** Leaves running sandboxes for the restarted window. Resolves with a function that undoes this. */
  async handOver(lifetimes: readonly SandboxLifetime[]): Promise<() => Promise<void>> {
    const { handover } = this.#dependencies;
    const sandboxes = lifetimes.map(({ folder, named, sandbox, endsAt }) => ({
      sandboxId: sandbox.sandboxId,
      folder,
      profile: named.name,
      startedAt: endsAt - named.profile.timeoutMs,
    }));
    await handover?.offer(sandboxes);
    return async () => handover?.withdraw();
  }

  /** Takes over what a window with these folders left, and calls `onTaken` afterward. Makes no call if there is nothing. */
  async takeOver(paths: readonly string[], onTaken: () => void): Promise<void> {
    const taking = async () => {
      const handedOver = (await this.#dependencies.handover?.claim(paths)) ?? [];
      for (const each of handedOver) await this.#takeOver(each).catch(logError);
      if (handedOver.length > 0) onTaken();
    };
    this.#takenOver = taking().catch(logError);
    await this.#takenOver;
  }

  /** Returns whether a sandbox must keep running if this window closes now. */
  keeps(sandboxId: string): boolean {
    return this.#dependencies.handover?.keeps(sandboxId) ?? false;
  }

  async #takeOver(handedOver: HandedOver & { windowId: string }): Promise<void> {
    const { folder } = handedOver;
    const { starter } = this.#dependencies;
    const connection = await starter.connection();
    const named = await this.#dependencies.profile(folder, handedOver.profile);
    const sandbox = await starter.takeHandedOver(connection, named, handedOver);
    if (sandbox) this.#sandboxes.set({ ...named, folder, sandbox: Promise.resolve(sandbox) });
  }
}
