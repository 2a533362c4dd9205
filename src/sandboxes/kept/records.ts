import { z } from 'zod';
import { logError } from '../../base/log.ts';
import type { MachineState } from '../machine-state.ts';

const SavedSchema = z.object({
  imageId: z.string(),
  /** Milliseconds since 1970. */
  savedAt: z.number(),
});

const KeptSchema = z.object({
  sandboxId: z.string(),
  /** The ID of its start, by which Modal lists it. */
  startId: z.string(),
  /** The window that uses it, or used it last. */
  windowId: z.string(),
  /** Tells accounts apart without being a secret. */
  accountId: z.string(),
  appId: z.string(),
  folderPath: z.string(),
  profile: z.string(),
  /** The profile's definition as it was used, without what the user has refused. */
  definition: z.string(),
  /** The image of the profile at the time of the start. Absent if it started from a snapshot that the user selected. */
  imageId: z.string().optional(),
  /** Milliseconds since 1970. */
  startedAt: z.number(),
  keepDays: z.number(),
  /** Modal saves its files when it ends. */
  hasExitSnapshot: z.boolean(),
  /** Its files, once they are saved. */
  saved: SavedSchema.optional(),
  /** The files it was started with, until its own are saved. */
  before: SavedSchema.optional(),
  /** The tags that the user gave it. */
  tags: z.record(z.string(), z.string()).default({}),
  /** The user started afresh. */
  isDiscarded: z.boolean().default(false),
});

/** Files of a sandbox that has ended. */
export type SavedFiles = z.infer<typeof SavedSchema>;

/** A sandbox whose files are kept when it ends, and what is known about them. */
export type KeptSandbox = z.infer<typeof KeptSchema>;

const FOLDER = 'kept';

/** The sandboxes on this computer whose files are kept: one file for each. */
export class KeptRecords {
  readonly #machine: MachineState;
  #changing: Promise<unknown> = Promise.resolve();

  constructor(machine: MachineState) {
    this.#machine = machine;
  }

  /** Returns all records, the latest start first. */
  async all(): Promise<KeptSandbox[]> {
    const names = await this.#machine.list(FOLDER);
    const read = await Promise.all(names.map((name) => this.#machine.read(`${FOLDER}/${name}`, KeptSchema)));
    return read.filter((kept) => kept !== undefined).sort((one, other) => other.startedAt - one.startedAt);
  }

  async find(sandboxId: string): Promise<KeptSandbox | undefined> {
    return this.#machine.read(fileOf(sandboxId), KeptSchema);
  }

  async write(kept: KeptSandbox): Promise<void> {
    await this.#machine.write(fileOf(kept.sandboxId), kept);
  }

  /** Changes a record, if it exists. Changes happen one after another. Resolves with the record. */
  change(sandboxId: string, change: Partial<KeptSandbox>): Promise<KeptSandbox | undefined> {
    const changing = this.#changing.then(async () => {
      const before = await this.find(sandboxId);
      if (!before) return undefined;
      const after = { ...before, ...change };
      await this.write(after);
      return after;
    });
    this.#changing = changing.catch(logError);
    return changing;
  }

  async remove({ sandboxId }: Pick<KeptSandbox, 'sandboxId'>): Promise<void> {
    await this.#machine.remove(fileOf(sandboxId));
  }
}

/** IDs are Modal's, so they aren't taken for paths. */
function fileOf(sandboxId: string): string {
  return `${FOLDER}/${encodeURIComponent(sandboxId)}.json`;
}
