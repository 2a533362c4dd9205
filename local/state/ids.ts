import { randomBytes } from 'node:crypto';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function randomText(alphabet: string, length: number): string {
  let text = '';
  // The modulo slightly favors the alphabet's first letters, which is good enough for IDs.
  for (const byte of randomBytes(length)) text += alphabet[byte % alphabet.length];
  return text;
}

/** Returns a ULID: 10 characters for the time in milliseconds, and 16 random ones. */
export function ulid(): string {
  let time = Date.now();
  let stamp = '';
  for (let place = 0; place < 10; place++) {
    stamp = CROCKFORD[time % 32] + stamp;
    time = Math.floor(time / 32);
  }
  return stamp + randomText(CROCKFORD, 16);
}

/** Returns `<prefix>-<22 base62 characters>`, the form of most of Modal's IDs, including those of V1 sandboxes. */
export function newId(prefix: string): string {
  return `${prefix}-${randomText(BASE62, 22)}`;
}

/** Returns an ID for a sandbox. The SDK takes IDs of any length other than 22 for V2; by convention they are ULIDs. */
export function newSandboxId(version: 1 | 2): string {
  return version === 1 ? newId('sb') : `sb-${ulid()}`;
}

/** Returns a task ID for a sandbox. V2's end in V. */
export function newTaskId(version: 1 | 2): string {
  return `ta-${ulid()}${version === 2 ? 'V' : ''}`;
}

/** Returns a random folder name. It is short because the names of all layers must fit into one mount option. */
export function newFolderName(): string {
  return randomText(CROCKFORD, 10).toLowerCase();
}
