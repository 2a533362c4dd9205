import type { App, Image, ModalClient } from 'modal';
import type { SendsFile } from '../sync/rules/credentials.ts';

/** An image that was built earlier. */
export interface StoredImage {
  readonly imageId: string;
  /** `Date.now()` from which it must be rebuilt, because one of its layers expires. Absent if none does. */
  readonly usableUntilMs?: number | undefined;
}

/** Remembers images by their recipe, for all accounts on this computer. */
export interface ImageStore {
  get(key: string): StoredImage | undefined;
  set(key: string, image: StoredImage | undefined): void;
}

export interface BuildContext {
  readonly client: ModalClient;
  readonly app: App;
  /** The folder that relative paths in the profile refer to. */
  readonly folderPath: string;
  /** Builds on Local Modal, which uses the programs installed on this computer. */
  readonly isLocal: boolean;
  /** Decides about files that look like credentials. Defaults to `sendsIfNamed`. */
  readonly sends?: SendsFile;
  /** Values of `image.buildSecrets` by name. */
  readonly variables: Readonly<Record<string, string>>;
  /** Images built by earlier windows. */
  readonly store?: ImageStore;
  /** Rebuild every layer. */
  readonly force?: boolean;
  readonly signal?: AbortSignal;
  /** Receives Modal's build log as it streams, with a heading for each layer. Existing layers aren't mentioned. */
  readonly onLog?: (text: string) => void;
  /** Called when a layer begins. The first has index 1. Layers that Modal already has pass at once. */
  readonly onProgress?: (step: { index: number; count: number; title: string }) => void;
}

/** An image, and how long it can be used. */
export interface BuiltImage extends Omit<StoredImage, 'imageId'> {
  readonly image: Image;
}
