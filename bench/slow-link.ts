import { setTimeout as pause } from 'node:timers/promises';
import type { Sandbox, SandboxExecParams } from 'modal';

export interface LinkSpeed {
  readonly bytesPerSecond: number;
  readonly roundTripMs: number;
}

/**
 * Returns a sandbox behind a slow link: each call takes a round trip, and input flows at the link's rate. The link is
 * simulated in front of the SDK, because a grpc-js server accepts at most 64 KiB per round trip, which may not be true of
 * Modal.
 */
export function behindSlowLink(sandbox: Sandbox, { bytesPerSecond, roundTripMs }: LinkSpeed): Sandbox {
  async function* throttled(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    await pause(roundTripMs);
    let freeAt = performance.now();
    for await (const piece of source) {
      freeAt = Math.max(freeAt, performance.now()) + (piece.length / bytesPerSecond) * 1000;
      const waitMs = freeAt - performance.now();
      if (waitMs > 1) await pause(waitMs);
      yield piece;
    }
  }
  const exec = async (argv: string[], params: SandboxExecParams & { mode: 'binary' }) => {
    await pause(roundTripMs);
    const process = await sandbox.exec(argv, params);
    const stream = process._stdinWriteStream.bind(process);
    process._stdinWriteStream = (source) => stream({ readFrom: (offset) => throttled(source.readFrom(offset)) });
    return process;
  };
  return Object.create(sandbox, { exec: { value: exec } }) as Sandbox;
}
