/** A workspace folder on this machine. */
export interface Folder {
  readonly name: string;
  /** What is synced. */
  readonly path: string;
}
