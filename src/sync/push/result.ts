import type { PushResult } from '../options.ts';
import type { PreparedPush } from './prepared.ts';
import type { SyncPrompts } from './prompts.ts';

/** Returns the result of a push that has sent nothing so far. */
export function resultOf(plan: PreparedPush, { withheld }: SyncPrompts, startedAt: number): PushResult {
  const { skipped, notices, released, heldBack } = plan;
  const credentials = [...plan.credentials, ...withheld];
  const durationMs = performance.now() - startedAt;
  return {
    files: 0,
    bytes: 0,
    deleted: 0,
    durationMs,
    skipped,
    notices,
    credentials,
    released,
    replaced: [],
    writtenThrough: [],
    movedAside: [],
    large: [],
    heldBack,
  };
}
