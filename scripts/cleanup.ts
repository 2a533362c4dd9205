/** What has to be undone before this process ends, however it ends: by itself, by a signal, or because its parent died. */
import { say, sentence } from './say.ts';

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
 * Registers `undo` to run when the process ends. Returns a function that runs it now instead; calling that twice is
 * harmless.
 */
export function beforeExit(undo: Undo): () => Promise<void> {
  watchForTheEnd();
  const entry: Pending = { undo };
  pending.add(entry);
  return () => run(entry);
}

/** Runs once, however often it is called; the process does not end while it runs. */
function run(entry: Pending): Promise<void> {
  entry.running ??= Promise.resolve()
    .then(entry.undo)
    .finally(() => pending.delete(entry));
  return entry.running;
}

/** Runs everything registered, last registered first. Never throws; what fails is said on stderr. */
async function cleanUp(): Promise<void> {
  const timer = setTimeout(() => {
    say(`Cleaning up took longer than ${CLEANUP_TIMEOUT_MS / 1000} s; leaving anyway.`);
    process.exit(1);
  }, CLEANUP_TIMEOUT_MS);
  // What is under way may register more while the rest is undone.
  for (let entry = [...pending].at(-1); entry !== undefined; entry = [...pending].at(-1)) {
    await run(entry).catch((error: unknown) => say(`While cleaning up: ${sentence(error)}`));
  }
  clearTimeout(timer);
}

let ending: Promise<never> | undefined;

/**
 * Cleans up, then ends the process with `code`. Cleaning up makes what still runs fail, so that others call this too:
 * the first code counts.
 */
export function exit(code: number): Promise<never> {
  ending ??= cleanUp().then(() => process.exit(code));
  return ending;
}

/** Whether the process is about to end; nothing new may be started then. */
export function isEnding(): boolean {
  return ending !== undefined;
}

/** Ends the process with 1 after saying why; a failure that ending itself has caused is not worth saying. */
export function fail(error: unknown): Promise<never> {
  if (!ending) say(sentence(error));
  return exit(1);
}

function watchForTheEnd(): void {
  if (watching) return;
  watching = true;
  for (const [signal, number] of Object.entries(SIGNAL_NUMBERS)) {
    // A second signal changes nothing: without a listener it would end the process in the middle of cleaning up.
    process.on(signal, () => void exit(128 + number));
  }
  // A parent that is killed outright tells nobody; without this its VS Code would live on.
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) void exit(1);
  }, PARENT_CHECK_INTERVAL_MS).unref();
}
