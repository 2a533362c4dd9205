import { z } from 'zod';
import type { ImageStore, StoredImage } from './build-context.ts';

/** The number of images remembered on this computer. */
const MAX_IMAGES = 100;

const ImagesSchema = z
  .record(z.string(), z.object({ imageId: z.string(), usableUntilMs: z.number().optional() }))
  .catch({});

/** Where images are remembered. */
export interface ImageMemory {
  read(): unknown;
  write(images: Readonly<Record<string, StoredImage>>): void;
}

/** Remembers images on this computer, except the oldest ones. */
export class StoredImages implements ImageStore {
  readonly #memory: ImageMemory;

  constructor(memory: ImageMemory) {
    this.#memory = memory;
  }

  get(key: string): StoredImage | undefined {
    return this.#all()[key];
  }

  set(key: string, image: StoredImage | undefined): void {
    const others = Object.entries(this.#all()).filter(([other]) => other !== key);
    const kept = image === undefined ? others : [...others, [key, image] as const];
    this.#memory.write(Object.fromEntries(kept.slice(-MAX_IMAGES)));
  }

  #all(): Readonly<Record<string, StoredImage>> {
    return ImagesSchema.parse(this.#memory.read());
  }
}
