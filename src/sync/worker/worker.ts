/** The thread that reads the local tree, one for each engine: answers the calls of `worker-client.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { PullReceiver } from '../pull/pull-receiver.ts';
import { Core, type CoreOptions } from './core.ts';

export interface WorkerData {
  readonly options: CoreOptions;
  /** The number of the last call that is not wanted any more. */
  readonly cancelled: SharedArrayBuffer;
}

export interface Call {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

export type Answer =
  | { readonly id: number; readonly value: unknown }
  | {
      readonly id: number;
      readonly error: { readonly message: string; readonly code?: string | undefined; readonly isCancelled: boolean };
    }
  | { readonly id: number; readonly files: number };

const PROGRESS_MS = 100;
const { options, cancelled } = workerData as WorkerData;
// Only the very call that was cancelled ends: those before it may be another sandbox's, such as the end of a push.
const cancelledCall = new Int32Array(cancelled);
const port = parentPort;
let core: Core | undefined;
let receiver: PullReceiver | undefined;
let current = 0;
let toldAt = 0;

class Cancelled extends Error {}

function checkpoint(files: number): void {
  if (Atomics.load(cancelledCall, 0) === current) throw new Cancelled('cancelled');
  const now = performance.now();
  if (now - toldAt < PROGRESS_MS) return;
  toldAt = now;
  port?.postMessage({ id: current, files } satisfies Answer);
}

/** Made at the first call, so that a root that is not there is that call's error; kept for the calls after it. */
function theCore(): Core {
  core ??= new Core(options, checkpoint);
  return core;
}

/** The receiver belongs to this thread, since it asks the core about each path. */
function theReceiver(): PullReceiver {
  receiver ??= new PullReceiver(theCore());
  return receiver;
}

/** Calls are answered one after the other, though some await. */
let queue = Promise.resolve();

port?.on('message', (call: Call) => {
  queue = queue.then(() => answer(call));
});

async function answer({ id, method, args }: Call): Promise<void> {
  current = id;
  try {
    checkpoint(0);
    const target = method.startsWith('receive') ? theReceiver() : theCore();
    const value: unknown = await (target as unknown as Record<string, (...args: readonly unknown[]) => unknown>)[
      method
    ]?.(...args);
    const bytes = (value as { bytes?: unknown } | undefined)?.bytes;
    const owned = bytes instanceof Uint8Array && bytes.byteOffset === 0 && bytes.length > 64 * 1024;
    port?.postMessage({ id, value } satisfies Answer, owned ? [bytes.buffer as ArrayBuffer] : []);
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    port?.postMessage({ id, error: { message, code, isCancelled: error instanceof Cancelled } } satisfies Answer);
  }
}
