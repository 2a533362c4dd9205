import type { Sandbox } from 'modal';
import { execWith } from '../../src/modal/exec.ts';

/** Unpacks an archive into a folder of a sandbox. */
export async function putArchive(sandbox: Sandbox, archive: Buffer, folder: string): Promise<void> {
  const script = `mkdir -p ${folder} && tar -xzf - -C ${folder} && echo done`;
  const said = await execWith(sandbox, ['sh', '-c', script], {
    maxBytes: 10_000,
    timeoutMs: 60_000,
    source: () => ({
      async *readFrom(offset) {
        yield archive.subarray(offset);
      },
    }),
  });
  if (!said.toString().includes('done')) throw new Error(`Nothing was unpacked in the sandbox: ${said}`);
}
