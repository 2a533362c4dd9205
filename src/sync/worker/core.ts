import { randomBytes } from 'node:crypto';
import * as zlib from 'node:zlib';
import { type SyncedEntry, SyncIndex } from '../index/entries.ts';
import { type Generation, interrupted, interruptedGeneration, NO_GENERATION, sequenceOf } from '../index/generation.ts';
import { isSettled, type SandboxState, SandboxStates } from '../index/sandbox-states.ts';
import { type ArchiveContents, archiveOf, type Compression, compress, pulledIn } from '../push/archive.ts';
import { type Packed, Packer } from '../push/pack.ts';
import { makePlan, type Plan } from '../push/plan.ts';
import { adjust, describe, type PreparedPush, type PrepareRequest } from '../push/prepared.ts';
import { RECORD } from '../push/tar.ts';
import type { Chunk, Sent } from '../push/transfer.ts';
import { readListing } from '../remote/list-script.ts';
import { findChanges, type RemoteChanges, reconcile } from '../remote/remote.ts';
import { changesRules } from '../rules/builtin.ts';
import { foldersOf } from '../rules/git-index.ts';
import { GitRepos } from '../rules/git-repo.ts';
import type { Explanation } from '../rules/rule.ts';
import { type RuleSettings, Rules } from '../rules/rules.ts';
import { LookAhead } from '../scan/look-ahead.ts';
import { notice } from '../scan/notices.ts';
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
  readonly accept: readonly Generation[];
  readonly neededKiB: number;
}

interface Sending extends ArchiveContents {
  chunks: Generator<Buffer> | undefined;
}

/** Every push with a multiple of this number replaces the manifest files before it. */
const FULL_MANIFEST_INTERVAL = 200;

/**
 * Everything that reads one local folder and maintains its indexes: scan, plan, pack, settle. Synchronous, so it runs
 * in a worker. Never communicates with a sandbox, which `engine.ts` does.
 */
export class Core {
  readonly #options: CoreOptions;
  /** Kept while the rules are read again for each scan. */
  readonly #git = new GitRepos();
  #rules: Rules;
  readonly states: SandboxStates;
  /** Prepared pushes and open archives, by sandbox ID. */
  readonly #prepared = new Map<string, { readonly request: PrepareRequest; readonly plan: Plan }>();
  readonly #sending = new Map<string, Sending>();
  /** Throws to cancel the current call. */
  readonly #checkpoint: (files: number) => void;
  readonly #ahead: LookAhead;

  /** Throws the file system's error if the root can't be read. */
  constructor(
    options: CoreOptions,
    checkpoint: (files: number) => void = () => {},
    onUnsaved: (error: unknown) => void = () => {},
    ahead = new LookAhead(),
  ) {
    this.#options = options;
    this.#checkpoint = checkpoint;
    this.#ahead = ahead;
    this.#rules = this.#readRules();
    this.states = new SandboxStates(options.storageDir, this.#rules.root, options.remoteRoot, onUnsaved);
  }

  /** Scans the folder and plans a push, for `open`. */
  prepare(request: PrepareRequest): PreparedPush {
    const { state, plan, found } = this.#plan(request);
    this.#prepared.set(request.sandboxId, { request, plan });
    this.#sending.delete(request.sandboxId);
    return describe(state, plan, found, this.#rules, this.#isTold);
  }

  /** Plans a push for information only. A push that is prepared or under way keeps its own plan. */
  survey(request: PrepareRequest): PreparedPush {
    const { state, plan, found } = this.#plan(request);
    return describe(state, plan, found, this.#rules, this.#isTold);
  }

  #plan(request: PrepareRequest): { state: SandboxState; plan: Plan; found: Scan } {
    this.#rules = this.#readRules();
    const state = this.states.get(request.sandboxId, request.fresh);
    const paths = scopeOf(request, state);
    const { index } = state;
    const options = { index, checkpoint: this.#checkpoint };
    const found = paths
      ? scan(this.#rules, { ...options, paths })
      : this.#ahead.assist(this.#rules.root, index, (ahead) => scan(this.#rules, { ...options, ahead }));
    return { state, plan: adjust(makePlan(index, found), index, request), found };
  }

  /** Opens the archive of the push that was prepared last. */
  open(sandboxId: string): OpenedArchive {
    const prepared = this.#prepared.get(sandboxId);
    if (!prepared) throw new Error('nothing was prepared');
    const { request, plan } = prepared;
    const state = this.states.get(request.sandboxId, request.fresh);
    state.sequence += 1;
    const next = `${String(state.sequence).padStart(8, '0')}.${randomBytes(6).toString('hex')}`;
    const full = state.generation === NO_GENERATION || state.sequence % FULL_MANIFEST_INTERVAL === 0;
    const packer = new Packer(`in.${next}`, plan.putBytes + plan.puts.length * 1024);
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
   * Returns the next piece of the archive that leads to a generation. The reader of an earlier archive may still call
   * this, and must not get a piece of the current one.
   */
  next(sandboxId: string, generation: Generation, compression: Compression): Chunk {
    const sending = this.#current(sandboxId);
    if (sending.next !== generation) throw new Error('that archive is no longer open');
    const { value } = sending.chunks?.next() ?? {};
    const { packed } = sending.packer;
    return {
      bytes: value && compress(value, compression),
      files: packed.files,
      contentBytes: packed.bytes,
      path: packed.sent.at(-1)?.path ?? '',
    };
  }

  /**
   * Returns the whole open archive with the line that precedes it; undefined if it is longer than `maxBytes`. A single record
   * arrives sooner than two more processes are started that decompress it.
   */
  inline(sandboxId: string, maxBytes: number): Uint8Array<ArrayBuffer> | undefined {
    const sending = this.#current(sandboxId);
    if (sending.plan.putBytes > maxBytes * 10 || sending.plan.puts.length > 500) return undefined;
    const archive = Buffer.concat([...(sending.chunks ?? [])]);
    const payload =
      archive.length <= RECORD
        ? Buffer.concat([Buffer.from('raw\n'), archive])
        : Buffer.concat([Buffer.from('gzip\n'), zlib.gzipSync(archive, { level: 6 })]);
    return payload.length > maxBytes ? undefined : payload;
  }

  /** Updates the index after the sandbox has applied the archive. */
  commit(sandboxId: string): Sent {
    const { next, plan, packer } = this.#current(sandboxId);
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
    return sentOf(packer.packed, this.#isTold);
  }

  /** Updates the index after an empty push, with what the scan found out about local files. */
  confirm(sandboxId: string): void {
    const prepared = this.#prepared.get(sandboxId);
    if (!prepared) return;
    const { request, plan } = prepared;
    if (plan.refreshed.length === 0 && plan.released.length === 0) return;
    const state = this.states.get(request.sandboxId, request.fresh);
    for (const entry of plan.refreshed) state.index.set(entry);
    this.states.save(request.sandboxId);
  }

  /** Marks everything in the archive as uncertain, because the sandbox may have applied it. */
  abandon(sandboxId: string): void {
    const sending = this.#sending.get(sandboxId);
    if (!sending) return;
    const { index } = this.states.get(sandboxId, false);
    for (const entry of sending.plan.puts) {
      const sent = index.get(entry.path);
      if (sent) index.set({ ...sent, uncertain: true, possibleKinds: [...(sent.possibleKinds ?? []), entry.kind] });
      else index.set({ ...entry, hash: '', racy: false, uncertain: true });
    }
    // Released paths may have left the sandbox's manifest, so they must be sent again to count as synced.
    for (const path of [...sending.plan.deletes, ...sending.plan.emptied, ...sending.plan.released]) {
      const sent = index.get(path);
      if (sent) index.set({ ...sent, uncertain: true });
    }
    this.#sending.delete(sandboxId);
  }

  /** Discards the archive, because the sandbox hasn't applied any of it. */
  withdraw(sandboxId: string): void {
    const sending = this.#sending.get(sandboxId);
    if (!sending) return;
    const state = this.states.get(sandboxId, false);
    state.unsettled = state.unsettled.filter((generation) => generation !== sending.next);
    this.#sending.delete(sandboxId);
  }

  /** Switches to the index of a generation. Returns false if no index describes it. */
  adopt(sandboxId: string, generation: Generation): boolean {
    return this.states.adopt(sandboxId, generation);
  }

  /** Records that the sandbox has none of the folder. */
  reset(sandboxId: string): void {
    this.states.replace(sandboxId, undefined);
  }

  /** Rebuilds the index from a sandbox's own list and manifest. Undefined if the list is incomplete. */
  async reconcile(sandboxId: string, output: Uint8Array): Promise<RemoteChanges | undefined> {
    const listing = await readListing(Buffer.from(output));
    if (!listing) return undefined;
    const old = this.states.get(sandboxId, false);
    const done = reconcile(listing, old.index, this.#rules);
    // Without a usable manifest, everything is sent again.
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

  /** Returns the names of folders that a list can skip, because nothing in them is synced. */
  prunedFolders(sandboxId: string): string[] {
    const { index } = this.states.get(sandboxId, false);
    const used = new Set(
      [...foldersOf(index.entries.keys())].map((folder) => folder.slice(folder.lastIndexOf('/') + 1)),
    );
    return ['node_modules', '.venv', '__pycache__', '.git'].filter((name) => !used.has(name));
  }

  /**
   * Returns the names of the files in the sandbox that tell when the last list that was processed began, and when the next
   * one does. They take turns, so that a list that fails loses nothing.
   */
  stamps(sandboxId: string): readonly [since: string, next: string] {
    const { listId, lists } = this.states.get(sandboxId, false);
    const name = (number: number) => (number === 0 ? 'stamp' : `stamp.${listId}.${number % 2}`);
    return [name(lists), name(lists + 1)];
  }

  /** Compares a list of changed files with the index. Undefined if it is incomplete, `drift` at another generation. */
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
    // The marks must be stored before the next list starts at a later time.
    this.states.save(sandboxId);
    state.lists += 1;
    return { ...changes, modified: [...state.changedRemotely].filter((path) => !changes.deleted.includes(path)) };
  }

  /** Drops everything below a folder from the index. */
  forget(sandboxId: string, folder: string): void {
    const { index } = this.states.get(sandboxId, false);
    for (const path of [...index.entries.keys()]) if (path.startsWith(`${folder}/`)) index.delete(path);
  }

  /** Explains why paths are synced or not. */
  explain(paths: readonly string[]): Explanation[] {
    this.#rules = this.#readRules();
    return paths.map((path) => this.#rules.explain(path));
  }

  readonly #isTold = (key: string): boolean => this.states.told.has(key);

  /** The rules as of the last scan. */
  get rules(): Rules {
    return this.#rules;
  }

  #readRules(): Rules {
    return new Rules(this.#options.root, this.#options.rules, this.#git);
  }

  #current(sandboxId: string): Sending {
    const sending = this.#sending.get(sandboxId);
    if (!sending) throw new Error('no archive is open');
    return sending;
  }
}

/**
 * Returns the paths that a scan may be limited to; undefined if the whole folder must be scanned: for a first sync,
 * after a change of rules, and after a push with an unknown outcome, because a push that succeeds settles all of that
 * one's paths.
 */
function scopeOf({ paths }: PrepareRequest, state: SandboxState): readonly string[] | undefined {
  return state.generation !== NO_GENERATION && isSettled(state) && !paths?.some(changesRules) ? paths : undefined;
}

function sentOf({ files, bytes, skipped, sent, lfsPointers }: Packed, isTold: (key: string) => boolean): Sent {
  const notices = lfsPointers.map((path) => notice('lfs-pointer', path, '')).filter(({ key }) => !isTold(key));
  return {
    files,
    bytes,
    skipped,
    notices,
    unstable: sent.filter(({ uncertain }) => uncertain).map(({ path }) => path),
  };
}
