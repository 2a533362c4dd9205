import { cleanText } from './text.ts';

/** The extension's log. Never contains secrets. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

let log: Log = { info: () => {}, warn: () => {}, error: () => {} };

/** Sets where entries are written. Entries logged earlier are dropped. */
export function setLog(target: Log): void {
  log = target;
}

export function logInfo(message: string): void {
  log.info(cleanText(message));
}

export function logWarning(message: string): void {
  log.warn(cleanText(message));
}

/** Logs an error in full, including what the message for users omits. */
export function logError(error: unknown): void {
  log.error(cleanText(error instanceof Error ? (error.stack ?? error.message) : String(error)));
}
