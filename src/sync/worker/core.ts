import { randomBytes } from 'node:crypto';
import * as zlib from 'node:zlib';
import { type SyncedEntry, SyncIndex } from '../index/entries.ts';
import { type Generation, interrupted, interruptedGeneration, NO_GENERATION, sequenceOf } from '../index/generation.ts';
import { isSettled, type SandboxState, SandboxStates } from '../index/sandbox-states.ts';
import { type ArchiveOf, archiveOf, type Compression, compress, pulledIn } from '../push/archive.ts';
import { type Packed, Packer } from '../push/pack.ts';
import { makePlan, type Plan } from '../push/plan.ts';
import { adjust, describe, type PreparedPush, type PrepareRequest } from '../push/prepared.ts';
import type { Chunk, Sent } from '../push/transfer.ts';
import { readListing } from '../remote/list-script.ts';
import { findChanges, type RemoteChanges, reconcile } from '../remote/remote.ts';
import { changesRules } from '../rules/builtin.ts';
import { foldersOf } from '../rules/git-index.ts';
import { type Explanation, type RuleSettings, Rules } from '../rules/rules.ts';
import { LookAhead } from '../scan/look-ahead.ts';
import { type Scan, scan } from '../scan/scan.ts';

export interface CoreOptions {
  readonly root: string;
  readonly storageDir: string;
  readonly remoteRoot: string;
  readonly rules: RuleSettings;
}

/** An archive that is ready to be sent. See `Transfer`. */
export interface OpenedArchive {
  readonly next: Generation;
  /** Generations from which the sandbox may start. */
  readonly accept: readonly Generation[];
  /** KiB that must be free there. */
  readonly neededKiB: number;
}

interface Sending extends ArchiveOf {
  chunks: Generator<Buffer> | undefined;
}

const FULL_MANIFEST_INTERVAL = 200;

/**
 * Everything that reads the local tree and keeps the index, for one root: scan, plan, pack, settle. Synchronous, so it
 * lives in a worker; `engine.ts` talks with the sandbox.
 */
export class Core {
  readonly #options: CoreOptions;
  #rules: Rules;
  readonly states: SandboxStates;
  /** What was planned and what is being sent, for each sandbox. */
  readonly #prepared = new Map<string, { readonly request: PrepareRequest; readonly plan: Plan }>();
  readonly #sending = new Map<string, Sending>();
  /** Throws to end what is under way. */
  readonly #checkpoint: (files: number) => void;
  readonly #ahead: LookAhead;

  /** Throws the file system's error when the root cannot be read. */
  constructor(options: CoreOptions, checkpoint: (files: number) => void = () => {}, ahead = new LookAhead()) {
    this.#options = options;
    this.#checkpoint = checkpoint;
    this.#ahead = ahead;
    this.#rules = new Rules(options.root, options.rules);
    this.states = new SandboxStates(options.storageDir, this.#rules.root, options.remoteRoot);
  }

  /** Reads the tree and plans a push. */
  prepare(request: PrepareRequest): PreparedPush {
    const { state, plan, found } = this.#look(request);
    this.#prepared.set(request.sandboxId, { request, plan });
    this.#sending.delete(request.sandboxId);
    return describe(state, plan, found, this.states.approvedBytes);
  }

  /** The same for somebody who only wants to know: a push that is under way goes on with its own plan. */
  survey(request: PrepareRequest): PreparedPush {
    const { state, plan, found } = this.#look(request);
    return describe(state, plan, found, this.states.approvedBytes);
  }

  #look(request: PrepareRequest): { state: SandboxState; plan: Plan; found: Scan } {
    this.#rules = new Rules(this.#options.root, this.#options.rules);
    const state = this.states.get(request.sandboxId, request.fresh);
    const paths = scopeOf(request, state);
    const { index } = state;
    const options = { index, checkpoint: this.#checkpoint };
    const found = paths
      ? scan(this.#rules, { ...options, paths })
      : this.#ahead.during(this.#rules.root, index, (ahead) => scan(this.#rules, { ...options, ahead }));
    return { state, plan: adjust(makePlan(index, found), index, request), found };
  }

  /** Begins the archive of what was prepared. */
  open(sandboxId: string): OpenedArchive {
    const prepared = this.#prepared.get(sandboxId);
    if (!prepared) throw new Error('nothing was prepared');
    const { request, plan } = prepared;
    const state = this.states.get(request.sandboxId, request.fresh);
    state.sequence += 1;
    const next = `${String(state.sequence).padStart(8, '0')}.${randomBytes(6).toString('hex')}`;
    const full = state.generation === NO_GENERATION || state.sequence % FULL_MANIFEST_INTERVAL === 0;
    const packer = new Packer(plan.putBytes + plan.puts.length * 1024);
    const sending: Sending = { next, full, plan, packer, chunks: undefined };
    sending.chunks = archiveOf(this.#rules.root, sending, state.index);
    this.#sending.set(sandboxId, sending);
    const accept = [
      state.generation,
      ...state.unsettled.flatMap((generation) => [generation, interrupted(generation)]),
    ];
    state.unsettled.push(next);
    const neededKiB =
      plan.putBytes > 16 * 1024 * 1024 ? Math.ceil((plan.putBytes * 1.1) / 1024) + plan.puts.length * 4 : 0;
    return { next, accept, neededKiB };
  }

  /**
   * The next piece of the archive that leads to a generation. The reader of an archive that was given up may still ask,
   * and must not be handed a piece of the one after it.
   */
  next(sandboxId: string, generation: Generation, compression: Compression): Chunk {
    const sending = this.#current(sandboxId);
    if (sending.next !== generation) throw new Error('that archive is open no more');
    const { value } = sending.chunks?.next() ?? {};
    const { packed } = sending.packer;
    return {
      bytes: value && compress(value, compression),
      files: packed.files,
      contentBytes: packed.bytes,
      path: packed.sent.at(-1)?.path ?? '',
    };
  }

  /** The whole open archive with the line before it, unless it gets longer than `maxBytes`: then it is open no more. */
  inline(sandboxId: string, maxBytes: number): Uint8Array<ArrayBuffer> | undefined {
    const sending = this.#current(sandboxId);
    if (sending.plan.putBytes > maxBytes * 10 || sending.plan.puts.length > 500) return undefined;
    const archive = Buffer.concat([...(sending.chunks ?? [])]);
    const payload = Buffer.concat([Buffer.from('gzip\n'), zlib.gzipSync(archive, { level: 6 })]);
    return payload.length > maxBytes ? undefined : payload;
  }

  /** The sandbox has taken the archive in: the index follows. */
  commit(sandboxId: string): Sent {
    const { next, full, plan, packer } = this.#current(sandboxId);
    const state = this.states.get(sandboxId, false);
    for (const path of [...plan.deletes, ...plan.emptied, ...plan.released]) state.index.delete(path);
    for (const entry of pulledIn(state.index)) state.index.set({ ...entry, pulled: false });
    for (const entry of [...plan.refreshed, ...packer.packed.sent]) {
      state.index.set(entry);
      state.changedRemotely.delete(entry.path);
    }
    for (const path of plan.deletes) state.changedRemotely.delete(path);
    state.generation = next;
    state.unsettled = [];
    this.#sending.delete(sandboxId);
    this.states.save(sandboxId);
    if (full && plan.putBytes > (this.states.approvedBytes ?? -1)) this.states.approve(plan.putBytes);
    return sentOf(packer.packed);
  }

  /** Nothing was to be sent and the sandbox is known to be there: what was learned of the local files is kept. */
  confirm(sandboxId: string): void {
    const prepared = this.#prepared.get(sandboxId);
    if (!prepared) return;
    const { request, plan } = prepared;
    if (plan.refreshed.length === 0 && plan.released.length === 0) return;
    const state = this.states.get(request.sandboxId, request.fresh);
    for (const entry of plan.refreshed) state.index.set(entry);
    this.states.save(request.sandboxId);
  }

  /** Whether the sandbox took the archive in is not known: whatever was in it is in doubt. */
  abandon(sandboxId: string): void {
    const sending = this.#sending.get(sandboxId);
    if (!sending) return;
    const { index } = this.states.get(sandboxId, false);
    for (const entry of sending.plan.puts) {
      const sent = index.get(entry.path);
      if (sent) index.set({ ...sent, uncertain: true, possibleKinds: [...(sent.possibleKinds ?? []), entry.kind] });
      else index.set({ ...entry, hash: '', racy: false, uncertain: true });
    }
    // What was let go of has left the sandbox's manifest, perhaps: it counts as held only once it was sent again.
    for (const path of [...sending.plan.deletes, ...sending.plan.emptied, ...sending.plan.released]) {
      const sent = index.get(path);
      if (sent) index.set({ ...sent, uncertain: true });
    }
    this.#sending.delete(sandboxId);
  }

  /** The sandbox did not begin with the archive: all is as before. */
  withdraw(sandboxId: string): void {
    const sending = this.#sending.get(sandboxId);
    if (!sending) return;
    const state = this.states.get(sandboxId, false);
    state.unsettled = state.unsettled.filter((generation) => generation !== sending.next);
    this.#sending.delete(sandboxId);
  }

  /** The sandbox is at a generation that some other index describes. */
  adopt(sandboxId: string, generation: Generation): boolean {
    return this.states.adopt(sandboxId, generation);
  }

  /** The sandbox has nothing of ours. */
  reset(sandboxId: string): void {
    this.states.replace(sandboxId, undefined);
  }

  /** Takes in a sandbox's own account of what it holds. Undefined when that is not whole. */
  async reconcile(sandboxId: string, output: Uint8Array): Promise<RemoteChanges | undefined> {
    const listing = await readListing(Buffer.from(output));
    if (!listing) return undefined;
    const old = this.states.get(sandboxId, false);
    const done = reconcile(listing, old.index, this.#rules);
    // A folder that is not ours, or whose manifest is lost: everything is sent over it.
    const index = done?.index ?? new SyncIndex();
    const sequence = Math.max(old.sequence, sequenceOf(listing.generation));
    const state = this.states.replace(sandboxId, {
      generation: done ? listing.generation : NO_GENERATION,
      sequence,
      index,
    });
    if (!done && listing.generation !== NO_GENERATION)
      state.unsettled.push(interruptedGeneration(listing.generation) ?? listing.generation);
    for (const path of done?.changes.modified ?? []) state.changedRemotely.add(path);
    return done?.changes ?? { modified: [], created: [...listing.paths.keys()], deleted: [] };
  }

  /** Names of folders that a list of the sandbox passes over, as nothing of ours is in one. */
  prunedFolders(sandboxId: string): string[] {
    const { index } = this.states.get(sandboxId, false);
    const used = new Set(
      [...foldersOf(index.entries.keys())].map((folder) => folder.slice(folder.lastIndexOf('/') + 1)),
    );
    return ['node_modules', '.venv', '__pycache__', '.git'].filter((name) => !used.has(name));
  }

  /** Whether the last list of changes was taken in. */
  wasListed(sandboxId: string): boolean {
    return this.states.get(sandboxId, false).listed;
  }

  /** Takes in a list of what is newer in the sandbox. Undefined when it is not whole, `drift` at another generation. */
  async changes(sandboxId: string, output: Uint8Array): Promise<RemoteChanges | 'drift' | undefined> {
    const listing = await readListing(Buffer.from(output));
    if (!listing) return undefined;
    const state = this.states.get(sandboxId, false);
    if (listing.generation !== state.generation) return 'drift';
    const changes = findChanges(listing, state.index, this.#rules);
    for (const path of [...changes.modified, ...changes.deleted]) {
      const sent = state.index.get(path) as SyncedEntry;
      state.index.set({ ...sent, uncertain: true });
      state.changedRemotely.add(path);
    }
    // The marks must outlive this process before the sandbox forgets the times.
    this.states.save(sandboxId);
    state.listed = true;
    return { ...changes, modified: [...state.changedRemotely].filter((path) => !changes.deleted.includes(path)) };
  }

  /** Nothing of the sandbox's below this path is ours any more. */
  forget(sandboxId: string, folder: string): void {
    const { index } = this.states.get(sandboxId, false);
    for (const path of [...index.entries.keys()]) if (path.startsWith(`${folder}/`)) index.delete(path);
  }

  /** What files and rules say about paths. */
  explain(paths: readonly string[]): Explanation[] {
    this.#rules = new Rules(this.#options.root, this.#options.rules);
    return paths.map((path) => this.#rules.explain(path));
  }

  /** The rules as of the last look at the tree. */
  get rules(): Rules {
    return this.#rules;
  }

  #current(sandboxId: string): Sending {
    const sending = this.#sending.get(sandboxId);
    if (!sending) throw new Error('no archive is open');
    return sending;
  }
}

/**
 * The paths that a scan may be limited to. None for a first sync, since a changed rule may concern any part of the tree,
 * and after a push whose end is not known: what that one put, deleted or let go of may lie anywhere, and a push that
 * succeeds calls all of it settled.
 */
function scopeOf({ paths }: PrepareRequest, state: SandboxState): readonly string[] | undefined {
  return state.generation !== NO_GENERATION && isSettled(state) && !paths?.some(changesRules) ? paths : undefined;
}

function sentOf({ files, bytes, skipped, sent }: Packed): Sent {
  return { files, bytes, skipped, unstable: sent.filter(({ uncertain }) => uncertain).map(({ path }) => path) };
}
