import { untilAborted } from '../base/cancellation.ts';
import { AccountError } from '../modal/accounts.ts';
import { runningSandboxes } from '../modal/sandbox-list.ts';
import { Tag } from '../modal/sandboxes.ts';
import { endSandbox } from '../modal/start-notes.ts';
import type { LeftRunning } from './ledger.ts';
import { machineKey } from './sandbox-origin.ts';
import type { SandboxStarter } from './sandbox-starter.ts';
import type { Sessions } from './sessions.ts';

/** The maximum time for each part. Whatever takes longer is tried again later. */
const TIMEOUT_MS = 20_000;

export interface StopAllDependencies {
  readonly starter: SandboxStarter;
  readonly sessions: Pick<Sessions, 'terminateAll'>;
  /** Stops warm-ups in all windows on this computer. */
  stopWarmUps(): Promise<void>;
}

export interface StopReport {
  /** The number of sandboxes that were stopped. */
  readonly stopped: number;
  /** Sandboxes that may still be running. */
  readonly left: readonly LeftRunning[];
  /** Why Modal couldn't be asked whether there are others. */
  readonly error?: unknown;
}

/**
 * Stops warm-ups and all sandboxes that were started from this computer, in all windows and accounts. What can be done without
 * a connection comes first. Never waits for long, and never throws.
 */
export async function stopAll({ starter, sessions, stopWarmUps }: StopAllDependencies): Promise<StopReport> {
  const stopped = new Set<string>();
  const subscription = starter.onDidEnd((sandboxId) => stopped.add(sandboxId));
  try {
    const [, , ends, tagged] = await Promise.allSettled([
      limited(stopWarmUps()),
      limited(sessions.terminateAll()),
      limited(starter.endings?.endAll() ?? Promise.resolve([])),
      limited(endTagged(starter)),
    ]);
    const error = tagged.status === 'rejected' ? tagged.reason : undefined;
    const left = ends.status === 'fulfilled' ? ends.value : [];
    return {
      stopped: stopped.size,
      left: left.filter(({ entry: { sandboxId } }) => !sandboxId || !stopped.has(sandboxId)),
      ...(error !== undefined && !(error instanceof AccountError) && { error }),
    };
  } finally {
    subscription.dispose();
  }
}

/** Ends the sandboxes of this computer that the account in use lists. */
async function endTagged(starter: SandboxStarter): Promise<void> {
  const { client, app } = await starter.connection();
  const running = await runningSandboxes(client, app, { [Tag.machine]: machineKey() });
  await Promise.all(
    running.map(async ({ id }) => {
      if (await endSandbox(client, await client.sandboxes.fromId(id))) await starter.noteEnd(id, 'requested');
    }),
  );
}

function limited<T>(work: Promise<T>): Promise<T> {
  return untilAborted(work, AbortSignal.timeout(TIMEOUT_MS));
}
