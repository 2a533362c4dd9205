/**
 * When garbage is collected. The bytes of streams go through short-lived buffers, and V8 before 14.8 begins a collection
 * for every few megabytes of them, as it counts what was made and not what is left: half the time of a long stream. A flag,
 * which has been in V8 since 13 and is how later versions work, makes it count what is left.
 */
import v8 from 'node:v8';

const [major = 0, minor = 0] = process.versions.v8.split('.').map(Number);

/** To be called before there is much to collect. */
export function collectSeldom(): void {
  // V8 complains of a flag that it does not know.
  const known = major === 13 || (major === 14 && minor < 8);
  if (known) v8.setFlagsFromString('--external-memory-accounted-in-global-limit');
}
