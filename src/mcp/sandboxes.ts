import type { Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { HOUR_MS } from '../base/clock.ts';
import { logError } from '../base/log.ts';
import { formatMinutes } from '../base/text.ts';
import { isSandboxGone, SandboxEndedError } from '../modal/errors.ts';
import { formatUsd } from '../modal/prices.ts';
import { runningSandboxes } from '../modal/sandbox-list.ts';
import { requireRunning, Tag } from '../modal/sandboxes.ts';
import { deleteImage } from '../modal/snapshots.ts';
import { hardwareOf } from '../profiles/hardware.ts';
import type { NamedProfile } from '../profiles/profiles.ts';
import { ProfileSchema } from '../profiles/schema.ts';
import type { Connection } from '../sandboxes/connection.ts';
import { folderKey, machineKey } from '../sandboxes/sandbox-origin.ts';
import { billing } from '../sandboxes/session.ts';
import { takeOrDiscard } from '../snapshots/take.ts';
import type { AgentBudget } from './budget.ts';
import { AgentError } from './errors.ts';
import type { AgentHost, AgentOptions } from './host.ts';
import type { AgentPermissions } from './permissions.ts';
import { strings } from './strings.ts';

/** The tag with the client's name. */
export const AGENT_TAG = 'agent';
/** A tag's value may have these characters, and at most this many. */
const MAX_TAG_CHARS = 63;
/** A copy of a sandbox's files is deleted once another sandbox has started from it, or else after this time. */
const COPY_TTL_MS = HOUR_MS;

/** A sandbox that an agent works in. */
export interface AgentSandbox {
  /** Its name for the agent: `sandbox-1`. */
  readonly handle: string;
  readonly sandbox: Sandbox;
  /** The profile's name. */
  readonly profile: string;
  /** How it came to be. `shared` is the folder's own sandbox; the others are the agent's. */
  readonly origin: 'shared' | 'fork' | 'fresh';
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** The sandboxes of one session of an agent. Others' sandboxes can't be reached through it. */
export class AgentSandboxes {
  readonly #host: AgentHost;
  readonly #options: AgentOptions;
  readonly #budget: AgentBudget;
  readonly #permissions: AgentPermissions;
  readonly #running = new Map<string, AgentSandbox>();
  /** Why sandboxes are gone, by handle. */
  readonly #gone = new Map<string, string>();
  readonly #ending = new AbortController();
  #current: Promise<AgentSandbox> | undefined;
  #profileName: string | undefined;
  #starting = 0;
  #last = 0;

  constructor(host: AgentHost, options: AgentOptions, budget: AgentBudget, permissions: AgentPermissions) {
    this.#host = host;
    this.#options = options;
    this.#budget = budget;
    this.#permissions = permissions;
    this.#profileName = options.profile;
  }

  /** The profile's name; undefined for the folder's current one. */
  get profileName(): string | undefined {
    return this.#profileName;
  }

  get all(): readonly AgentSandbox[] {
    return [...this.#running.values()];
  }

  /** Returns the sandbox with a handle; without one, the agent's usual sandbox, which is started if needed. */
  async of(handle: string | undefined, signal: AbortSignal): Promise<AgentSandbox> {
    this.#budget.require();
    if (handle !== undefined) return this.#named(handle);
    this.#current ??= this.#begin().catch((error) => {
      this.#current = undefined;
      throw error;
    });
    return untilAborted(this.#current, signal);
  }

  /** Returns true if the usual sandbox doesn't have to be started. */
  get hasCurrent(): boolean {
    return this.#current !== undefined;
  }

  /** Starts a sandbox with the files of another one of the agent's, or of a snapshot. */
  async fork(from: AgentSandbox | { readonly imageId: string }, signal: AbortSignal): Promise<AgentSandbox> {
    await this.requireStart();
    return 'imageId' in from ? this.#start('fork', async () => from.imageId) : this.#forkOf(from.sandbox, signal);
  }

  /** Terminates one of the agent's own sandboxes. */
  async terminate(handle: string | undefined): Promise<AgentSandbox> {
    const sandbox = handle === undefined ? await this.#current : this.#named(handle);
    if (!sandbox) throw new AgentError('invalid', strings.noSandbox());
    if (sandbox.origin === 'shared') throw new AgentError('denied', strings.notOwn(sandbox.handle));
    await this.#permissions.require('terminate', strings.mayTerminate(this.#options.client, sandbox.handle));
    this.#forget(sandbox, 'terminated');
    await this.#host.services.sessions.terminate(sandbox.sandbox);
    return sandbox;
  }

  /** Ends all of the agent's own sandboxes. Never throws. */
  async endAll(why: string): Promise<void> {
    const own = this.all.filter(({ origin }) => origin !== 'shared');
    for (const each of this.all) this.#forget(each, why);
    await Promise.all(own.map(({ sandbox }) => this.#host.services.sessions.letGo(sandbox)));
  }

  /** Cancels starts, and ends all of the agent's own sandboxes. */
  async dispose(): Promise<void> {
    this.#ending.abort();
    await this.#current?.catch(() => {});
    await this.endAll('terminated');
  }

  /** Returns the error for a failure in a sandbox if that has ended. */
  async goneError(used: AgentSandbox): Promise<AgentError | undefined> {
    const { client } = await this.#host.services.sessions.connection();
    try {
      await requireRunning(client, used.sandbox.sandboxId, 0);
      return undefined;
    } catch (error) {
      if (!isSandboxGone(error)) return undefined;
      const why = error instanceof SandboxEndedError ? error.end : 'terminated';
      this.#forget(used, why);
      await this.#host.services.sessions.noteEnd(used.sandbox.sandboxId, 'found');
      return goneError(used.handle, why);
    }
  }

  /** Throws unless a sandbox may be started: its price, the budget, and the user's permission. */
  async requireStart(): Promise<void> {
    this.#budget.require();
    if (this.#running.size + this.#starting >= this.#options.maxSandboxes)
      throw new AgentError('budget', strings.tooManySandboxes([...this.#running.keys()].join(', ')));
    const [connection, named] = await Promise.all([this.#host.services.sessions.connection(), this.#profile()]);
    const { account, prices } = connection;
    if (account.isLocal) return;
    const { name, profile } = named;
    const usdPerHour = prices.perHourUsd(hardwareOf(profile));
    if (usdPerHour === undefined) throw new AgentError('budget', strings.priceUnknown(name));
    const { client, idleTimeoutMs, budgetUsd } = this.#options;
    const lasts = [formatMinutes(idleTimeoutMs), formatMinutes(profile.timeoutMs)] as const;
    const question = strings.mayStart(client, name, formatUsd(usdPerHour), ...lasts, formatUsd(budgetUsd));
    await this.#permissions.require('start', question);
  }

  #named(handle: string): AgentSandbox {
    const found = this.#running.get(handle);
    if (found) return found;
    const why = this.#gone.get(handle);
    if (why !== undefined) throw goneError(handle, why);
    throw new AgentError('invalid', strings.unknownHandle(handle, [...this.#running.keys()].join(', ')));
  }

  /** Starts the usual sandbox, as the policy says. */
  async #begin(): Promise<AgentSandbox> {
    const { mode } = this.#options;
    const existing = mode === 'fresh' ? undefined : await this.#sandboxOfFolder();
    if (mode === 'shared' && existing) return this.#share(existing);
    await this.requireStart();
    if (mode === 'shared') return this.#share();
    return existing ? this.#forkOf(existing, this.#ending.signal) : this.#start('fresh');
  }

  /**
   * Finds the running sandbox of the folder, whichever window has started it. Unless the policy names a profile, the profile of
   * that sandbox is the one that the user works with.
   */
  async #sandboxOfFolder(): Promise<Sandbox | undefined> {
    const { services, folder } = this.#host;
    const { client, app } = await services.sessions.connection();
    const tags = { [Tag.folder]: folderKey(folder.path), [Tag.machine]: machineKey() };
    const found = (await runningSandboxes(client, app, tags))
      .filter(({ state }) => state === 'running')
      .sort((one, other) => other.createdAt.getTime() - one.createdAt.getTime());
    for (const { id, tags: of } of found) {
      const name = of[Tag.profile];
      if (name === undefined || (this.#options.profile ?? name) !== name) continue;
      // The profile may be gone, or exist only for a command line.
      const isKnown = await services.sessions.profile(folder, name).then(
        (named) => named.name === name,
        () => false,
      );
      if (!isKnown) continue;
      this.#profileName = name;
      return client.sandboxes.fromId(id);
    }
    return undefined;
  }

  /** Uses the folder's sandbox, which is started if there is none. */
  async #share(existing?: Sandbox): Promise<AgentSandbox> {
    const { sessions } = this.#host.services;
    const [connection, named] = await Promise.all([sessions.connection(), this.#profile()]);
    // What the user has in it can be brought back, whatever the agent does.
    if (existing) await this.#host.savePoints.saveBefore(existing, strings.beforeAgent(this.#options.client));
    const acquire = async () => (await sessions.acquire(this.#host.folder, named.name, this.#ending.signal)).sandbox;
    return this.#add(existing ?? (await acquire()), 'shared', connection, named);
  }

  #forkOf(source: Sandbox, signal: AbortSignal): Promise<AgentSandbox> {
    return this.#start('fork', (client) => takeOrDiscard(client, source, { ttlMs: COPY_TTL_MS, signal }), true);
  }

  async #start(
    origin: 'fork' | 'fresh',
    imageOf?: (client: Connection['client']) => Promise<string>,
    isTemporary = false,
  ): Promise<AgentSandbox> {
    const { sessions } = this.#host.services;
    const [connection, named] = await Promise.all([sessions.connection(), this.#profile()]);
    this.#starting += 1;
    try {
      const imageId = await imageOf?.(connection.client);
      const starting = sessions.create(named, {
        folder: this.#host.folder,
        // The name in the Sandboxes view.
        tags: { [AGENT_TAG]: tagValue(this.#options.client), [Tag.label]: strings.agentOf(this.#options.client) },
        signal: this.#ending.signal,
        ...(imageId !== undefined && { snapshot: { imageId } }),
      });
      const sandbox = await starting.finally(() => {
        if (imageId !== undefined && isTemporary) deleteImage(connection.client, imageId).catch(logError);
      });
      return this.#add(sandbox, origin, connection, named);
    } finally {
      this.#starting -= 1;
    }
  }

  #add(
    sandbox: Sandbox,
    origin: AgentSandbox['origin'],
    connection: Connection,
    { name, profile }: NamedProfile,
  ): AgentSandbox {
    this.#last += 1;
    const added = { handle: `sandbox-${this.#last}`, sandbox, origin, profile: name, startedAt: Date.now() };
    this.#running.set(added.handle, added);
    this.#budget.start(added.handle, billing(connection, profile).pricePerHourUsd ?? 0);
    return added;
  }

  #forget({ handle }: AgentSandbox, why: string): void {
    this.#running.delete(handle);
    this.#gone.set(handle, why);
    this.#budget.stop(handle);
    const current = this.#current;
    void current?.then(
      (each) => {
        if (each.handle === handle && this.#current === current) this.#current = undefined;
      },
      () => {},
    );
  }

  /** Returns the profile of the agent's sandboxes: the folder's, without what several sandboxes can't share. */
  async #profile(): Promise<NamedProfile> {
    const { services, folder } = this.#host;
    const { idleTimeoutMs } = this.#options;
    const named = await services.sessions.profile(folder, this.#profileName);
    if (this.#options.mode === 'shared') return named;
    const { timeoutMs } = named.profile;
    const changes = { hostVolume: false, keep: 'never', ports: [], idleTimeoutMs: Math.min(idleTimeoutMs, timeoutMs) };
    return { ...named, profile: ProfileSchema.parse({ ...named.profile, ...changes }) };
  }
}

function goneError(handle: string, why: string): AgentError {
  return new AgentError('gone', strings.gone(handle, why), { why, sandbox: handle });
}

function tagValue(name: string): string {
  return name.replaceAll(/[^\w.-]+/g, '-').slice(0, MAX_TAG_CHARS) || 'agent';
}
