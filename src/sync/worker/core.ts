import { randomBytes } from 'node:crypto';
import * as zlib from 'node:zlib';
import { Copies, type Copy, isSettled, sequenceOf, unfinishedIn } from '../index/copies.ts';
import { Holding, type Sent } from '../index/entries.ts';
import { type ArchiveOf, archiveOf, type Compression, compress, pulledIn } from '../push/archive.ts';
import { type Packed, Packer } from '../push/pack.ts';
import { makePlan, type Plan } from '../push/plan.ts';
import { adjust, describe, type Prepared, type PrepareRequest } from '../push/prepared.ts';
import { readListing } from '../remote/list-script.ts';
import { findChanges, type RemoteChanges, reconcile } from '../remote/remote.ts';
import { changesRules } from '../rules/builtin.ts';
import { foldersOf } from '../rules/git-index.ts';
import { type Explanation, type RuleSettings, Rules } from '../rules/rules.ts';
import { LookAhead } from '../scan/look-ahead.ts';
import { type Scan, type Skipped, scan } from '../scan/scan.ts';

export interface CoreOptions {
  readonly root: string;
  readonly storageDir: string;
  readonly remoteRoot: string;
  readonly rules: RuleSettings;
}

/** An archive that is being sent. */
export interface Opened {
  readonly next: string;
  /** Generations from which the sandbox may start. */
  readonly accept: readonly string[];
  /** KiB that must be free there. */
  readonly neededKiB: number;
}

/** One piece of an archive; `bytes` is undefined at its end. */
export interface Chunk {
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
  /** Packed so far. */
  readonly files: number;
  readonly contentBytes: number;
  readonly path: string;
}

/** How a push went locally. */
export interface Settled {
  readonly files: number;
  readonly bytes: number;
  readonly skipped: readonly Skipped[];
  /** Files that changed while they were read: another push is due. */
  readonly unstable: readonly string[];
}

interface Sending extends ArchiveOf {
  chunks: Generator<Buffer> | undefined;
}

const MANIFEST_FILES = 200;

/**
 * Everything that reads the local tree and keeps the index, for one root: scan, plan, pack, settle. Synchronous, so it
 * lives in a worker; `engine.ts` talks with the sandbox.
 */
export class Core {
  readonly #options: CoreOptions;
  #rules: Rules;
  readonly copies: Copies;
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
    this.copies = new Copies(options.storageDir, this.#rules.root, options.remoteRoot);
  }

  /** Reads the tree and plans a push. */
  prepare(request: PrepareRequest): Prepared {
    const { copy, plan, found } = this.#look(request);
    this.#prepared.set(request.sandboxId, { request, plan });
    this.#sending.delete(request.sandboxId);
    return describe(copy, plan, found, this.copies.approvedBytes);
  }

  /** The same for somebody who only wants to know: a push that is under way goes on with its own plan. */
  survey(request: PrepareRequest): Prepared {
    const { copy, plan, found } = this.#look(request);
    return describe(copy, plan, found, this.copies.approvedBytes);
  }

  #look(request: PrepareRequest): { copy: Copy; plan: Plan; found: Scan } {
    this.#rules = new Rules(this.#options.root, this.#options.rules);
    const copy = this.copies.get(request.sandboxId, request.fresh);
    const paths = scopeOf(request, copy);
    const { holding } = copy;
    const options = { holding, checkpoint: this.#checkpoint };
    const found = paths
      ? scan(this.#rules, { ...options, paths })
      : this.#ahead.during(this.#rules.root, holding, (ahead) => scan(this.#rules, { ...options, ahead }));
    return { copy, plan: adjust(makePlan(holding, found), holding, request), found };
  }

  /** Begins the archive of what was prepared. */
  open(sandboxId: string): Opened {
    const prepared = this.#prepared.get(sandboxId);
    if (!prepared) throw new Error('nothing was prepared');
    const { request, plan } = prepared;
    const copy = this.copies.get(request.sandboxId, request.fresh);
    copy.sequence += 1;
    const next = `${String(copy.sequence).padStart(8, '0')}.${randomBytes(6).toString('hex')}`;
    const full = copy.generation === 'none' || copy.sequence % MANIFEST_FILES === 0;
    const packer = new Packer(plan.putBytes + plan.puts.length * 1024);
    const sending: Sending = { next, full, plan, packer, chunks: undefined };
    sending.chunks = archiveOf(this.#rules.root, sending, copy.holding);
    this.#sending.set(sandboxId, sending);
    const accept = [copy.generation, ...copy.unsettled.flatMap((generation) => [generation, `dirty.${generation}`])];
    copy.unsettled.push(next);
    const neededKiB =
      plan.putBytes > 16 * 1024 * 1024 ? Math.ceil((plan.putBytes * 1.1) / 1024) + plan.puts.length * 4 : 0;
    return { next, accept, neededKiB };
  }

  /**
   * The next piece of the archive that leads to a generation. The reader of an archive that was given up may still ask,
   * and must not be handed a piece of the one after it.
   */
  next(sandboxId: string, generation: string, compression: Compression): Chunk {
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
  commit(sandboxId: string): Settled {
    const { next, full, plan, packer } = this.#current(sandboxId);
    const copy = this.copies.get(sandboxId, false);
    for (const path of [...plan.deletes, ...plan.emptied, ...plan.released]) copy.holding.delete(path);
    for (const entry of pulledIn(copy.holding)) copy.holding.set({ ...entry, pulled: false });
    for (const entry of [...plan.refreshed, ...packer.packed.sent]) {
      copy.holding.set(entry);
      copy.changedThere.delete(entry.path);
    }
    for (const path of plan.deletes) copy.changedThere.delete(path);
    copy.generation = next;
    copy.unsettled = [];
    this.#sending.delete(sandboxId);
    this.copies.save(sandboxId);
    if (full && plan.putBytes > (this.copies.approvedBytes ?? -1)) this.copies.approve(plan.putBytes);
    return this.#settled(packer.packed);
  }

  /** Nothing was to be sent and the sandbox is known to be there: what was learned of the local files is kept. */
  confirm(sandboxId: string): void {
    const prepared = this.#prepared.get(sandboxId);
    if (!prepared) return;
    const { request, plan } = prepared;
    if (plan.refreshed.length === 0 && plan.released.length === 0) return;
    const copy = this.copies.get(request.sandboxId, request.fresh);
    for (const entry of plan.refreshed) copy.holding.set(entry);
    this.copies.save(request.sandboxId);
  }

  /** Whether the sandbox took the archive in is not known: whatever was in it is in doubt. */
  abandon(sandboxId: string): void {
    const sending = this.#sending.get(sandboxId);
    if (!sending) return;
    const { holding } = this.copies.get(sandboxId, false);
    for (const entry of sending.plan.puts) {
      const sent = holding.get(entry.path);
      if (sent) holding.set({ ...sent, unsure: true, perhaps: [...(sent.perhaps ?? []), entry.kind] });
      else holding.set({ ...entry, hash: '', racy: false, unsure: true });
    }
    // What was let go of has left the sandbox's manifest, perhaps: it counts as held only once it was sent again.
    for (const path of [...sending.plan.deletes, ...sending.plan.emptied, ...sending.plan.released]) {
      const sent = holding.get(path);
      if (sent) holding.set({ ...sent, unsure: true });
    }
    this.#sending.delete(sandboxId);
  }

  /** The sandbox did not begin with the archive: all is as before. */
  withdraw(sandboxId: string): void {
    const sending = this.#sending.get(sandboxId);
    if (!sending) return;
    const copy = this.copies.get(sandboxId, false);
    copy.unsettled = copy.unsettled.filter((generation) => generation !== sending.next);
    this.#sending.delete(sandboxId);
  }

  /** The sandbox is at a generation that some other index describes. */
  adopt(sandboxId: string, generation: string): boolean {
    return this.copies.adopt(sandboxId, generation);
  }

  /** The sandbox has nothing of ours. */
  reset(sandboxId: string): void {
    this.copies.replace(sandboxId, undefined);
  }

  /** Takes in a sandbox's own account of what it holds. Undefined when that is not whole. */
  async reconcile(sandboxId: string, output: Uint8Array): Promise<RemoteChanges | undefined> {
    const listing = await readListing(Buffer.from(output));
    if (!listing) return undefined;
    const old = this.copies.get(sandboxId, false);
    const done = reconcile(listing, old.holding, this.#rules);
    // A folder that is not ours, or whose manifest is lost: everything is sent over it.
    const holding = done?.holding ?? new Holding();
    const sequence = Math.max(old.sequence, sequenceOf(listing.generation));
    const copy = this.copies.replace(sandboxId, { generation: done ? listing.generation : 'none', sequence, holding });
    if (!done && listing.generation !== 'none')
      copy.unsettled.push(unfinishedIn(listing.generation) ?? listing.generation);
    for (const path of done?.changes.modified ?? []) copy.changedThere.add(path);
    return done?.changes ?? { modified: [], created: [...listing.paths.keys()], deleted: [] };
  }

  /** Names of folders that a list of the sandbox passes over, as nothing of ours is in one. */
  passedOver(sandboxId: string): string[] {
    const { holding } = this.copies.get(sandboxId, false);
    const used = new Set(
      [...foldersOf(holding.entries.keys())].map((folder) => folder.slice(folder.lastIndexOf('/') + 1)),
    );
    return ['node_modules', '.venv', '__pycache__', '.git'].filter((name) => !used.has(name));
  }

  /** Whether the last list of changes was taken in. */
  wasListed(sandboxId: string): boolean {
    return this.copies.get(sandboxId, false).listed;
  }

  /** Takes in a list of what is newer in the sandbox. Undefined when it is not whole, `drift` at another generation. */
  async changes(sandboxId: string, output: Uint8Array): Promise<RemoteChanges | 'drift' | undefined> {
    const listing = await readListing(Buffer.from(output));
    if (!listing) return undefined;
    const copy = this.copies.get(sandboxId, false);
    if (listing.generation !== copy.generation) return 'drift';
    const changes = findChanges(listing, copy.holding, this.#rules);
    for (const path of [...changes.modified, ...changes.deleted]) {
      const sent = copy.holding.get(path) as Sent;
      copy.holding.set({ ...sent, unsure: true });
      copy.changedThere.add(path);
    }
    // The marks must outlive this process before the sandbox forgets the times.
    this.copies.save(sandboxId);
    copy.listed = true;
    return { ...changes, modified: [...copy.changedThere].filter((path) => !changes.deleted.includes(path)) };
  }

  /** Nothing of the sandbox's below this path is ours any more. */
  forget(sandboxId: string, folder: string): void {
    const { holding } = this.copies.get(sandboxId, false);
    for (const path of [...holding.entries.keys()]) if (path.startsWith(`${folder}/`)) holding.delete(path);
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

  #settled({ files, bytes, skipped, sent }: Packed): Settled {
    return { files, bytes, skipped, unstable: sent.filter(({ unsure }) => unsure).map(({ path }) => path) };
  }
}

/**
 * The paths that a scan may be limited to. None for a first sync, since a changed rule may concern any part of the tree,
 * and after a push whose end is not known: what that one put, deleted or let go of may lie anywhere, and a push that
 * succeeds calls all of it settled.
 */
function scopeOf({ paths }: PrepareRequest, copy: Copy): readonly string[] | undefined {
  return copy.generation !== 'none' && isSettled(copy) && !paths?.some(changesRules) ? paths : undefined;
}
