import { REMOTE_ROOT } from '../sync/options.ts';
import { type RunRequest, runRequest } from './request.ts';

const SHELLS = ['bash', 'sh'] as const;

/** Returns the request for a login shell in the synced folder, or in the given sandbox without syncing. */
export function requestForShell({
  sandboxId,
  ...rest
}: Pick<RunRequest, 'folder' | 'label'> & { readonly sandboxId: string | undefined }): RunRequest {
  return runRequest({
    ...rest,
    // Sandboxes that were started elsewhere may not have the folder.
    programs: SHELLS.map((shell) => ({
      argv: [shell, '-c', `cd ${REMOTE_ROOT} 2>/dev/null; exec ${shell} -il`],
      label: shell,
    })),
    cwd: '/',
    sandboxId,
    sync: sandboxId === undefined,
    record: 'none',
  });
}
