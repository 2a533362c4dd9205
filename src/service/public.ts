import { UserError } from '../base/errors.ts';
import { explainAndLog } from '../modal/explain/explain.ts';
import { createService } from './service.ts';
import type { SandboxService, ServiceOptions } from './types.ts';

/** Creates what other programs get from `modal-sandboxes/service`. Makes no call. Rejects with a message for users. */
export function createPublicService(options: ServiceOptions): Promise<SandboxService> {
  return explained(async (): Promise<SandboxService> => {
    const service = await createService(options);
    return {
      execute: (command, executeOptions) => explained(() => service.execute(command, executeOptions)),
      spawn: (command, executeOptions) => service.spawn(command, executeOptions),
      sync: () =>
        explained(async () => {
          const { files, bytes, deleted } = await service.sync();
          return { files, bytes, deleted };
        }),
      pull: (patterns) =>
        explained(async () => {
          const { written, conflicts } = await service.pull({ patterns });
          return { written, conflicts: conflicts.map(({ path }) => path) };
        }),
      snapshot: (name, sandboxId) => explained(() => service.snapshot(name, { sandboxId })),
      fork: (sandboxId) => explained(() => service.fork({ sandboxId })),
      terminate: (sandboxId) => explained(() => service.terminate(sandboxId)),
      status: () => explained(() => service.status()),
      sandboxes: service.sandboxes,
      dispose: () => service.dispose(),
    };
  });
}

/** Turns errors into `UserError`s, with messages that other programs can show. */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof UserError ? error : new UserError(explainAndLog(error), { cause: error });
  }
}
