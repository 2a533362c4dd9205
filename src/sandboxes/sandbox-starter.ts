import type { Image, ModalClient, Sandbox } from 'modal';
import { untilAborted } from '../base/cancellation.ts';
import { Emitter, type Event } from '../base/events.ts';
import { logError } from '../base/log.ts';
import type { EndCause } from '../base/log-lines.ts';
import type { Account } from '../modal/accounts.ts';
import { isRefusedStart } from '../modal/errors.ts';
import type { Prices } from '../modal/prices.ts';
import { endNoted, settled, takeNotes } from '../modal/start-notes.ts';
import type { NamedProfile } from '../profiles/profiles.ts';
import { idleTimeoutOf, keepOf, type Profile } from '../profiles/schema.ts';
import { type Adopted, adopt, takeHandedOver } from './adopt.ts';
import { type Connection, Connections } from './connection.ts';
import type { SandboxCost } from './cost/spend.ts';
import { Endings } from './endings.ts';
import type { Folder } from './folder.ts';
import type { HandedOver } from './handover.ts';
import { KeptSandboxes } from './kept/kept-sandboxes.ts';
import type { Resumption } from './kept/resumption.ts';
import { SandboxLedger } from './ledger.ts';
import { type PermittedProfile, permitProfile } from './permitted-profile.ts';
import { SandboxLog } from './sandbox-log.ts';
import { imageFor, type Owner, type StartContext, startSandbox } from './sandbox-spec.ts';
import { billing } from './session.ts';
import type { ImageOptions, ProfileImage, SandboxTimes, StarterDependencies, StartOptions } from './starts.ts';

/**
 * Starts, takes over, and terminates sandboxes, and records their times and cost. Knows nothing about warm pools, budgets, or
 * which sandbox serves a folder.
 */
export class SandboxStarter {
  readonly #dependencies: StarterDependencies;
  readonly #connections = new Connections((client, account) => this.#noteStartsOf(client, account));
  readonly #clients = new Set<ModalClient>();
  readonly #startedAt = new WeakMap<Sandbox, number>();
  /** By sandbox ID. */
  readonly #usedAt = new Map<string, number>();
  readonly #resumptions = new WeakMap<Sandbox, Resumption>();
  readonly #log = new SandboxLog();
  readonly #didEnd = new Emitter<string>();
  /** Fires with a sandbox's ID once this window knows that it has ended. */
  readonly onDidEnd: Event<string> = this.#didEnd.event;
  /** Fires when the account or app changes: sandboxes of the previous one are out of reach. */
  readonly onDidChangeConnection: Event<void> = this.#connections.onDidChange;

  /** The sandboxes started on this computer that aren't known to have ended. */
  readonly ledger: SandboxLedger | undefined;
  /** Keeps the files of folders' sandboxes when they end. */
  readonly kept: KeptSandboxes | undefined;
  /** Ends what couldn't be ended at once. */
  readonly endings: Endings | undefined;

  constructor(dependencies: StarterDependencies) {
    this.#dependencies = dependencies;
    const { machine } = dependencies;
    this.ledger = machine && new SandboxLedger(machine);
    this.kept = machine && this.ledger && new KeptSandboxes({ machine, ledger: this.ledger });
    this.endings =
      machine &&
      this.ledger &&
      new Endings({
        ...dependencies,
        machine,
        ledger: this.ledger,
        beforeEnd: async (client, sandboxId) => this.kept?.saveBeforeEnd(await client.sandboxes.fromId(sandboxId)),
        onDidEnd: (sandboxId) => this.noteEnd(sandboxId, 'unused'),
      });
  }

  /** The prices of the account in use. */
  get prices(): Prices {
    return this.#connections.prices;
  }

  /** Connects to the chosen account. The connection is reused until the account or app changes. */
  async connection(): Promise<Connection> {
    return this.#connections.current(await this.#dependencies.account(), this.#dependencies.app());
  }

  /** Leaves the connection in use: another account or app was chosen. */
  leaveConnection(): void {
    this.#connections.leave();
  }

  /**
   * Returns a profile as it may be used for a sandbox that the user waits for, after asking what is new. Throws as `start`
   * does.
   */
  permit(connection: Connection, folder: Folder, named: NamedProfile): Promise<PermittedProfile> {
    return this.#permit(connection, folder, named, true);
  }

  /**
   * Starts a sandbox of a profile, after asking what is new. If the wait is canceled, the sandbox is ended once it has
   * started. Throws `UserError` (also if the user hasn't allowed what the profile needs), the SDK's errors, and the signal's
   * reason.
   */
  start(connection: Connection, named: NamedProfile, options: StartOptions = {}): Promise<Sandbox> {
    const permitting = this.#permit(connection, options.folder, named, true, !options.snapshot);
    return this.#startPermitted(connection, permitting, options);
  }

  /** Starts a sandbox of a profile that `permit` has returned. Throws as `start` does. */
  startPermitted(connection: Connection, permitted: PermittedProfile, options: StartOptions): Promise<Sandbox> {
    return this.#startPermitted(connection, Promise.resolve(permitted), options);
  }

  #startPermitted(
    connection: Connection,
    permitting: Promise<PermittedProfile>,
    options: StartOptions,
  ): Promise<Sandbox> {
    const starting = permitting.then((permitted) => this.#start(connection, permitted, options));
    // A start that waits for Modal is canceled by the signal itself.
    return untilAborted(starting, options.signal, () => void starting.then((late) => this.letGo(late)).catch(() => {}));
  }

  async #start(
    connection: Connection,
    { named: { name, profile }, sends }: PermittedProfile,
    { folder, profileName, isServing = false, snapshot, signal, tags }: StartOptions,
  ): Promise<Sandbox> {
    signal?.throwIfAborted();
    const owner = folder && profileName !== undefined ? this.#owner(folder, profileName) : undefined;
    const keeping =
      isServing && owner && keepOf(profile) === 'exit' ? this.kept?.start(connection, owner, profile) : undefined;
    const context = {
      ...this.#context(connection, folder, signal),
      sends,
      ...(snapshot && { snapshot }),
      ...(tags && { tags }),
      ...(keeping && { keeps: true, resume: (image: Image) => keeping.resume(image, signal) }),
    };
    const begunAt = performance.now();
    const sandbox = await startSandbox(profile, context, owner).catch((error) => {
      // Files that can't be used must not be in the way of every run.
      if (isRefusedStart(error) && keeping?.giveUp()) return startSandbox(profile, context, owner);
      throw error;
    });
    this.#startedAt.set(sandbox, Date.now());
    if (isServing && owner) await this.#dependencies.shared?.put(connection, owner, profile, sandbox);
    this.#log.started(sandbox, name, performance.now() - begunAt);
    await this.#dependencies.spend?.recordStart(sandbox.sandboxId, costOf(connection, profile));
    await keeping?.started(sandbox);
    if (keeping?.resumption) this.#resumptions.set(sandbox, keeping.resumption);
    return sandbox;
  }

  /** Starts a sandbox that no run has asked for yet, or adopts one. Throws the SDK's errors. */
  async startSpare(folder: Folder, named: NamedProfile, signal: AbortSignal): Promise<Sandbox> {
    const connection = await this.connection();
    const permitted = await this.#permit(connection, folder, named, false);
    const adopted = await this.adopt(connection, folder, named);
    return adopted ?? this.startPermitted(connection, permitted, { folder, profileName: named.name, signal });
  }

  /** True if sandboxes are shared with other processes, and outlive this one. */
  get isShared(): boolean {
    return this.#dependencies.shared !== undefined;
  }

  /** Does work that may start the sandbox of a folder's profile: one process at a time, if they share it. */
  async exclusively<T>(
    connection: Connection,
    folder: Folder,
    { name: profileName }: NamedProfile,
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> {
    const { shared } = this.#dependencies;
    return shared ? shared.exclusively(connection, { folder, profileName }, signal, work) : work();
  }

  /** Ends a shared sandbox of a folder that another is about to replace, so that it doesn't cost more until its idle timeout. */
  async endStale(connection: Connection, folder: Folder, { name, profile }: NamedProfile): Promise<void> {
    const id = await this.#dependencies.shared?.stale(connection, { folder, profileName: name }, profile);
    if (id !== undefined) await this.letGo(await connection.client.sandboxes.fromId(id));
  }

  /** Takes over a sandbox that a window that no longer exists has left behind for the folder's profile, or that is shared. */
  async adopt(connection: Connection, folder: Folder, { name, profile }: NamedProfile): Promise<Sandbox | undefined> {
    const { machine, shared } = this.#dependencies;
    const { ledger } = this;
    const owner = this.#owner(folder, name);
    const keeps = async (sandboxId: string) => (await this.#dependencies.outlivesWindow?.(sandboxId)) ?? false;
    const adopted = shared
      ? await shared.take(connection, owner, profile)
      : machine && ledger && (await adopt(connection, machine, owner, profile, { ledger, keeps }));
    return adopted && this.#takeOver(connection, { name, profile }, adopted);
  }

  /**
   * Takes over a sandbox that a restarting window has handed over; undefined if it has ended or another window has it.
   */
  async takeHandedOver(
    connection: Connection,
    named: Pick<NamedProfile, 'name' | 'profile'>,
    handedOver: HandedOver & { readonly windowId: string },
  ): Promise<Sandbox | undefined> {
    const { machine } = this.#dependencies;
    const sandbox = machine && (await takeHandedOver(connection, machine, handedOver));
    return sandbox && this.#takeOver(connection, named, { ...handedOver, sandbox });
  }

  /**
   * Returns the image of a folder's profile, and builds it if needed. Throws as `start` does, and the signal's reason.
   */
  async image(folder: Folder, requested: NamedProfile, options: ImageOptions = {}): Promise<ProfileImage> {
    const { force, isUnattended = false, signal } = options;
    const connection = await this.connection();
    const { named, sends } = await this.#permit(connection, folder, requested, !isUnattended);
    const context = { ...this.#context(connection, folder, signal), sends };
    const owner = this.#owner(folder, named.name);
    return { ...connection, image: await imageFor(named.profile, context, owner, force) };
  }

  /** Records that a sandbox was used just now. */
  async noteUse(sandboxId: string): Promise<void> {
    this.#usedAt.set(sandboxId, Date.now());
    await this.#dependencies.spend?.recordUse(sandboxId);
  }

  /** Records that a sandbox has ended. */
  async noteEnd(sandboxId: string, cause: EndCause): Promise<void> {
    this.#log.ended(sandboxId, cause);
    this.#usedAt.delete(sandboxId);
    await this.#dependencies.shared?.forget(sandboxId);
    await this.ledger?.didEnd(sandboxId);
    this.kept?.noteEnd(sandboxId);
    await this.#dependencies.spend?.recordEnd(sandboxId);
    this.#didEnd.fire(sandboxId);
  }

  /** Terminates a sandbox, and records its end. */
  async terminate(sandbox: Sandbox): Promise<void> {
    await this.kept?.saveBeforeEnd(sandbox);
    await sandbox.terminate();
    await this.noteEnd(sandbox.sandboxId, 'requested');
  }

  /**
   * Ends a sandbox that is no longer used, unless a program in it outlives its window. Never throws: if that fails, it's
   * remembered and ended later, and `endings` reports it. Resolves with whether it has ended.
   */
  async letGo(sandbox: Sandbox): Promise<boolean> {
    if (await this.#dependencies.outlivesWindow?.(sandbox.sandboxId)) return false;
    await this.kept?.saveBeforeEnd(sandbox);
    const hasEnded = await endNoted(this.ledger, sandbox);
    if (hasEnded) await this.noteEnd(sandbox.sandboxId, 'unused').catch(logError);
    return hasEnded;
  }

  /** Ends a sandbox, once no program of this window is running in it. Resolves with whether one is. */
  async letGoWhenIdle(sandbox: Sandbox): Promise<boolean> {
    const isBusy = this.#dependencies.isBusy?.(sandbox.sandboxId) ?? false;
    if (isBusy) {
      await this.ledger?.mustEnd(sandbox.sandboxId);
      void this.endings?.sweep();
    } else {
      await this.letGo(sandbox);
    }
    return isBusy;
  }

  /** Waits for the starts and ends in progress, including those that were canceled. */
  async settled(): Promise<void> {
    await Promise.all([...this.#clients].map(settled));
  }

  /** Returns what became of the files of an earlier sandbox when this one started; undefined if none were kept. */
  resumptionOf(sandbox: Sandbox): Resumption | undefined {
    return this.#resumptions.get(sandbox);
  }

  /** Returns the times of a sandbox that this window started or took over. */
  timesOf(sandbox: Sandbox): SandboxTimes | undefined {
    const startedAt = this.#startedAt.get(sandbox);
    if (startedAt === undefined) return undefined;
    return { startedAt, usedAt: this.#usedAt.get(sandbox.sandboxId) ?? startedAt };
  }

  async #takeOver(
    connection: Connection,
    { name, profile }: Pick<NamedProfile, 'name' | 'profile'>,
    adopted: Adopted,
  ): Promise<Sandbox> {
    const { sandbox, startedAt, windowId } = adopted;
    this.#startedAt.set(sandbox, startedAt);
    this.#log.taken(sandbox, name, startedAt);
    await this.ledger?.noteTakeover(sandbox.sandboxId);
    await this.kept?.noteTakeover(sandbox.sandboxId);
    await this.#dependencies.spend?.recordTakeover(sandbox.sandboxId, windowId, costOf(connection, profile));
    return sandbox;
  }

  #noteStartsOf(client: ModalClient, account: Account): void {
    this.#clients.add(client);
    const { ledger, endings } = this;
    if (!ledger || !endings) return;
    takeNotes(client, { ...ledger.notesFor(account), endDue: () => endings.sweep() });
    endings.use(client, account);
    this.kept?.use(client, account);
  }

  /** This window, as the owner of a folder's sandbox. Those that are shared have none, so that no window takes them over. */
  #owner(folder: Folder, profileName: string): Owner {
    const { machine, shared } = this.#dependencies;
    return { folder, profileName, windowId: shared ? undefined : machine?.windowId };
  }

  #permit(
    connection: Connection,
    folder: Folder | undefined,
    named: NamedProfile,
    mayAsk: boolean,
    usesImage = true,
  ): Promise<PermittedProfile> {
    const userInclude = folder && this.#dependencies.userInclude?.(folder);
    const request = { connection, named, root: this.#rootOf(folder), userInclude, mayAsk, usesImage };
    return permitProfile(this.#dependencies.gate, request);
  }

  #context(connection: Connection, folder: Folder | undefined, signal: AbortSignal | undefined): StartContext {
    const { buildImage } = this.#dependencies;
    return { connection, root: this.#rootOf(folder), build: buildImage, ...(signal && { signal }) };
  }

  #rootOf(folder: Folder | undefined): string {
    return folder ? (this.#dependencies.profileRoot?.(folder) ?? folder.path) : '';
  }
}

/** Returns a sandbox's entry in the spend record. Local Modal is free. */
function costOf(connection: Connection, profile: Profile): SandboxCost {
  const { timeoutMs } = profile;
  const usdPerHour = billing(connection, profile).pricePerHourUsd ?? 0;
  return { usdPerHour, idleTimeoutMs: idleTimeoutOf(profile), timeoutMs };
}
