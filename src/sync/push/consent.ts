/** Below this size, a folder that the user has approved can grow without another question. */
const MIN_QUESTION_BYTES = 200_000_000;

/** What the user has answered about sending one folder to one account. Only answers that the user gave are remembered. */
export interface SyncConsent {
  /** Nothing leaves this computer, so that the first sync needs no approval. */
  readonly isLocal: boolean;
  /** Returns the size of the folder when the user approved sending it; undefined if they haven't. */
  approvedBytes(): Promise<number | undefined>;
  approve(bytes: number): Promise<void>;
  /** Returns the answers about files that look like credentials and that the folder's own rules include, by path. */
  credentials(): Promise<ReadonlyMap<string, boolean>>;
  answerCredentials(paths: readonly string[], isAllowed: boolean): Promise<void>;
}

/** Returns true if an approval covers this size: up to 200 MB, or twice the size that was approved. */
export function isWithinApproval(bytes: number, approvedBytes: number): boolean {
  return bytes <= Math.max(2 * approvedBytes, MIN_QUESTION_BYTES);
}

/** Returns a consent that remembers nothing. */
export function withoutMemory(isLocal: boolean): SyncConsent {
  return {
    isLocal,
    approvedBytes: async () => undefined,
    approve: async () => {},
    credentials: async () => new Map(),
    answerCredentials: async () => {},
  };
}
