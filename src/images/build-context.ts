import type { App, Image, ModalClient } from 'modal';

/** An image that was built. */
export interface KeptImage {
  readonly imageId: string;
  /** `Date.now()` from which on it is built anew, as a part of it does not last; absent when all of it does. */
  readonly usableUntilMs?: number | undefined;
}

/** Images by what they are made of; of one machine, for all accounts. */
export interface ImageStore {
  get(key: string): KeptImage | undefined;
  set(key: string, image: KeptImage | undefined): void;
}

export interface BuildContext {
  readonly client: ModalClient;
  readonly app: App;
  /** Where relative paths of the profile are. */
  readonly folderPath: string;
  /** The local Modal: its userland is this machine's own. */
  readonly isLocal: boolean;
  /** Values of `image.buildSecrets` by name. */
  readonly variables: Readonly<Record<string, string>>;
  /** Images of earlier windows. */
  readonly store?: ImageStore;
  /** Build all layers, whatever is known or kept of them. */
  readonly force?: boolean;
  readonly signal?: AbortSignal;
  /** Modal's build log as it streams, with a heading for each layer; of layers that are there already it says nothing. */
  readonly onLog?: (text: string) => void;
  /** A layer begins; the first has index 1. Layers that Modal has already pass at once. */
  readonly onProgress?: (step: { index: number; count: number; title: string }) => void;
}

/** An image with how long it can be used. */
export interface BuiltImage extends Omit<KeptImage, 'imageId'> {
  readonly image: Image;
}
