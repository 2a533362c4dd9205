import { randomUUID } from 'node:crypto';
import type { ModalClient } from 'modal';
import { z } from 'zod';
import { eachLimited } from '../base/each-limited.ts';
import { isNotFound } from '../modal/errors.ts';
import { contentOf, readAll } from '../modal/remote-files.ts';
import { volumeFiles } from '../modal/volume-files.ts';

/**
 * The volume with the records of an account's snapshots. Modal doesn't store names or descriptions with an image and can't
 * list images, so they are files in a volume, which every computer can see. Published names are too short (64 characters),
 * and entries of Modal's dictionaries expire after a week without use.
 *
 * Each change is a separate file, `ID~KIND~TIME~RANDOM.json`, that is never rewritten: windows don't overwrite each other's
 * changes, and a file has to be read only once. The latest change of each kind wins.
 */
export const RECORDS_VOLUME = 'vscode-snapshots';

const MAX_RECORD_BYTES = 64 * 1024;
const MAX_PARALLEL_READS = 8;

const milliseconds = z.number();
const imageFacts = {
  imageId: z.string(),
  /** The time when Modal deletes the image; null means never. */
  expiresAt: milliseconds.nullable(),
};
const CreatedSchema = z.object({
  kind: z.enum(['filesystem', 'directory']),
  /** The directory, for a directory snapshot. */
  path: z.string().optional(),
  name: z.string(),
  createdAt: milliseconds,
  ...imageFacts,
  /** The folder it belongs to, from the tags of its sandbox. */
  folderKey: z.string().optional(),
  folderName: z.string().optional(),
  profile: z.string().optional(),
  /** The ID of the snapshot that its sandbox was started from, or of the save point that was taken of it before. */
  parent: z.string().optional(),
  sizeBytes: z.number().optional(),
  /** It is a save point, which the user or this extension has taken. */
  savePoint: z.enum(['manual', 'automatic']).optional(),
  /** The sandbox that a save point was taken of. */
  sandboxId: z.string().optional(),
});
const NameSchema = z.object({ name: z.string() });
const ImageSchema = z.object(imageFacts);

const SCHEMAS = { created: CreatedSchema, name: NameSchema, image: ImageSchema };
type Kind = keyof typeof SCHEMAS;

export type SnapshotFacts = z.infer<typeof CreatedSchema>;

export interface SnapshotRecord extends SnapshotFacts {
  readonly id: string;
}

interface ChangeFile {
  readonly file: string;
  readonly id: string;
  readonly kind: Kind;
  readonly at: number;
}

/** The records of an account's snapshots. */
export class SnapshotRecords {
  readonly #client: () => Promise<ModalClient>;
  readonly #now: () => number;
  /** Parsed contents by file name; undefined for an unusable file. */
  readonly #read = new Map<string, unknown>();

  constructor(client: () => Promise<ModalClient>, now: () => number = Date.now) {
    this.#client = client;
    this.#now = now;
  }

  /** Returns all records, oldest first. Lists the volume and reads the files that haven't been read yet. */
  async list(): Promise<SnapshotRecord[]> {
    const changes = await this.#changes();
    await this.#readNew(changes);
    const records = new Map<string, SnapshotRecord>();
    for (const { id, kind, file } of changes) {
      const facts = this.#read.get(file);
      if (facts === undefined) continue;
      const before = records.get(id);
      if (kind === 'created') records.set(id, { ...(facts as SnapshotFacts), id });
      else if (before) records.set(id, { ...before, ...(facts as Partial<SnapshotFacts>) });
    }
    return [...records.values()].sort((one, other) => one.createdAt - other.createdAt);
  }

  /** Adds a snapshot. Throws the SDK's errors, as all methods below. */
  add(id: string, facts: SnapshotFacts): Promise<void> {
    return this.#write(id, 'created', facts);
  }

  rename(id: string, name: string): Promise<void> {
    return this.#write(id, 'name', { name });
  }

  setImage(id: string, imageId: string, expiresAt: number | null): Promise<void> {
    return this.#write(id, 'image', { imageId, expiresAt });
  }

  /** Removes a snapshot's record. */
  async remove(id: string): Promise<void> {
    const files = volumeFiles(this.#client, RECORDS_VOLUME);
    const own = (await this.#changes()).filter((change) => change.id === id);
    // The `created` file is removed last: without it, the other changes would be ignored but never removed.
    for (const { file } of own.reverse()) {
      await files.remove(`/${file}`).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    }
  }

  async #write(id: string, kind: Kind, facts: object): Promise<void> {
    const client = await this.#client();
    await client.volumes.fromName(RECORDS_VOLUME, { createIfMissing: true, version: 2 });
    const file = `${id}~${kind}~${this.#now()}~${randomUUID().slice(0, 8)}.json`;
    const text = JSON.stringify(facts);
    await volumeFiles(this.#client, RECORDS_VOLUME).write(`/${file}`, contentOf(Buffer.from(text)));
  }

  /** Returns all changes, oldest first; empty if the account never had a snapshot. */
  async #changes(): Promise<ChangeFile[]> {
    try {
      const entries = await volumeFiles(this.#client, RECORDS_VOLUME).list('/');
      return entries
        .flatMap(({ name: file }) => {
          const [, id, kind, at] = /^([\w-]+)~(created|name|image)~(\d+)~\w+\.json$/.exec(file) ?? [];
          return id && kind ? [{ file, id, kind: kind as Kind, at: Number(at) }] : [];
        })
        .sort((one, other) => order(one) - order(other) || one.at - other.at || (one.file < other.file ? -1 : 1));
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  }

  async #readNew(changes: readonly ChangeFile[]): Promise<void> {
    const files = volumeFiles(this.#client, RECORDS_VOLUME);
    const unread = changes.filter(({ file }) => !this.#read.has(file));
    await eachLimited(unread, MAX_PARALLEL_READS, async ({ file, kind }) => {
      const text = await readAll(files, `/${file}`, MAX_RECORD_BYTES).catch((error: unknown) => {
        // The snapshot was deleted after the volume was listed.
        if (isNotFound(error)) return undefined;
        throw error;
      });
      if (text !== undefined) this.#read.set(file, parse(kind, String(text)));
    });
  }
}

const order = ({ kind }: ChangeFile) => (kind === 'created' ? 0 : 1);

/** Returns undefined for files that weren't written by this version. */
function parse(kind: Kind, text: string): unknown {
  try {
    return SCHEMAS[kind].safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
