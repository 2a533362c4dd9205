import { randomBytes } from 'node:crypto';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function spell(alphabet: string, length: number): string {
  let text = '';
  // One byte in excess of the largest multiple of the alphabet would favour its first letters; ids need no more than this.
  for (const byte of randomBytes(length)) text += alphabet[byte % alphabet.length];
  return text;
}

/** A ULID: 10 characters of time in milliseconds, 16 of chance. */
export function ulid(): string {
  let time = Date.now();
  let stamp = '';
  for (let place = 0; place < 10; place++) {
    stamp = CROCKFORD[time % 32] + stamp;
    time = Math.floor(time / 32);
  }
  return stamp + spell(CROCKFORD, 16);
}

/** `<prefix>-<22 base62 characters>`, the shape of most of Modal's ids (and of a V1 sandbox's). */
export function newId(prefix: string): string {
  return `${prefix}-${spell(BASE62, 22)}`;
}

/** A sandbox id that the SDK takes for V2: anything but 22 characters, by convention a ULID. */
export function newSandboxId(version: 1 | 2): string {
  return version === 1 ? newId('sb') : `sb-${ulid()}`;
}

/** The task id of a sandbox; those of V2 end in a V. */
export function newTaskId(version: 1 | 2): string {
  return `ta-${ulid()}${version === 2 ? 'V' : ''}`;
}

/** A name for a layer's folder: short, as the names of all layers of a root have to fit into one mount option. */
export function newLayerName(): string {
  return spell(CROCKFORD, 10).toLowerCase();
}
