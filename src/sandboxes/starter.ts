import type { Sandbox } from 'modal';
import type { NamedProfile } from '../profiles/profiles.ts';
import type { Profile } from '../profiles/schema.ts';
import { adopt } from './adopt.ts';
import type { Connection } from './connection.ts';
import type { Folder } from './folder.ts';
import { type Owner, type StartContext, startSandbox } from './sandbox-spec.ts';
import { costOf, type SessionSources } from './session.ts';
import type { Started, StartedSandboxes } from './started.ts';

/** Where sandboxes of folders come from. What each costs is noted from its first moment. */
export class Starter {
  readonly #sources: SessionSources;
  readonly #started: StartedSandboxes;

  constructor(sources: SessionSources, started: StartedSandboxes) {
    this.#sources = sources;
    this.#started = started;
  }

  /** A sandbox for a folder's profile: one that is kept warm, one that a lost window has left behind, else a new one. */
  obtain(connection: Connection, folder: Folder, named: NamedProfile): Started {
    const common = { name: named.name, folder, profile: named.profile };
    const warm = this.#sources.takeWarm?.(folder, named);
    if (warm) return { ...common, sandbox: Promise.resolve(warm), taken: 'warm' };
    const started: Started = {
      ...common,
      sandbox: this.#adoptOrStart(connection, folder, named, () => (started.taken = 'left behind')),
    };
    return started;
  }

  /** As `obtain`, for no run: never one that is kept warm. Throws the SDK's errors. */
  async spare(connection: Connection, folder: Folder, named: NamedProfile, signal: AbortSignal): Promise<Sandbox> {
    const adopted = await this.#adopt(connection, folder, named);
    const context = this.context(connection, folder, signal);
    return adopted ?? this.start(named.profile, context, this.owner(folder, named.name));
  }

  async #adoptOrStart(
    connection: Connection,
    folder: Folder,
    named: NamedProfile,
    onAdopted: () => void,
  ): Promise<Sandbox> {
    const adopted = await this.#adopt(connection, folder, named);
    if (adopted) {
      onAdopted();
      return adopted;
    }
    await this.requireBudget(connection);
    const startedAt = performance.now();
    const sandbox = await this.start(named.profile, this.context(connection, folder), this.owner(folder, named.name));
    this.#sources.onColdStart?.(folder, named, performance.now() - startedAt);
    return sandbox;
  }

  async #adopt(connection: Connection, folder: Folder, { name, profile }: NamedProfile): Promise<Sandbox | undefined> {
    const { machine, spend } = this.#sources;
    if (!machine) return undefined;
    const adopted = await adopt(connection, machine, this.owner(folder, name), profile);
    if (!adopted) return undefined;
    this.#started.began(adopted.sandbox, adopted.startedAt);
    await spend?.tookOver(adopted.sandbox.sandboxId, adopted.windowId, costOf(connection, profile));
    return adopted.sandbox;
  }

  /** Starts a sandbox; without an owner it serves nobody in particular. Throws `UserError` and the SDK's errors. */
  async start(profile: Profile, context: StartContext, owner?: Owner): Promise<Sandbox> {
    const sandbox = await startSandbox(profile, context, owner);
    this.#started.began(sandbox, Date.now());
    await this.#sources.spend?.started(sandbox.sandboxId, costOf(context.connection, profile));
    return sandbox;
  }

  /** Throws `UserError` when a sandbox that costs money may not be started. */
  async requireBudget({ account }: Connection): Promise<void> {
    if (account.isLocal !== true) await this.#sources.requireBudget?.();
  }

  /** This window, as the owner of a folder's sandbox. */
  owner(folder: Folder, profileName: string): Owner {
    return { folder, profileName, windowId: this.#sources.machine?.windowId };
  }

  /** What a sandbox is started with; paths in its profile are those of `folder`. */
  context(connection: Connection, folder: Folder | undefined, signal?: AbortSignal): StartContext {
    const root = folder ? (this.#sources.profileRoot?.(folder) ?? folder.path) : '';
    return { connection, root, build: this.#sources.buildImage, ...(signal && { signal }) };
  }
}
