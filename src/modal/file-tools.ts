import type { ContainerProcess, Sandbox, SandboxFilesystem } from 'modal';
import { type AnswerLimits, readStream } from './exec.ts';
import { loadSdk } from './load-sdk.ts';

/**
 * Returns the SDK's file functions with limits, which its own don't have: the sandbox stops their program in time even if this
 * window is lost, and an answer that is too long is refused with a `UserError`.
 */
export async function limitedFilesystem(
  sandbox: Sandbox,
  { maxBytes, timeoutMs }: AnswerLimits,
): Promise<SandboxFilesystem> {
  const { SandboxFilesystem } = await loadSdk();
  return new SandboxFilesystem(async (command, params) => {
    const process = await sandbox.exec(command, { ...params, mode: 'binary', timeoutMs });
    const limited = {
      stdout: limitedStream(process.stdout, maxBytes),
      stderr: limitedStream(process.stderr, maxBytes),
    };
    return new Proxy(process, {
      get: (_, key) => {
        if (key === 'stdout' || key === 'stderr') return limited[key];
        const value: unknown = Reflect.get(process, key, process);
        return typeof value === 'function' ? value.bind(process) : value;
      },
    }) as unknown as ContainerProcess;
  });
}

/** The functions of a stream that the SDK's file functions use. */
function limitedStream(stream: ReadableStream<Uint8Array>, maxBytes: number) {
  const readBytes = async () => {
    const parts: Uint8Array[] = [];
    for await (const part of readStream(stream, { maxBytes })) parts.push(part);
    return Buffer.concat(parts);
  };
  return { readBytes, readText: async () => (await readBytes()).toString() };
}
