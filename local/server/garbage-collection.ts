/**
 * Makes garbage collections rarer. The bytes of streams pass through short-lived buffers, and V8 before 14.8 starts a
 * collection after every few megabytes of them because it counts the memory that was allocated, not the memory that is
 * still in use. That takes half the time of a long stream. A flag that exists since V8 13 makes it count the memory in use,
 * as later versions do by default.
 */
import v8 from 'node:v8';

const [major = 0, minor = 0] = process.versions.v8.split('.').map(Number);

/** Sets the flag. Call it at startup, before there is much to collect. */
export function reduceGarbageCollections(): void {
  // V8 prints a warning about flags that it doesn't know.
  const isSupported = major === 13 || (major === 14 && minor < 8);
  if (isSupported) v8.setFlagsFromString('--external-memory-accounted-in-global-limit');
}
