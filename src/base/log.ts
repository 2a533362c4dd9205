/** Where the extension notes what went on; nothing secret is ever written here. */
export interface Log {
  info(message: string): void;
  error(message: string): void;
}

let log: Log = { info: () => {}, error: () => {} };

/** Sends the notes somewhere: to VS Code's output channel, or to a test. Before, they are dropped. */
export function setLog(target: Log): void {
  log = target;
}

export function logInfo(message: string): void {
  log.info(message);
}

/** Notes an error with everything that the sentence for people leaves out. */
export function logError(error: unknown): void {
  log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
