import { Emitter, type Event } from './events.ts';
import { logError } from './log.ts';

const unsaved = new Emitter<unknown>();
let isReported = false;

/**
 * Reports that something couldn't be stored on this computer and is now only kept in memory, for example because the disk
 * is full. Work continues. Every problem is logged, and the first one is reported to listeners.
 */
export function reportUnsaved(error: unknown): void {
  logError(error);
  if (isReported) return;
  isReported = true;
  unsaved.fire(error);
}

/** Fires once, with the file system's error. */
export const onDidFailToSave: Event<unknown> = unsaved.event;
