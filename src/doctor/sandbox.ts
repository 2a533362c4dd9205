import { MINUTE_MS } from '../base/clock.ts';
import { formatDuration } from '../base/text.ts';
import { execWith } from '../modal/exec.ts';
import { ProfileSchema } from '../profiles/schema.ts';
import { type Finding, failed, passed, skipped } from './finding.ts';
import type { Sources } from './sources.ts';
import { strings } from './strings.ts';

/** A small sandbox that ends automatically if this computer can't end it. */
const LIFETIME_MS = 5 * MINUTE_MS;
const PROFILE = {
  image: 'python:3.13-slim',
  cpu: 0.125,
  memoryMiB: 128,
  timeoutMs: LIFETIME_MS,
  idleTimeoutMs: LIFETIME_MS,
  hostVolume: false,
};
const LIMITS = { maxBytes: 1024, timeoutMs: 30_000 };

/** Starts a sandbox, runs a command in it, and ends it. Throws the SDK's errors and the signal's reason. */
export async function checkSandbox({ starter }: Sources, signal: AbortSignal): Promise<Finding> {
  if (!starter) return skipped(strings.sandboxNotWanted());
  const times: string[] = [];
  let since = performance.now();
  const lap = () => {
    const now = performance.now();
    times.push(formatDuration(now - since));
    since = now;
  };
  const connection = await starter.connection();
  const named = { name: 'doctor', profile: ProfileSchema.parse(PROFILE), origin: 'user' as const };
  const sandbox = await starter.start(connection, named, { signal });
  lap();
  let hasEnded = false;
  try {
    await execWith(sandbox, ['true'], { ...LIMITS, signal });
    lap();
  } finally {
    hasEnded = await starter.letGo(sandbox);
  }
  lap();
  const [start = '', command = '', end = ''] = times;
  return hasEnded
    ? passed(strings.sandboxWorks(start, command, end))
    : failed(strings.sandboxLeft(sandbox.sandboxId), 'showSandboxes');
}
