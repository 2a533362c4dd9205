import { randomUUID } from 'node:crypto';
import type { ModalClient } from 'modal';
import { z } from 'zod';
import { isNotFound } from '../modal/errors.ts';
import { contentOf, readAll } from '../modal/remote-files.ts';
import { volumeFiles } from '../modal/volume-files.ts';

/**
 * What is known of snapshots beside their images: Modal keeps neither names nor reasons with an image, and has no list of
 * images. The records are files of a volume of the account, so that every machine sees them. Published names alone would
 * not do (64 characters), and Modal's dictionaries forget what is not used for a week.
 *
 * Each change is a file of its own, `ID~KIND~TIME~RANDOM.json`, which is never written again: so no window overwrites
 * what another one wrote, and what was read once need not be read again. Of each kind the latest counts.
 */
export const RECORDS_VOLUME = 'vscode-snapshots';

const MOST_RECORD_BYTES = 64 * 1024;
const PARALLEL_READS = 8;

const milliseconds = z.number();
const imageFacts = {
  imageId: z.string(),
  /** When Modal deletes the image; null: never. */
  expiresAt: milliseconds.nullable(),
};
const CreatedSchema = z.object({
  kind: z.enum(['filesystem', 'directory']),
  /** Of a directory. */
  path: z.string().optional(),
  name: z.string(),
  createdAt: milliseconds,
  ...imageFacts,
  /** The folder it was made for, as in the tags of its sandbox. */
  folderKey: z.string().optional(),
  folderName: z.string().optional(),
  profile: z.string().optional(),
  /** The snapshot that its sandbox was started from. */
  parent: z.string().optional(),
  sizeBytes: z.number().optional(),
});
const NameSchema = z.object({ name: z.string() });
const ImageSchema = z.object(imageFacts);

const SCHEMAS = { created: CreatedSchema, name: NameSchema, image: ImageSchema };
type Kind = keyof typeof SCHEMAS;

export type SnapshotFacts = z.infer<typeof CreatedSchema>;

/** A snapshot as it is recorded. */
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
  /** Contents by file; undefined for one that cannot be used. */
  readonly #read = new Map<string, unknown>();

  constructor(client: () => Promise<ModalClient>, now: () => number = Date.now) {
    this.#client = client;
    this.#now = now;
  }

  /** All records, in the order of their making. Asks for one list and for the files that are not known yet. */
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

  /** Throws the SDK's errors, as all below. */
  add(id: string, facts: SnapshotFacts): Promise<void> {
    return this.#write(id, 'created', facts);
  }

  rename(id: string, name: string): Promise<void> {
    return this.#write(id, 'name', { name });
  }

  setImage(id: string, imageId: string, expiresAt: number | null): Promise<void> {
    return this.#write(id, 'image', { imageId, expiresAt });
  }

  /** Forgets a snapshot. */
  async remove(id: string): Promise<void> {
    const files = volumeFiles(this.#client, RECORDS_VOLUME);
    const own = (await this.#changes()).filter((change) => change.id === id);
    // The first of all last: until it is gone the rest of them is found again.
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

  /** What has been written, the oldest first. Nothing where no snapshot was ever made. */
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
    const waiting = changes.filter(({ file }) => !this.#read.has(file));
    const worker = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const { file, kind } = next;
        const text = await readAll(files, `/${file}`, MOST_RECORD_BYTES).catch((error: unknown) => {
          // Removed since it was listed, by whoever deleted the snapshot.
          if (isNotFound(error)) return undefined;
          throw error;
        });
        if (text !== undefined) this.#read.set(file, parse(kind, String(text)));
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_READS }, worker));
  }
}

const order = ({ kind }: ChangeFile) => (kind === 'created' ? 0 : 1);

/** Undefined for what a person or a later version has put there. */
function parse(kind: Kind, text: string): unknown {
  try {
    return SCHEMAS[kind].safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
