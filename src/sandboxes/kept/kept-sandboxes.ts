import type { Image, ModalClient, Sandbox } from 'modal';
import { type Clock, DAY_MS, MINUTE_MS, wallClock } from '../../base/clock.ts';
import { UserError } from '../../base/errors.ts';
import { logError } from '../../base/log.ts';
import { type Account, accountIdOf } from '../../modal/accounts.ts';
import { isNotFound } from '../../modal/errors.ts';
import { exitSnapshotOf } from '../../modal/exit-snapshots.ts';
import { sandboxOfStart } from '../../modal/sandbox-list.ts';
import { userTags } from '../../modal/sandboxes.ts';
import { deleteImage, takeSnapshot } from '../../modal/snapshots.ts';
import type { Profile } from '../../profiles/schema.ts';
import type { Connection } from '../connection.ts';
import type { SandboxLedger } from '../ledger.ts';
import type { MachineState } from '../machine-state.ts';
import { definitionKey, type Owner } from '../sandbox-spec.ts';
import { strings } from '../strings.ts';
import { KeptRecords, type KeptSandbox } from './records.ts';
import type { KeepingStart, Refusal, Resumable, Resumption } from './resumption.ts';

/** The maximum time for which a run waits until the files of the previous sandbox are saved. */
const WAIT_MS = 2 * MINUTE_MS;
/** The most recent sandboxes of a folder whose files are kept, one for each profile. */
const MAX_PER_FOLDER = 5;

/** How a sandbox was started. */
interface KeptStart {
  /** The ID of the profile's image; undefined if a snapshot was used that the user selected. */
  readonly imageId: string | undefined;
  readonly resumed: Resumable | undefined;
}

/** What is known about a sandbox that has ended, and the image if Modal has just returned it. */
interface Settled {
  readonly kept: KeptSandbox;
  readonly image?: Image | undefined;
}

export interface KeptDependencies {
  readonly machine: MachineState;
  readonly ledger: Pick<SandboxLedger, 'startIdOf' | 'mustEnd'>;
  /** Returns wall-clock time. */
  readonly clock?: Clock;
}

/**
 * Keeps the files of each folder's sandboxes when they end, for the next sandbox of the same folder, profile, and account on
 * this computer. Modal saves them as an exit snapshot, in whatever way the sandbox ends. Older files are deleted once newer
 * ones are saved.
 */
export class KeptSandboxes {
  readonly #machine: MachineState;
  readonly #ledger: KeptDependencies['ledger'];
  readonly #clock: Clock;
  readonly #records: KeptRecords;
  /** By account ID. */
  readonly #clients = new Map<string, ModalClient>();
  readonly #disposed = new AbortController();
  #working: Promise<void> = Promise.resolve();

  constructor({ machine, ledger, clock = wallClock }: KeptDependencies) {
    this.#machine = machine;
    this.#ledger = ledger;
    this.#clock = clock;
    this.#records = new KeptRecords(machine);
  }

  /** Reaches an account through a client from now on. */
  use(client: ModalClient, account: Account): void {
    this.#clients.set(accountIdOf(account), client);
  }

  /** Begins the start of a sandbox whose files are to be kept. `resume` isn't called if the user selected a snapshot. */
  start(connection: Connection, owner: Owner, profile: Profile): KeepingStart {
    let imageId: string | undefined;
    let resumed: Resumable | undefined;
    let resumption: Resumption | undefined;
    let isGivenUp = false;
    return {
      get resumption() {
        return resumption;
      },
      resume: async (image, signal) => {
        imageId = image.imageId;
        if (isGivenUp) return undefined;
        const found = await this.resumable(connection, owner, profile, image, signal);
        if (typeof found === 'string') {
          resumption = { refusal: found };
        } else if (found) {
          resumed = found;
          resumption = { savedAt: found.saved.savedAt, fromId: found.from.sandboxId };
        }
        return resumed;
      },
      giveUp: () => {
        if (!resumed) return false;
        isGivenUp = true;
        resumed = undefined;
        resumption = { refusal: 'refused' };
        return true;
      },
      started: (sandbox) => this.noteStart(connection, owner, profile, sandbox, { imageId, resumed }),
    };
  }

  /**
   * Finds the files of the owner's previous sandbox for a start with this image; undefined if there are none. Waits until
   * they are saved. Throws `UserError` if that takes too long, the signal's reason, and the SDK's errors.
   */
  async resumable(
    connection: Connection,
    owner: Owner,
    profile: Profile,
    image: Image,
    signal?: AbortSignal,
  ): Promise<Resumable | Refusal | undefined> {
    const latest = await this.#latest(connection, owner);
    if (!latest) return undefined;
    if (latest.definition !== definitionKey(profile)) return 'profile';
    if (latest.imageId !== undefined && latest.imageId !== image.imageId) return 'image';
    const { client } = connection;
    const settled = await this.#settle(client, latest, WAIT_MS, signal);
    if (settled === 'running') return undefined;
    if (settled === 'pending') throw new UserError(strings.stillSaving(), { actions: ['retry', 'replaceSandbox'] });
    const { kept, image: savedImage } = settled;
    const { saved, tags } = kept;
    const found = savedImage ?? (saved && (await client.images.fromId(saved.imageId).catch(ifMissing)));
    return saved && found ? { image: found, tags, from: kept, saved } : 'lost';
  }

  /** Notes that a sandbox has started whose files are to be kept. */
  async noteStart(
    { client, account, app }: Connection,
    { folder, profileName }: Owner,
    profile: Profile,
    { sandboxId }: Sandbox,
    { imageId, resumed }: KeptStart,
  ): Promise<void> {
    const startId = await this.#ledger.startIdOf(sandboxId);
    if (startId === undefined) return;
    await this.#records.write({
      sandboxId,
      startId,
      windowId: this.#machine.windowId,
      accountId: accountIdOf(account),
      appId: app.appId,
      folderPath: folder.path,
      profile: profileName,
      definition: definitionKey(profile),
      ...(imageId !== undefined && { imageId }),
      startedAt: this.#clock.now(),
      keepDays: profile.keepDays,
      hasExitSnapshot: true,
      ...(resumed && { before: resumed.saved }),
      tags: { ...resumed?.tags },
      isDiscarded: false,
    });
    // Its files belong to the new sandbox from now on.
    if (resumed) await this.#records.remove(resumed.from);
    this.#inBackground(async (signal) => {
      const { kind } = await exitSnapshotOf(client, sandboxId, { signal });
      if (kind === 'unsupported') await this.#records.change(sandboxId, { hasExitSnapshot: false });
      await this.#clear(client, account);
    });
  }

  /** Notes that this window has taken over a sandbox of another one. */
  async noteTakeover(sandboxId: string): Promise<void> {
    await this.#records.change(sandboxId, { windowId: this.#machine.windowId });
  }

  /** Returns whether the files of a sandbox are lost unless this extension saves them before it ends. */
  async needsSaving(sandboxId: string): Promise<boolean> {
    const kept = await this.#records.find(sandboxId);
    return kept !== undefined && needsSaving(kept);
  }

  /** Saves the files of a sandbox that is about to be ended, if Modal doesn't do that. Never throws. */
  async saveBeforeEnd(sandbox: Sandbox): Promise<void> {
    const kept = await this.#records.find(sandbox.sandboxId);
    if (!kept || !needsSaving(kept)) return;
    // Whatever happens to this process, it doesn't keep costing money.
    await this.#ledger.mustEnd(sandbox.sandboxId);
    try {
      const imageId = await takeSnapshot(sandbox, { ttlMs: kept.keepDays * DAY_MS });
      const tags = userTags(await sandbox.getTags());
      await this.#records.change(sandbox.sandboxId, { saved: { imageId, savedAt: this.#clock.now() }, tags });
    } catch (error) {
      logError(error);
    }
  }

  /** Notes that a sandbox has ended. What older files it replaces is deleted. */
  noteEnd(sandboxId: string): void {
    this.#inBackground(async (signal) => {
      const kept = await this.#records.find(sandboxId);
      const client = kept && this.#clients.get(kept.accountId);
      if (!client) return;
      await this.#settle(client, kept, WAIT_MS, signal);
      await this.#clear(client, { id: kept.accountId });
    });
  }

  /** Discards the files of the owner's previous sandboxes: the next one starts afresh. */
  async discard(connection: Connection, owner: Omit<Owner, 'windowId'>): Promise<void> {
    await this.#discardAll(await this.#of(connection, owner));
    this.#inBackground(() => this.#clear(connection.client, connection.account));
  }

  /** Discards the files of a sandbox that the user has terminated, and those of its owner's sandboxes before it. */
  async discardOf(sandboxId: string): Promise<void> {
    const ended = await this.#records.find(sandboxId);
    if (ended) await this.#discardAll(await this.#at(placeOf(ended)));
  }

  async #discardAll(all: readonly KeptSandbox[]): Promise<void> {
    for (const { sandboxId } of all) await this.#records.change(sandboxId, { isDiscarded: true });
  }

  /** Waits for the work in progress that nothing else waits for. */
  async settled(): Promise<void> {
    await this.#working;
  }

  /** Stops what nothing waits for. The next window does it. */
  dispose(): void {
    this.#disposed.abort();
  }

  #inBackground(work: (signal: AbortSignal) => Promise<void>): void {
    const { signal } = this.#disposed;
    this.#working = this.#working
      .then(() => (signal.aborted ? undefined : work(signal)))
      .catch((error) => {
        if (!signal.aborted) logError(error);
      });
  }

  /** Finds the owner's previous sandbox, unless another window uses it or its files are too old. */
  async #latest(connection: Connection, owner: Owner): Promise<KeptSandbox | undefined> {
    for (const kept of await this.#of(connection, owner)) {
      if (kept.isDiscarded || this.#isTooOld(kept) || (await this.#isInUse(kept))) continue;
      return kept;
    }
    return undefined;
  }

  async #of(
    { account, app }: Connection,
    { folder, profileName }: Pick<Owner, 'folder' | 'profileName'>,
  ): Promise<KeptSandbox[]> {
    return this.#at(
      placeOf({ accountId: accountIdOf(account), appId: app.appId, folderPath: folder.path, profile: profileName }),
    );
  }

  /** Returns the sandboxes of a place, the latest start first. */
  async #at(place: string): Promise<KeptSandbox[]> {
    return (await this.#records.all()).filter((kept) => placeOf(kept) === place);
  }

  async #isInUse({ windowId }: KeptSandbox): Promise<boolean> {
    return windowId !== this.#machine.windowId && (await this.#machine.isAlive(windowId));
  }

  #isTooOld({ saved, startedAt, keepDays }: KeptSandbox): boolean {
    return this.#clock.now() > (saved?.savedAt ?? startedAt + DAY_MS) + keepDays * DAY_MS;
  }

  /** Finds out what was saved of a sandbox, unless that is known. */
  async #settle(
    client: ModalClient,
    kept: KeptSandbox,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<Settled | 'running' | 'pending'> {
    const { sandboxId, before } = kept;
    if (kept.saved) return { kept };
    const listed = await sandboxOfStart(client, kept, kept.startId);
    if (listed && listed.state !== 'ended') return 'running';
    const snapshot = await exitSnapshotOf(client, sandboxId, { waitMs, signal });
    if (snapshot.kind === 'pending') return 'pending';
    const savedAt = listed?.endedAt?.getTime() ?? kept.startedAt;
    const image = snapshot.kind === 'saved' ? snapshot.image : undefined;
    const saved = image ? { imageId: image.imageId, savedAt } : before;
    const known = { saved, ...(listed && { tags: userTags(listed.tags) }) };
    return { kept: (await this.#records.change(sandboxId, known)) ?? { ...kept, ...known }, image };
  }

  /** Deletes the files of an account that newer ones replace, that the user discarded, or that are too old or too many. */
  async #clear(client: ModalClient, account: Account | { readonly id: string }): Promise<void> {
    const accountId = 'id' in account ? account.id : accountIdOf(account);
    const all = (await this.#records.all()).filter((kept) => kept.accountId === accountId);
    const perFolder = new Map<string, number>();
    const replaced = new Set<string>();
    for (const kept of all) {
      if (await this.#isInUse(kept)) continue;
      const { folderPath, saved, before } = kept;
      const place = placeOf(kept);
      const count = (perFolder.get(folderPath) ?? 0) + 1;
      if (kept.isDiscarded || this.#isTooOld(kept) || replaced.has(place) || count > MAX_PER_FOLDER) {
        await this.#delete(client, kept);
        continue;
      }
      perFolder.set(folderPath, count);
      if (!saved) continue;
      replaced.add(place);
      if (before && before.imageId !== saved.imageId) await deleteImage(client, before.imageId);
      if (before) await this.#records.change(kept.sandboxId, { before: undefined });
    }
  }

  /** Deletes the files of a sandbox that has ended, and forgets it. */
  async #delete(client: ModalClient, kept: KeptSandbox): Promise<void> {
    const settled = await this.#settle(client, kept, 0);
    if (typeof settled === 'string') return;
    const { saved, before } = settled.kept;
    for (const imageId of new Set([saved?.imageId, before?.imageId])) if (imageId) await deleteImage(client, imageId);
    await this.#records.remove(kept);
  }
}

/** Names the account, app, folder, and profile of a sandbox. */
function placeOf({
  accountId,
  appId,
  folderPath,
  profile,
}: Pick<KeptSandbox, 'accountId' | 'appId' | 'folderPath' | 'profile'>): string {
  return JSON.stringify([accountId, appId, folderPath, profile]);
}

function needsSaving({ hasExitSnapshot, isDiscarded, saved }: KeptSandbox): boolean {
  return !hasExitSnapshot && !isDiscarded && !saved;
}

function ifMissing(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}
