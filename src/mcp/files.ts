import { posix } from 'node:path';
import { MINUTE_MS } from '../base/clock.ts';
import { formatBytes } from '../base/text.ts';
import { type AnswerLimits, execWith } from '../modal/exec.ts';
import { contentOf, type RemoteFiles, readAll } from '../modal/remote-files.ts';
import { sandboxFiles } from '../modal/sandbox-files.ts';
import { REMOTE_ROOT } from '../sync/options.ts';
import { STATE_FOLDER } from '../sync/rules/builtin.ts';
import { AgentError } from './errors.ts';
import type { AgentPermissions } from './permissions.ts';
import type { AgentSandbox } from './sandboxes.ts';
import { strings } from './strings.ts';

/** A text is read up to here, because what comes before its offset is read, too. */
const MAX_TEXT_BYTES = 32 * 1024 * 1024;
/** Larger images aren't put into a result. */
const MAX_IMAGE_BYTES = 3 * 1024 * 1024;
const RESOLVE_LIMITS: AnswerLimits = { maxBytes: 10_000, timeoutMs: MINUTE_MS };
/** Prints the real path of a file, or of one that could be created. */
const RESOLVE = [
  'p=$1',
  'rest=',
  `while [ ! -e "$p" ] && [ ! -L "$p" ] && [ "$p" != / ]; do rest=/\${p##*/}$rest; p=\${p%/*}; p=\${p:-/}; done`,
  'real=$(readlink -f "$p") && printf "%s%s" "$real" "$rest"',
].join('\n');
const IMAGES: readonly (readonly [start: Buffer, mimeType: string])[] = [
  [Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), 'image/png'],
  [Buffer.from([0xff, 0xd8, 0xff]), 'image/jpeg'],
];

/** The content of a file: a part of a text, or an image. */
export type FileContent =
  | { readonly kind: 'text'; readonly bytes: Buffer }
  | { readonly kind: 'image'; readonly mimeType: string; readonly base64: string };

/** The files of an agent's sandbox. Paths are absolute, or relative to the synced folder. */
export class AgentFiles {
  readonly #used: AgentSandbox;
  readonly #files: RemoteFiles;
  readonly #permissions: AgentPermissions;

  constructor(used: AgentSandbox, permissions: AgentPermissions) {
    this.#used = used;
    this.#files = sandboxFiles(async () => used.sandbox);
    this.#permissions = permissions;
  }

  /** Reads at most `maxBytes` of a text from an offset, or a whole image. */
  async read(path: string, offset: number, maxBytes: number, signal: AbortSignal): Promise<FileContent> {
    const real = await this.#allowed(path, signal);
    const end = offset + maxBytes;
    if (end > MAX_TEXT_BYTES) throw new AgentError('invalid', strings.offsetTooLarge(formatBytes(MAX_TEXT_BYTES)));
    const parts: Uint8Array[] = [];
    for await (const part of this.#files.read(real, { maxBytes: end, signal })) parts.push(part);
    const bytes = Buffer.concat(parts);
    const image = IMAGES.find(([start]) => bytes.subarray(0, start.length).equals(start));
    if (!image) return { kind: 'text', bytes: bytes.subarray(offset) };
    const whole = await readAll(this.#files, real, MAX_IMAGE_BYTES);
    return { kind: 'image', mimeType: image[1], base64: Buffer.from(whole).toString('base64') };
  }

  /** Writes a file, and creates its parent folders. Returns its absolute path. */
  async write(path: string, content: string, signal: AbortSignal): Promise<string> {
    const real = await this.#allowed(path, signal);
    await this.#files.write(real, contentOf(Buffer.from(content)), { signal });
    return real;
  }

  /** Returns a line for each file of a folder: `d` and the name, or the size and the name. */
  async list(path: string, signal: AbortSignal): Promise<string[]> {
    const entries = await this.#files.list(await this.#allowed(path, signal));
    const sorted = entries
      .filter(({ name }) => name !== STATE_FOLDER)
      .sort((one, other) => (one.name < other.name ? -1 : 1));
    return sorted.map(({ name, type, target, bytes }) =>
      (target ?? type) === 'directory' ? `${name}/` : `${name} (${formatBytes(bytes)})`,
    );
  }

  /** Returns the real path. Throws if it's outside the synced folder and the user hasn't allowed that. */
  async #allowed(path: string, signal: AbortSignal): Promise<string> {
    const asked = posix.resolve(REMOTE_ROOT, path);
    const script = ['sh', '-c', RESOLVE, 'sh', asked];
    const real = String(await execWith(this.#used.sandbox, script, { ...RESOLVE_LIMITS, signal }));
    if (real === '') throw new AgentError('invalid', strings.pathNotResolved(asked));
    if (!isInside(asked) || !isInside(real)) await this.#permissions.require('outside', strings.mayUseOutside(real));
    return real;
  }
}

function isInside(path: string): boolean {
  return path === REMOTE_ROOT || path.startsWith(`${REMOTE_ROOT}/`);
}
