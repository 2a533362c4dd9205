import type { Sandbox } from 'modal';
import { UserError } from '../modal/errors.ts';
import { pack } from './pack.ts';
import { scan } from './scan.ts';

export interface PushOptions {
  readonly signal?: AbortSignal;
  onProgress?(progress: { readonly files: number; readonly bytes: number }): void;
}

export interface PushResult {
  readonly files: number;
  /** Bytes of the files' contents. */
  readonly bytes: number;
  readonly durationMs: number;
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
}

/** `-o` means "do not restore owners" in GNU tar, bsdtar and busybox alike. */
const UNPACK = 'mkdir -p -- "$1" && cd -- "$1" && exec tar -xof -';

/**
 * Sends a folder to `remoteRoot` in a sandbox: one tar stream over the stdin of one exec. Throws `UserError` when it
 * cannot be unpacked there, the SDK's error when the sandbox cannot be reached.
 */
export async function push(
  sandbox: Sandbox,
  localRoot: string,
  remoteRoot: string,
  options: PushOptions = {},
): Promise<PushResult> {
  const startedAt = performance.now();
  const scanned = await scan(localRoot, options.signal);
  const skipped = [...scanned.skipped];
  let files = 0;
  let bytes = 0;
  const chunks = pack(localRoot, scanned.entries, {
    ...(options.signal && { signal: options.signal }),
    onSkip: (path, reason) => skipped.push({ path, reason }),
    onFile: (_path, size) => {
      files += 1;
      bytes += size;
      options.onProgress?.({ files, bytes });
    },
  });
  const process = await sandbox.exec(['sh', '-c', UNPACK, 'modal-sync', remoteRoot], {
    mode: 'binary',
    stdout: 'ignore',
  });
  const complaint = process.stderr.readText();
  // Whoever fails first tells the reason; the other one must not become an unhandled rejection.
  complaint.catch(() => {});
  try {
    await send(process.stdin, chunks);
  } catch (error) {
    options.signal?.throwIfAborted();
    await process.closeStdin().catch(() => {});
    const exitCode = await process.wait().catch(() => undefined);
    if (exitCode === undefined || exitCode === 0) throw error;
    throw unpackError(exitCode, await complaint);
  }
  const exitCode = await process.wait();
  if (exitCode !== 0) throw unpackError(exitCode, await complaint);
  return { files, bytes, durationMs: performance.now() - startedAt, skipped };
}

async function send(stdin: WritableStream<Uint8Array>, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const writer = stdin.getWriter();
  for await (const chunk of chunks) await writer.write(chunk);
  await writer.close();
}

function unpackError(exitCode: number, complaint: string): UserError {
  const reason = complaint.trim().split('\n')[0];
  if (exitCode === 127)
    return new UserError(
      'The sandbox’s image has no `tar`, which sync needs. Choose another image in the setting modal.image.',
    );
  return new UserError(
    `The workspace could not be unpacked in the sandbox (${reason || `exit code ${exitCode}`}). Run again, or terminate the sandbox to start afresh.`,
  );
}
