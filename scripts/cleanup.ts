/** Cleanup that runs before this process exits: normally, because of a signal, or because its parent died. */
import { messageOf, say } from './say.ts';

type Undo = () => void | Promise<void>;

interface Pending {
  readonly undo: Undo;
  running?: Promise<void>;
}

const pending = new Set<Pending>();
const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
const CLEANUP_TIMEOUT_MS = 15_000;
const PARENT_CHECK_INTERVAL_MS = 1_000;
let watching = false;

/**
 * Registers `undo` to run before the process exits. Returns a function that runs it now instead, which can be called more
 * than once.
 */
export function beforeExit(undo: Undo): () => Promise<void> {
  watchForExit();
  const entry: Pending = { undo };
  pending.add(entry);
  return () => run(entry);
}

/** Runs an entry only once. The process doesn't exit while it is running. */
function run(entry: Pending): Promise<void> {
  entry.running ??= Promise.resolve()
    .then(entry.undo)
    .finally(() => pending.delete(entry));
  return entry.running;
}

/** Runs all entries, last registered first. Never throws; failures are printed to stderr. */
async function cleanUp(): Promise<void> {
  const timer = setTimeout(() => {
    say(`Cleanup took longer than ${CLEANUP_TIMEOUT_MS / 1000} s. Exiting anyway.`);
    process.exit(1);
  }, CLEANUP_TIMEOUT_MS);
  // Work in progress may register more entries meanwhile.
  for (let entry = [...pending].at(-1); entry !== undefined; entry = [...pending].at(-1)) {
    await run(entry).catch((error: unknown) => say(`Cleanup failed: ${messageOf(error)}`));
  }
  clearTimeout(timer);
}

let exiting: Promise<never> | undefined;

/**
 * Cleans up, and then exits with `code`. Cleanup makes running work fail, which may call this again. The first code counts.
 */
export function exit(code: number): Promise<never> {
  exiting ??= cleanUp().then(() => process.exit(code));
  return exiting;
}

/** Returns true if the process is about to exit. Nothing new may be started then. */
export function isExiting(): boolean {
  return exiting !== undefined;
}

/** Prints an error, and exits with 1. Errors after the exit has begun are caused by it, and aren't printed. */
export function fail(error: unknown): Promise<never> {
  if (!exiting) say(messageOf(error));
  return exit(1);
}

function watchForExit(): void {
  if (watching) return;
  watching = true;
  for (const [signal, number] of Object.entries(SIGNAL_NUMBERS)) {
    // Later signals have no effect. Without a listener, they would interrupt the cleanup.
    process.on(signal, () => void exit(128 + number));
  }
  // Nothing reports that the parent was killed. Without this check, its VS Code would keep running.
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) void exit(1);
  }, PARENT_CHECK_INTERVAL_MS).unref();
}
