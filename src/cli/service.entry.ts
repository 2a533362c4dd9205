/** `modal-sandboxes/service`, for other programs. See docs/command-line.md. */
import type { SandboxService, ServiceOptions } from '../service/types.ts';

/** Creates the service of a folder. Makes no call. Rejects with a message for users. */
export async function createService(options: ServiceOptions): Promise<SandboxService> {
  return (await import('./main.ts')).createService(options);
}
