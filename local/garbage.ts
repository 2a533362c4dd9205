/**
 * When garbage is collected. The bytes of streams go through short-lived buffers, and V8 before 14.8 begins a collection
 * for every few megabytes of them, counting what was made and not what is left: half of the time of a long stream. Two of
 * V8's own flags count what is left, as later versions do, and let it grow before the next collection to some 100 MiB.
 */
import v8 from 'node:v8';

const [major = 0, minor = 0] = process.versions.v8.split('.').map(Number);

/** To be called before there is much to collect. */
export function collectSeldom(): void {
  v8.setFlagsFromString('--heap-growing-percent=400');
  // V8 complains of a flag that it does not know: this one is of 2024, and gone in 14.8.
  const known = major === 13 || (major === 14 && minor < 8);
  if (known) v8.setFlagsFromString('--external-memory-accounted-in-global-limit');
}
