import { withoutSecrets } from './secrets.ts';
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
  log.info(entry(message));
}

export function logWarning(message: string): void {
  log.warn(entry(message));
}

const logged = new WeakSet<object>();

/** Logs an error in full, with its causes and what the message for users omits. Logs each error object once. */
export function logError(error: unknown): void {
  if (error instanceof Error) {
    if (logged.has(error)) return;
    logged.add(error);
  }
  log.error(entry(fullText(error)));
}

function entry(text: string): string {
  return withoutSecrets(cleanText(text));
}

const MAX_CAUSES = 5;

function fullText(error: unknown, depth = 0): string {
  if (!(error instanceof Error)) return String(error);
  const { stack, message, cause, code } = error as Error & { code?: unknown };
  const text = stack ?? message;
  const coded = typeof code === 'string' && !text.includes(code) ? `${text}\n    code: ${code}` : text;
  if (cause === undefined || depth === MAX_CAUSES) return coded;
  return `${coded}\nCaused by: ${fullText(cause, depth + 1)}`;
}
