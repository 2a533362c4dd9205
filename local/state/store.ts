/**
 * The state that survives a restart, in one JSON file. A new version is written next to the file, synced, and renamed, so
 * that a kill at any moment leaves either the old state or the new one. Handlers change `state` and await `save()` before
 * they reply.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const seconds = z.number();

const EnvironmentSchema = z.object({ id: z.string(), name: z.string(), createdAt: seconds });
const AppSchema = z.object({
  id: z.string(),
  name: z.string(),
  environment: z.string(),
  createdAt: seconds,
  stoppedAt: seconds.optional(),
});
const SecretSchema = z.object({
  id: z.string(),
  name: z.string(),
  environment: z.string(),
  env: z.record(z.string(), z.string()),
  createdAt: seconds,
});
const ImageSchema = z.object({
  id: z.string(),
  kind: z.enum(['built', 'filesystem', 'directory']),
  /** A hash of what the layer was built from, for the cache. See `images.ts`. */
  key: z.string().optional(),
  /** The names of layer folders, lowest first. */
  layers: z.array(z.string()),
  env: z.record(z.string(), z.string()),
  workdir: z.string().optional(),
  user: z.string().optional(),
  builderVersion: z.string(),
  createdAt: seconds,
  expiresAt: seconds.optional(),
  /** The SHA-256 of the customer's encryption key, which is required to mount the image. */
  keyDigest: z.string().optional(),
});
const ImageTagSchema = z.object({
  environment: z.string(),
  /** `name:tag` */
  tag: z.string(),
  createdAt: seconds,
  updatedAt: seconds,
  /** The images published under the name, latest first. */
  revisions: z.array(z.object({ imageId: z.string(), revisionId: z.string(), createdAt: seconds })),
});
const VolumeSchema = z.object({
  id: z.string(),
  /** Undefined for an ephemeral volume. */
  name: z.string().optional(),
  environment: z.string(),
  version: z.union([z.literal(1), z.literal(2)]),
  createdAt: seconds,
  /** The name of the folder with the committed files. See `volume-store.ts`. */
  current: z.string(),
});
const EndResultSchema = z.object({ status: z.number(), exitcode: z.number(), exception: z.string() });
const SandboxSchema = z.object({
  id: z.string(),
  taskId: z.string(),
  version: z.union([z.literal(1), z.literal(2)]),
  appId: z.string(),
  environment: z.string(),
  name: z.string().optional(),
  tags: z.record(z.string(), z.string()),
  imageId: z.string(),
  createdAt: seconds,
  startedAt: seconds.optional(),
  finishedAt: seconds.optional(),
  readyAt: seconds.optional(),
  result: EndResultSchema.optional(),
  timeoutSecs: z.number(),
  idleTimeoutSecs: z.number().optional(),
  regions: z.array(z.string()),
  gpuType: z.string(),
  milliCpu: z.number(),
  memoryMb: z.number(),
  /** It's saved as an image when it stops. */
  hasExitSnapshot: z.boolean().default(false),
  exitSnapshotId: z.string().optional(),
});

const byId = <Item extends z.ZodType>(item: Item) => z.record(z.string(), item).default({});

const StateSchema = z.object({
  /** The key that signs tokens. */
  signingKey: z.string(),
  environments: byId(EnvironmentSchema),
  apps: byId(AppSchema),
  secrets: byId(SecretSchema),
  images: byId(ImageSchema),
  /** By environment and tag. See `image-names.ts`. */
  imageTags: byId(ImageTagSchema),
  volumes: byId(VolumeSchema),
  sandboxes: byId(SandboxSchema),
});

export type State = z.infer<typeof StateSchema>;
export type EnvironmentRecord = z.infer<typeof EnvironmentSchema>;
export type AppRecord = z.infer<typeof AppSchema>;
export type SecretRecord = z.infer<typeof SecretSchema>;
export type ImageRecord = z.infer<typeof ImageSchema>;
export type ImageTagRecord = z.infer<typeof ImageTagSchema>;
export type VolumeRecord = z.infer<typeof VolumeSchema>;
export type SandboxRecord = z.infer<typeof SandboxSchema>;
export type EndResult = z.infer<typeof EndResultSchema>;

/** Returns the time in Modal's format: seconds since 1970, with a fraction. */
export const nowSecs = () => Date.now() / 1000;

export class Store {
  readonly state: State;
  readonly #folder: string;
  #writing: Promise<void> = Promise.resolve();
  #queued: Promise<void> | undefined;

  private constructor(folder: string, state: State) {
    this.#folder = folder;
    this.state = state;
  }

  /** Reads the state in `folder`, or creates it. Throws if the file exists but isn't valid. */
  static async open(folder: string, signingKey: () => string): Promise<Store> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = join(folder, 'state.json');
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) return new Store(folder, StateSchema.parse({ signingKey: signingKey() }));
    const parsed = StateSchema.safeParse(JSON.parse(text));
    if (!parsed.success)
      throw new Error(`${file} is not a valid Local Modal state file: ${z.prettifyError(parsed.error)}`);
    return new Store(folder, parsed.data);
  }

  /** Resolves when every change made before the call is on disk. Calls during a write share the next one. */
  save(): Promise<void> {
    this.#queued ??= this.#writing.then(() => {
      this.#queued = undefined;
      this.#writing = this.#write();
      return this.#writing;
    });
    return this.#queued;
  }

  async #write(): Promise<void> {
    const file = join(this.#folder, 'state.json');
    const handle = await open(`${file}.new`, 'w', 0o600);
    try {
      await handle.writeFile(JSON.stringify(this.state));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${file}.new`, file);
    const folder = await open(this.#folder, 'r');
    await folder.sync().finally(() => folder.close());
  }
}
