import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sandbox } from 'modal';
import { type PushOptions, type PushResult, SyncEngine } from './engine.ts';

export type { PushOptions, PushResult } from './engine.ts';

const engines = new Map<string, SyncEngine>();

/**
 * Makes a folder in a sandbox equal to a local one, without questions. For callers that keep no engine of their own.
 * Throws what `SyncEngine.push` throws.
 */
export function push(
  sandbox: Sandbox,
  localRoot: string,
  remoteRoot: string,
  options: PushOptions = {},
): Promise<PushResult> {
  const key = `${localRoot}\0${remoteRoot}`;
  const user = createHash('sha256')
    .update(process.env.HOME ?? '')
    .digest('hex')
    .slice(0, 8);
  const storageDir = join(tmpdir(), `modal-sync-${process.getuid?.() ?? user}`);
  const engine = engines.get(key) ?? new SyncEngine({ root: localRoot, remoteRoot, storageDir });
  engines.set(key, engine);
  return engine.push(sandbox, { ask: ({ kind }) => kind !== 'mirror', ...options });
}
