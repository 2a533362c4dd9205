import { appendFileSync, mkdirSync, statSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Log } from '../base/log.ts';
import { isSdkWarning } from '../modal/client.ts';

/** A log over this size is emptied. */
const MAX_BYTES = 1024 * 1024;

/** Returns a log that appends warnings and errors to a file for this user only. */
export function fileLog(path: string): Log {
  let isReady = false;
  const append = (level: string, message: string) => {
    try {
      if (!isReady) {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES) truncateSync(path);
        isReady = true;
      }
      appendFileSync(path, `${new Date().toISOString()} ${level} ${message}\n`, { mode: 0o600 });
    } catch {
      // Nothing depends on the log.
    }
  };
  return {
    info: () => {},
    warn: (message) => {
      if (!isSdkWarning(message.replace(/^Modal: /, ''))) append('warning', message);
    },
    error: (message) => append('error', message),
  };
}
